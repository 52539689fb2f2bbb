//! What a client does when things go wrong on the way.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use sdk_netbox::mock::{Fault, FaultKind, Mock};
use sdk_netbox::types::TagRequest;
use sdk_netbox::{Builder, Client, ErrorKind, ops};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn client(mock: &Mock) -> Builder {
    Client::builder(mock.url()).token(mock.token())
}

fn tag(name: &str) -> TagRequest {
    TagRequest::new(name, name)
}

#[tokio::test]
async fn a_read_is_repeated_until_it_succeeds() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let faults = [
        FaultKind::Status(503),
        FaultKind::ResetBefore,
        FaultKind::Truncate,
        FaultKind::Busy { retry_after: 0 },
    ];
    for fault in faults {
        mock.fault(Fault::new(fault.clone()));
        let before = netbox.counters();
        netbox.status().await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(netbox.counters().since(&before).retries, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_creation_is_repeated_only_where_it_cannot_have_happened() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    // (fault, requests, stored, ambiguous)
    let cases = [
        (FaultKind::Busy { retry_after: 0 }, 2, true, false),
        (FaultKind::Deadlock, 2, true, false),
        (FaultKind::Status(503), 1, false, false),
        (FaultKind::Status(502), 1, false, true),
        (FaultKind::ResetBefore, 1, false, true),
        (FaultKind::ResetAfterCommit, 1, true, true),
        (FaultKind::Truncate, 1, true, true),
    ];
    for (number, (fault, requests, stored, ambiguous)) in cases.into_iter().enumerate() {
        mock.forget_requests();
        mock.fault(Fault::new(fault.clone()).method("POST"));
        let before = mock.count("extras/tags");
        let result = netbox.create(&ops::extras::TAGS_CREATE, &tag(&format!("t{number}"))).await;
        assert_eq!(mock.requests().len(), requests, "{fault:?}");
        assert_eq!(mock.count("extras/tags") > before, stored, "{fault:?}");
        let uncertain = result.as_ref().is_err_and(|error| error.is_ambiguous());
        assert_eq!(uncertain, ambiguous, "{fault:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_patch_is_repeated_when_the_caller_vouches_for_it() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let tag = netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap();
    let path = format!("extras/tags/{}/", tag.id);
    let body = || Some(json!({ "description": "x" }));
    mock.fault(Fault::new(FaultKind::ResetAfterCommit).method("PATCH").times(2));
    let error = netbox.raw(Method::PATCH, &path, &[], body()).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error}");
    netbox.repeating_patches().raw(Method::PATCH, &path, &[], body()).await.unwrap();
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_has_succeeded() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let tag = netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap();
    mock.fault(Fault::new(FaultKind::ResetAfterCommit).method("DELETE"));
    netbox.delete(&ops::extras::TAGS_DESTROY, tag.id).await.unwrap();
    assert_eq!(mock.count("extras/tags"), 0);
    let error = netbox.delete(&ops::extras::TAGS_DESTROY, tag.id).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_late_answer_is_a_timeout_that_may_have_had_an_effect() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).timeout(Duration::from_millis(50)).build().unwrap();
    mock.fault(Fault::new(FaultKind::Delay(Duration::from_secs(60))));
    let error = netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { .. }), "{error}");
    assert!(error.is_ambiguous() && !error.is_not_sent());
}

#[tokio::test]
async fn errors_say_what_failed_where_and_why() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap();
    let error = netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /api/extras/tags/: 400 name: tag with this name already exists; \
         slug: tag with this slug already exists"
    );
    let fields = error.field_errors().unwrap();
    assert_eq!(fields.get("slug"), ["tag with this slug already exists."]);
    let error = netbox.get(&ops::extras::TAGS_RETRIEVE, 77).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_and_never_shown() {
    let mock = Mock::start().await.unwrap();
    let secret = "nbt_key.s3cr3t";
    let builder = Client::builder(mock.url()).token(secret);
    assert!(!format!("{builder:?}").contains("s3cr3t"));
    let netbox = builder.build().unwrap();
    assert!(!format!("{netbox:?}").contains("s3cr3t"));
    let error = netbox.status().await.unwrap_err();
    assert!(error.is_auth() && error.to_string().contains("Invalid v2 token"), "{error}");
    assert!(!format!("{error:?}").contains("s3cr3t"));
    let nobody = Client::builder(mock.url()).build().unwrap();
    let error = nobody.status().await.unwrap_err();
    assert!(error.to_string().contains("not provided"), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_named_with_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let cases = [
        (format!("http://{closed}"), "refuses connections"),
        ("http://no-such-host.invalid".to_owned(), "host name"),
    ];
    for (url, words) in cases {
        let netbox = Client::builder(url).retries(0).build().unwrap();
        let error = netbox.status().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_not_sent() && !error.is_ambiguous(), "{error}");
        assert!(std::error::Error::source(&error).is_some(), "the cause is kept");
    }
}

#[tokio::test]
async fn an_encrypted_connection_to_a_server_without_tls_says_so() {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url().replace("http://", "https://"));
    let netbox = netbox.accept_invalid_certs(true).retries(0).build().unwrap();
    let error = netbox.status().await.unwrap_err();
    assert!(error.is_not_sent() && error.to_string().contains("is it https there"), "{error}");
}

#[tokio::test]
async fn the_path_that_netbox_is_mounted_under_comes_before_every_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/netbox/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull";
        stream.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let netbox = Client::builder(url).header("X-NetBox-Branch", "abcd1234").build().unwrap();
    netbox.raw(Method::GET, "dcim/sites/", &[("q", "a b")], None).await.unwrap();
    let head = server.await.unwrap();
    assert!(head.starts_with("GET /netbox/api/dcim/sites/?q=a%20b HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("x-netbox-branch: abcd1234"), "{head}");
}

#[tokio::test]
async fn redirects_are_not_followed_with_the_token() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let error = netbox.raw(Method::GET, "/api/dcim/sites", &[], None).await.unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_not_sent() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let long = "x".repeat(5000);
    let requests =
        [("dcim/../users/", ""), ("dcim/sites/?a=b", ""), ("dcim/sites/", long.as_str())];
    for (path, query) in requests {
        let error = netbox.raw(Method::GET, path, &[("q", query)], None).await.unwrap_err();
        assert!(error.is_not_sent(), "{error}");
    }
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn graphql_that_is_switched_off_is_not_found() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let error = netbox.graphql("{ site_list { id } }", Value::Null).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told_from_a_netbox() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>hi!";
        stream.write_all(answer).await.unwrap();
    });
    let netbox = Client::builder(url).build().unwrap();
    let error = netbox.status().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error}");
    assert!(error.to_string().contains("is this address a NetBox"), "{error}");
}

#[tokio::test]
async fn a_conditional_write_fails_when_somebody_else_was_faster() {
    let mock = Mock::start().await.unwrap();
    let netbox = client(&mock).build().unwrap();
    let tag = netbox.create(&ops::extras::TAGS_CREATE, &tag("a")).await.unwrap();
    let path = format!("extras/tags/{}/", tag.id);
    let seen = tag.last_updated.unwrap();
    let body = || Some(json!({ "description": "x" }));
    let careful = netbox.if_unchanged(&seen).unwrap();
    careful.raw(Method::PATCH, &path, &[], body()).await.unwrap();
    let error = careful.raw(Method::PATCH, &path, &[], body()).await.unwrap_err();
    assert_eq!(error.status(), Some(412), "{error}");
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    async fn answer(stream: &mut TcpStream) {
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull";
        stream.write_all(answer).await.unwrap();
    }
    for (allowed, together) in [(1, false), (2, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let netbox = Client::builder(url).concurrency(allowed).retries(0).build().unwrap();
        let server = async {
            let (mut first, _) = listener.accept().await.unwrap();
            let patience = Duration::from_millis(if together { 5000 } else { 100 });
            let early = tokio::time::timeout(patience, listener.accept()).await.ok();
            let came_early = early.is_some();
            answer(&mut first).await;
            let (mut second, _) = match early {
                Some(second) => second.unwrap(),
                None => listener.accept().await.unwrap(),
            };
            answer(&mut second).await;
            came_early
        };
        let ask = || netbox.raw(Method::GET, "status/", &[], None);
        let (came_early, ..) = tokio::join!(server, ask(), ask());
        assert_eq!(came_early, together, "{allowed} allowed");
    }
}

/// Answers every request as a NetBox of this release, and notes the paths.
async fn netbox_of(release: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let answer = move |request: axum::extract::Request| {
        noted.lock().unwrap().push(request.uri().to_string());
        async move { ([("API-Version", release)], r#"{"count": 0, "results": []}"#) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

#[tokio::test]
async fn a_filter_that_an_older_netbox_would_ignore_is_not_sent() {
    use sdk_netbox::{
        filters::dcim::cable_terminations as filters, ops::dcim::CABLE_TERMINATIONS_LIST as LIST,
    };
    let (url, seen) = netbox_of("4.5").await;
    let client = Client::builder(&url).token("0123456789").build().unwrap();
    let new = filters::CABLE_ID.eq(1);
    let error = client.list(&LIST, [new.clone()]).all().await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("needs NetBox 4.6, this is 4.5"), "{told}");
    assert_eq!(*seen.lock().unwrap(), ["/api/status/"]);

    let all = client.list(&LIST, []).fields(["id"]).all().await;
    assert!(all.is_ok_and(|rows| rows.is_empty()), "`fields` is older than its description");
    let client = Client::builder(&url).token("x").check_release(false).build().unwrap();
    assert!(client.list(&LIST, [new]).all().await.is_ok());
}
