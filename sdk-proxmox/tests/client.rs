//! The client against a server that misbehaves.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use proxbox_runtime::Method;
use sdk_proxmox::mock::{Cluster, Fault, Mock, Trouble};
use sdk_proxmox::pve::{
    GetClusterResources, GetNodesNodeQemuVmidConfig, GetNodesNodeTasks, GetVersion,
    PostNodesNodeQemuVmidStatusStart, PostPools, PutNodesNodeQemuVmidConfig,
};
use sdk_proxmox::{
    BoxFuture, Client, ConnectFailure, Error, Operation, Product, Reply, Request, Transport,
};
use tokio::io::AsyncReadExt;

async fn mock() -> Mock {
    Mock::start(Cluster::demo(2, 12, 7)).await.expect("a port")
}

/// An address nobody listens on.
async fn deserted() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn a_token_is_sent_with_every_request() {
    let mock = mock().await;
    let client = mock.client().build().expect("a client");
    let version = client.send(&GetVersion::new()).await.expect("an answer").value;
    assert_eq!(version.version.as_deref(), Some("9.1.2"));
    assert_eq!(mock.requests()[0].user.as_deref(), Some("root@pam!proxbox"));
    let counted = client.counters();
    assert_eq!(counted.requests, 1);
    assert!(counted.bytes > 20, "{counted:?}");
}

#[tokio::test]
async fn a_wrong_token_is_an_authentication_error_that_does_not_show_the_secret() {
    let mock = mock().await;
    let builder = Client::builder(&mock.url()).token("root@pam!proxbox", "wrong-secret");
    let client = builder.build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("refused");
    assert!(error.is_auth());
    assert_eq!(error.status(), Some(401));
    let shown = format!("{error} {error:?} {client:?}");
    assert!(!shown.contains("wrong-secret"), "{shown}");
}

#[tokio::test]
async fn a_missing_guest_is_not_found_on_old_and_new_releases() {
    for release in ["7.4.3", "8.3.5", "8.4.1", "9.1.9"] {
        let mock = mock().await;
        mock.with(|cluster| cluster.release = release.into());
        let client = mock.client().build().expect("a client");
        let call = GetNodesNodeQemuVmidConfig::new("pve01", 999);
        let error = client.send(&call).await.expect_err("missing");
        assert_eq!(
            error.to_string(),
            "GET /nodes/pve01/qemu/999/config: 500 Configuration file \
             'nodes/pve01/qemu-server/999.conf' does not exist",
            "{release}"
        );
        assert!(error.is_not_found() && !error.is_retryable());
    }
}

#[tokio::test]
async fn nodes_that_are_down_or_unknown_are_unreachable() {
    let mock = mock().await;
    mock.with(|cluster| cluster.set_online("pve02", false)).expect("a node");
    let client = mock.client().build().expect("a client");
    for node in ["pve02", "pve77"] {
        let call = GetNodesNodeQemuVmidConfig::new(node, 101);
        let error = client.send(&call).await.expect_err("unreachable");
        assert!(error.is_node_unreachable() && !error.is_not_found(), "{error}");
    }
}

#[tokio::test]
async fn a_ticket_is_got_once_and_carries_the_csrf_token_on_writes() {
    let mock = mock().await;
    let client = Client::builder(&mock.url()).password("root@pam", "mock-password");
    let client = client.build().expect("a client");
    let call = GetVersion::new();
    let (first, second) = tokio::join!(client.send(&call), client.send(&call));
    first.and(second).expect("logged in");
    client.send(&PostPools::new("fresh")).await.expect("a write");
    let logins = mock.requests().iter().filter(|r| r.path == "/access/ticket").count();
    assert_eq!(logins, 1);
    assert!(mock.with(|cluster| cluster.pools.contains_key("fresh")));
}

#[tokio::test]
async fn a_refused_ticket_is_renewed_once() {
    let mock = mock().await;
    let client = Client::builder(&mock.url()).password("root@pam", "mock-password");
    let client = client.build().expect("a client");
    client.send(&GetVersion::new()).await.expect("logged in");
    mock.with(Cluster::expire_tickets);
    client.send(&GetVersion::new()).await.expect("logged in again");
    mock.with(|cluster| cluster.expire_tickets());
    mock.with(|cluster| cluster.users.clear());
    let error = client.send(&GetVersion::new()).await.expect_err("the user is gone");
    assert!(matches!(error, Error::Auth { .. }) && error.is_auth(), "{error}");
    assert!(!format!("{error:?}").contains("mock-password"));
}

#[tokio::test]
async fn a_ticket_is_renewed_before_it_expires_without_the_password() {
    let mock = mock().await;
    let client = Client::builder(&mock.url()).password("root@pam", "mock-password");
    let client = client.build().expect("a client");
    client.send(&GetVersion::new()).await.expect("logged in");
    // Only a ticket can renew from now on.
    mock.with(|cluster| {
        let user = cluster.users.get_mut("root@pam").expect("root");
        user.password = "changed".into();
    });
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(100 * 60)).await;
    tokio::time::resume();
    client.send(&GetVersion::new()).await.expect("renewed");
    let logins = mock.requests().iter().filter(|r| r.path == "/access/ticket").count();
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn a_second_factor_is_answered_or_explained() {
    let mock = mock().await;
    mock.with(|cluster| {
        cluster.users.get_mut("root@pam").expect("root").totp = Some("123456".into());
    });
    let builder = || Client::builder(&mock.url()).password("root@pam", "mock-password");
    let client = builder().totp(|| "123456".into()).build().expect("a client");
    client.send(&GetVersion::new()).await.expect("both factors");
    for builder in [builder(), builder().totp(|| "000000".into())] {
        let error = builder.build().expect("a client").send(&GetVersion::new()).await;
        let error = error.expect_err("one factor");
        assert!(matches!(error, Error::Tfa { .. }), "{error}");
    }
}

#[tokio::test]
async fn another_host_is_asked_when_one_is_down_and_then_preferred() {
    let mock = mock().await;
    let client = Client::builder(&format!("http://{}", deserted().await))
        .host(&mock.url())
        .token(mock.token_id(), mock.token_secret())
        .retries(0)
        .build()
        .expect("a client");
    client.send(&GetVersion::new()).await.expect("the second host");
    client.send(&GetVersion::new()).await.expect("the second host");
    // The first host cost one attempt, once.
    assert_eq!(client.counters().requests, 3);
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let address = deserted().await;
    let client =
        Client::builder(&format!("http://{address}")).retries(0).build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("nobody listens");
    assert!(matches!(&error, Error::Connect { why: ConnectFailure::Refused, .. }), "{error:?}");
    assert!(error.is_not_sent() && error.is_retryable() && error.is_node_unreachable());
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn reads_survive_a_lost_connection_and_a_busy_proxy() {
    let mock = mock().await;
    mock.fault(Fault::on("/version", Trouble::Reset).nth(1));
    mock.fault(Fault::on("/version", Trouble::Status(503, "busy".into())).nth(2));
    let client = mock.client().retries(3).build().expect("a client");
    client.send(&GetVersion::new()).await.expect("the third time");
    assert_eq!(mock.requests().len(), 3);
}

#[tokio::test]
async fn a_write_that_may_have_arrived_is_not_sent_again() {
    let mock = mock().await;
    mock.fault(Fault::on("/pools", Trouble::Reset).method(Method::Post));
    let client = mock.client().retries(3).build().expect("a client");
    let error = client.send(&PostPools::new("once")).await.expect_err("lost");
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    assert!(error.is_ambiguous() && !error.is_not_sent());
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test]
async fn half_an_answer_is_a_lost_connection() {
    let mock = mock().await;
    mock.fault(Fault::on("/cluster/resources", Trouble::Truncate));
    let client = mock.client().build().expect("a client");
    let error = client.send(&GetClusterResources::new()).await.expect_err("half");
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    assert!(!error.is_ambiguous(), "a read changes nothing");
}

#[tokio::test]
async fn a_slow_answer_runs_into_the_time_limit() {
    let mock = mock().await;
    mock.fault(Fault::on("/version", Trouble::Delay(Duration::from_secs(30))));
    let client = mock.client().timeout(Duration::from_millis(100)).build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("too slow");
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_json_says_how_it_starts() {
    let mock = mock().await;
    let login = "<html>please log in</html>".to_owned();
    mock.fault(Fault::on("/version", Trouble::Page(200, login)));
    let client = mock.client().build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("no version");
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(error.to_string().contains("please log in"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mock = mock().await;
    mock.fault(Fault::on("/version", Trouble::Page(302, "moved".into())));
    let client = mock.client().build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("not followed");
    assert_eq!(error.status(), Some(302));
}

#[tokio::test]
async fn a_host_gets_no_more_calls_at_a_time_than_it_may() {
    let mock = mock().await;
    mock.fault(Fault::on("/version", Trouble::Delay(Duration::from_millis(30))));
    let client = mock.client().concurrency(2).build().expect("a client");
    let call = GetVersion::new();
    futures_util::future::join_all((0..6).map(|_| client.send(&call))).await;
    assert_eq!(mock.busiest(), 2);
    assert_eq!(mock.requests().len(), 6);
}

#[tokio::test]
async fn an_unknown_host_is_told_apart() {
    let client =
        Client::builder("https://no-such-host.invalid").retries(0).build().expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("no such host");
    assert!(matches!(&error, Error::Connect { why: ConnectFailure::UnknownHost, .. }), "{error:?}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let cases = [
        Client::builder("http://pve1.example.org:8006"),
        Client::builder("https://pve1").token("root@pam", "secret"),
        Client::builder("https://pve1").token("root@pam!x", ""),
        Client::builder("https://pve1").token("root@pam!x", "a\nb"),
        Client::builder("https://pve1").password("root", "secret"),
        Client::builder("https://pve1").fingerprint("abc"),
        Client::builder("https://pve1").ca_pem("no certificate"),
    ];
    for builder in cases {
        assert!(matches!(builder.build(), Err(Error::Invalid(_))));
    }
}

#[tokio::test]
async fn values_with_separators_arrive_whole() {
    let mock = mock().await;
    let client = mock.client().build().expect("a client");
    let mut change = PutNodesNodeQemuVmidConfig::new("pve01", 100);
    change.tags = Some("a;b=c&d".into());
    change.description = Some("50% of \u{fc}ml\u{e4}uts + more\n".into());
    client.send(&change).await.expect("changed");
    let config = client.send(&GetNodesNodeQemuVmidConfig::new("pve01", 100)).await.expect("read");
    assert_eq!(config.value.tags, change.tags);
    assert_eq!(config.value.description, change.description);
}

/// The head of the request that a call sends, in lower case.
async fn head_of<O: Operation>(operation: O) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let builder = Client::builder(&format!("http://{address}")).token("a@pve!b", "s3cret");
    let client = builder.retries(0).build().expect("a client");
    let head = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a byte"));
        }
        String::from_utf8(head).expect("text").to_lowercase()
    };
    tokio::join!(client.send(&operation), head).1
}

#[tokio::test]
async fn requests_have_the_form_that_nodes_and_proxies_take() {
    let head = head_of(PostNodesNodeQemuVmidStatusStart::new("pve1", 100)).await;
    assert!(head.starts_with("post /api2/json/nodes/pve1/qemu/100/status/start http/1.1\r\n"));
    assert_eq!(head.matches("content-length: 0\r\n").count(), 1, "{head}");
    assert!(head.contains("authorization: pveapitoken=a@pve!b=s3cret\r\n"), "{head}");
    assert!(!head.contains("chunked") && !head.contains("cookie"), "{head}");

    let mut list = GetNodesNodeTasks::new("pve1");
    list.errors = Some(true);
    let head = head_of(list).await;
    assert!(head.starts_with("get /api2/json/nodes/pve1/tasks?errors=1 http/1.1\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
}

/// Answers every call alike.
struct Canned(&'static str);

impl Transport for Canned {
    fn call(&self, _: Request) -> BoxFuture<'_, Result<Reply, Error>> {
        let body = self.0.as_bytes().into();
        Box::pin(async move { Ok(Reply { status: 200, body, ..Reply::default() }) })
    }
}

#[tokio::test]
async fn any_transport_will_do_and_drift_is_counted() {
    let body = r#"{"data":{"version":"9.1.2","release":["odd"],"new":1},"total":7}"#;
    let client = Client::with_transport(std::sync::Arc::new(Canned(body)));
    let decoded = client.send(&GetVersion::new()).await.expect("an answer");
    assert_eq!(decoded.value.version.as_deref(), Some("9.1.2"));
    assert_eq!(decoded.value.extra["release"], serde_json::json!(["odd"]));
    assert_eq!(decoded.value.extra["new"], 1);
    assert_eq!(decoded.beside["total"], 7);
    assert_eq!((decoded.drift.len(), client.counters().drift), (1, 1));
}

#[tokio::test]
async fn a_call_that_is_not_for_tokens_is_not_sent_with_one() {
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    let change = sdk_proxmox::pve::PutAccessPassword::new("long-enough", "root@pam");
    let client = mock.client().build().expect("a client");
    let error = client.send(&change).await.expect_err("a token");
    assert!(matches!(error, Error::NoToken { .. }), "{error:?}");
    let told = "PUT /access/password: not for API tokens; log in with user and password";
    assert_eq!(error.to_string(), told);
    assert!(mock.requests().is_empty());
    let client = Client::builder(&mock.url()).password("root@pam", "mock-password").build();
    client.expect("a client").send(&change).await.expect("a ticket will do");
}

#[tokio::test]
async fn each_product_is_logged_in_to_by_password() {
    for product in [Product::Pve, Product::Pbs, Product::Pdm] {
        let mock = Mock::start(Cluster::of(product)).await.expect("a port");
        let client = Client::builder(&mock.url()).product(product);
        let client = client.password("root@pam", "mock-password").build().expect("a client");
        client.release().await.unwrap_or_else(|| panic!("{product}"));
        let paths: Vec<String> = mock.requests().iter().map(|one| one.path.clone()).collect();
        assert_eq!(paths, ["/access/ticket", "/version"], "{product}");
    }
}
