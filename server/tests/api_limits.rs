//! The rules of the door, attacked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::time::Duration;

use harness::{KEY, TestServer, proxmox_body};
use proxbox::edge::{App, Settings, TlsFiles};
use proxbox::logs::{LogBuffer, LogLayer};
use proxbox::store::{KeyRing, Store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing_subscriber::layer::SubscriberExt;

/// A route of the server's own, and a path of the proxy, which is no route.
const A_ROUTE: &str = "/proxmox/endpoints";
const A_PLACE: &str = "/proxmox/api2/json/version";

async fn with(settings: Settings) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let server = TestServer::over(folder, App::with(store, settings)).await;
    server.register().await;
    server
}

#[tokio::test]
async fn ten_thousand_wrong_keys_do_not_lock_out_the_right_one() {
    let server = TestServer::start().await;
    let wrong = |n: usize| {
        let (http, url) = (server.http.clone(), server.url("/version"));
        async move {
            let key = format!("wrong-key-{n:032}");
            http.get(url).header("X-Proxbox-API-Key", key).send().await.unwrap().status()
        }
    };
    for round in 0..100 {
        let all = futures_util::future::join_all((0..100).map(|n| wrong(round * 100 + n))).await;
        assert!(all.iter().all(|status| [401, 429].contains(&status.as_u16())));
        assert_eq!(server.get("/version").await.status, 200, "round {round}");
    }
}

#[tokio::test]
async fn of_two_first_keys_at_the_same_time_one_is_taken() {
    let server = TestServer::fresh().await;
    let register = |n: usize| {
        let body = json!({ "api_key": format!("first-key-{n}-0123456789-0123456789-01") });
        server.send(Method::POST, "/auth/register-key", None, Some(body))
    };
    let all = futures_util::future::join_all((0..8).map(register)).await;
    let taken = all.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 1);
    assert!(all.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let server = TestServer::start().await;
    let made = server.post("/auth/keys", json!({ "label": "reader", "scopes": ["read"] })).await;
    assert_eq!(made.json()["scopes"], json!(["read"]));
    let key = made.json()["raw_key"].as_str().unwrap().to_owned();
    let status = async |method: Method, path: &str| {
        let body = (method != Method::GET).then(|| json!({}));
        server.send(method, path, Some(&key), body).await.status.as_u16()
    };
    assert_eq!(status(Method::GET, "/version").await, 200);
    assert_eq!(status(Method::GET, "/proxmox/endpoints").await, 200);
    for (method, path) in [
        (Method::GET, "/auth/keys"),
        (Method::POST, "/auth/keys"),
        (Method::POST, "/proxmox/endpoints"),
        (Method::PUT, "/netbox/endpoint/1"),
        (Method::GET, "/full-update"),
        (Method::GET, "/dcim/devices/create/stream"),
        (Method::GET, "/sync/individual/vm"),
        (Method::POST, "/api/v1/runs"),
        (Method::POST, "/api/v1/plans/0/apply"),
        (Method::GET, "/admin/logs"),
        (Method::GET, "/api/v1/audit"),
        (Method::POST, "/api/v1/secrets/rotate"),
        (Method::GET, "/clear-cache"),
        (Method::GET, "/proxmox/api2/json/version"),
        (Method::GET, "/proxmox/journalctl/pve01"),
    ] {
        assert_eq!(status(method, path).await, 403, "{path}");
    }
    let unknown = server.post("/auth/keys", json!({ "scopes": ["root"] })).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.detail().contains("root"), "{}", unknown.text);
    // A key that may not make others is no way in.
    assert_eq!(server.delete("/auth/keys/1").await.status, 409);
}

#[tokio::test]
async fn every_route_says_what_it_needs_and_refuses_a_key_without_it() {
    let server = TestServer::start().await;
    let made =
        server.post("/auth/keys", json!({ "scopes": ["proxy:write:NOTHING /x"] })).await.json();
    let key = made["raw_key"].as_str().unwrap();
    let document = server.get("/openapi.json").await.json();
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if path.contains("/api2/") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let needs = operation["security"].as_array().unwrap();
            let path =
                path.replace("{id}", "1").replace("{vmid}", "100").replace("{endpoint}", "1");
            let path = path.replace(['{', '}'], "");
            let method: Method = method.to_uppercase().parse().unwrap();
            let body = (method != Method::GET).then(|| json!({}));
            let without = server.send(method.clone(), &path, None, body.clone()).await;
            if needs.is_empty() {
                assert_ne!(without.status, 401, "{method} {path}");
                continue;
            }
            assert_eq!(without.status, 401, "{method} {path}");
            let scopes = needs[0]["key"].as_array().unwrap();
            if !scopes.is_empty() {
                let answer = server.send(method.clone(), &path, Some(key), body).await;
                assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_key_in_a_hurry_is_told_when_to_come_back_and_others_are_not_held_up() {
    let server = with(Settings { rate_limit: 20, ..Settings::default() }).await;
    let other = server.post("/auth/keys", json!({ "label": "other" })).await.json();
    let other = other["raw_key"].as_str().unwrap();
    let mut limited = None;
    for _ in 0..25 {
        let answer = server.get("/version").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("the quota ends");
    let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(server.send(Method::GET, "/version", Some(other), None).await.status, 200);
    assert_eq!(server.send(Method::GET, "/health", None, None).await.status, 200);
}

#[tokio::test]
async fn a_key_of_the_other_backend_opens_and_is_stored_anew() {
    let server = TestServer::start().await;
    let (raw, store) = ("an-imported-key-0123456789-0123456789", &server.app().store);
    // The least that bcrypt has, so that the test is quick.
    let hash = bcrypt::hash(raw, 4).unwrap();
    assert!(store.import_key(&hash, "old", true, 1.5).await.unwrap());
    assert!(!store.import_key(&hash, "old", true, 1.5).await.unwrap(), "once");
    let wrong =
        server.send(Method::GET, "/auth/keys", Some("not-an-imported-key-0123456789-01"), None);
    assert_eq!(wrong.await.status, 401);
    for _ in 0..2 {
        let keys = server.send(Method::GET, "/auth/keys", Some(raw), None).await;
        assert_eq!(keys.status, 200, "{}", keys.text);
        assert_eq!(keys.json()["keys"][1]["label"], "old");
    }
    assert_eq!(store.imported_keys().await.unwrap(), []);
}

#[tokio::test]
async fn the_first_requests_with_an_imported_key_may_come_at_the_same_time() {
    let server = TestServer::start().await;
    let (raw, store) = ("an-imported-key-0123456789-0123456789", &server.app().store);
    let hash = bcrypt::hash(raw, 4).unwrap();
    store.import_key(&hash, "old", true, 1.5).await.unwrap();
    let ask = |_| server.send(Method::GET, "/version", Some(raw), None);
    let all = futures_util::future::join_all((0..12).map(ask)).await;
    let statuses: Vec<u16> = all.iter().map(|answer| answer.status.as_u16()).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

#[tokio::test]
async fn a_key_that_another_process_revokes_is_refused_within_moments() {
    let server = TestServer::start().await;
    let made = server.post("/auth/keys", json!({})).await.json();
    let key = made["raw_key"].as_str().unwrap();
    let status = || server.send(Method::GET, "/version", Some(key), None);
    assert_eq!(status().await.status, 200);
    let path = server.folder.path().join("proxbox.db");
    let elsewhere = Store::open(&path, None).await.unwrap();
    elsewhere.delete_key(made["id"].as_i64().unwrap()).await.unwrap();
    let refused = async {
        while status().await.status != 401 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let from = async |server: &TestServer, n: u8| {
        let request = server.http.get(server.url("/version"));
        let request = request.header("X-Forwarded-For", format!("203.0.113.{n}"));
        let request = request.header("X-Proxbox-API-Key", "wrong-0123456789-0123456789-0123456");
        request.send().await.unwrap().status().as_u16()
    };
    let server = TestServer::start().await;
    let mut statuses = Vec::new();
    for n in 0..8 {
        statuses.push(from(&server, n).await);
    }
    assert_eq!(statuses[7], 429, "one client, whatever it says: {statuses:?}");
    let trusted_proxies = "127.0.0.0/8".parse().unwrap();
    let server = with(Settings { trusted_proxies, ..Settings::default() }).await;
    for n in 0..8 {
        assert_eq!(from(&server, n).await, 401, "each its own client");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_unless_they_are_named() {
    let preflight = async |server: &TestServer, path: &str| {
        let request = server.http.request(Method::OPTIONS, server.url(path));
        let request = request.header("origin", "https://netbox.example.org");
        let request = request.header("access-control-request-method", "GET");
        request.header("access-control-request-headers", "x-proxbox-api-key").send().await.unwrap()
    };
    let server = TestServer::start().await;
    for path in [A_ROUTE, A_PLACE] {
        let refused = preflight(&server, path).await;
        assert!(!refused.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    let cors_origins = vec!["https://netbox.example.org".parse().unwrap()];
    let server = with(Settings { cors_origins, ..Settings::default() }).await;
    for path in [A_ROUTE, A_PLACE].repeat(5) {
        let allowed = preflight(&server, path).await;
        assert_eq!(allowed.status(), 200, "{path}");
        assert_eq!(allowed.headers()["access-control-allow-origin"], "https://netbox.example.org");
        assert_eq!(allowed.headers()["x-content-type-options"], "nosniff", "{path}");
    }
    // Asking whether one may ask was no guess at a key.
    let answer =
        server.send(Method::GET, "/version", Some("wrong-0123456789-0123456789-01234"), None).await;
    assert!(answer.detail().contains("4 attempts"), "{}", answer.text);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = TestServer::start().await;
    for path in [A_ROUTE, A_PLACE] {
        let request = server.http.get(server.url(path)).header("X-Proxbox-API-Key", KEY);
        let headers = request.header("x-long", "a".repeat(40_000)).send().await.unwrap();
        assert_eq!(headers.status(), 431, "{path}");
        let url = server.get(&format!("{path}?{}", "a".repeat(17_000))).await;
        assert_eq!(url.status, 414, "{path}");
    }
    let body = json!({ "name": "a".repeat(2 << 20) });
    for path in [A_ROUTE, "/proxmox/api2/json/pools"] {
        assert_eq!(server.post(path, body.clone()).await.status, 413, "{path}");
    }
}

#[tokio::test]
async fn a_request_is_named_in_its_answer() {
    let server = TestServer::start().await;
    let ask = async |path: &str, name: &str| {
        let request = server.http.get(server.url(path)).header("X-Request-Id", name);
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    for path in [A_ROUTE, A_PLACE] {
        assert_eq!(ask(path, "abc-1.2").await, "abc-1.2");
        assert_ne!(ask(path, "a b").await, "a b");
        assert_eq!(ask(path, &"a".repeat(100)).await.len(), 32);
    }
}

#[tokio::test]
async fn credentials_are_sealed_anew_and_stay_readable() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let rotated = server.post("/api/v1/secrets/rotate", json!({})).await.json();
    assert_eq!(rotated, json!({ "resealed": 1, "old_keys_forgotten": true }));
    let status = server.get("/admin/encryption/status").await.json();
    assert_eq!(
        (&status["attestation_version"], &status["encrypted_credentials_verified"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(status["active_key_source"], "local");
    let secrets = server.app().store.proxmox_secrets(1).await.unwrap();
    let value =
        secrecy::ExposeSecret::expose_secret(secrets.token_value.as_ref().unwrap()).to_owned();
    assert_eq!(json!(value), proxmox_body()["token_value"]);
    // A server that runs on sees what another process rotates.
    let path = server.folder.path().join("proxbox.db");
    Store::open(&path, None).await.unwrap().rotate(None).await.unwrap();
    assert!(server.app().store.proxmox_secrets(1).await.is_ok());
}

/// Processes with the same state rotate its keys while others store credentials.
#[tokio::test]
async fn no_credential_is_lost_when_keys_are_rotated_at_the_same_time() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let path = server.folder.path().join("proxbox.db");
    let rotations = (0..4).map(|_| async {
        let store = Store::open(&path, None).await.unwrap();
        for _ in 0..5 {
            store.rotate(None).await.unwrap();
        }
    });
    let changes = async {
        for number in 0..20 {
            let value = json!({ "token_value": format!("secret-{number}-secret") });
            assert_eq!(server.put("/proxmox/endpoints/1", value).await.status, 200);
        }
    };
    tokio::join!(futures_util::future::join_all(rotations), changes);
    assert!(server.app().store.attest().await.unwrap().is_whole());
    let secrets = server.app().store.proxmox_secrets(1).await.unwrap();
    let value = secrets.token_value.unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&value), "secret-19-secret");
}

#[tokio::test]
async fn a_rotation_that_would_lose_a_credential_changes_nothing() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let path = server.folder.path().join("proxbox.db");
    let other = KeyRing::parse(&"quite-another-encryption-key".into()).unwrap();
    let elsewhere = Store::open(&path, Some(other)).await.unwrap();
    let error = elsewhere.rotate(None).await.unwrap_err().to_string();
    assert!(error.contains("token_value of proxmox_endpoints 1"), "{error}");
    assert!(server.app().store.proxmox_secrets(1).await.is_ok());
    assert!(!elsewhere.attest().await.unwrap().is_whole());
}

#[tokio::test]
async fn a_key_gets_no_more_than_what_was_asked_for() {
    let server = TestServer::start().await;
    for body in [
        json!([]),
        json!(["x", ["read"]]),
        json!({ "label": "x", "scopes": [] }),
        json!({ "label": "x", "scope": ["read"] }),
    ] {
        let answer = server.post("/auth/keys", body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.text);
    }
    assert_eq!(server.post("/api/v1/runs", json!([])).await.status, 422);
}

#[tokio::test]
async fn what_does_not_fit_in_a_path_or_a_query_is_said_like_every_error() {
    let server = TestServer::start().await;
    for path in ["/api/v1/schedules/abc", "/api/v1/plans/0", "/api/v1/audit?limit=-1"] {
        let answer = match path.contains("schedules") {
            true => server.delete(path).await,
            false => server.get(path).await,
        };
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert!(!answer.detail().is_empty(), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_holds_nobody_up() {
    let server = TestServer::start().await;
    let address = server.server.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"POST /auth/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n")
        .await
        .unwrap();
    // The rest never comes; others are served meanwhile.
    assert_eq!(server.get("/version").await.status, 200);
}

#[tokio::test]
async fn a_certificate_makes_it_https_with_headers_to_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files =
        TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server =
        proxbox::edge::Server::start_with(address, App::new(store), Some(files)).await.unwrap();
    // A client that does not shake hands holds nobody up.
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "no plain answer");
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let url = format!("https://localhost:{}/health", server.address().port());
    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("strict-transport-security"));
    server.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn the_log_is_shown_without_secrets_and_as_it_grows() {
    let logs = LogBuffer::default();
    let subscriber = tracing_subscriber::registry().with(LogLayer::new(logs.clone()));
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = with(Settings { logs, ..Settings::default() }).await;
    let fail =
        |what: &str| tracing::error!(target: "of_this_test", password = "hunter 2", "{what}");
    fail("the first failed with token=hunter2");
    let path = "/admin/logs?level=ERROR&limit=5";
    let page = server.get(path).await.json();
    let names: Vec<&str> = page.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["active_filters", "has_more", "logs", "total"]);
    assert_eq!(page["active_filters"]["level"], "ERROR");
    assert_eq!(page["logs"][0]["module"], "of_this_test");
    let shown = page.to_string();
    assert!(shown.contains("the first failed") && !shown.contains("hunter"), "{shown}");
    assert_eq!(server.get("/admin/logs?since=yesterday").await.status, 400);
    let stream = server.http.get(server.url("/admin/logs/stream?level=ERROR"));
    let mut stream = stream.header("X-Proxbox-API-Key", KEY).send().await.unwrap();
    fail("the second failed");
    let event = stream.chunk().await.unwrap().unwrap();
    let event = String::from_utf8_lossy(&event);
    assert!(event.contains("event: log") && event.contains("the second failed"), "{event}");
    assert!(!event.contains("hunter"), "{event}");
}

#[tokio::test]
async fn the_key_for_credentials_is_replaced_and_never_shown() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let before = std::fs::read(server.folder.path().join("proxbox.db.key")).unwrap();
    let own = "an-own-key-of-the-operator-01";
    for body in [json!({ "key": "short" }), json!({ "key": format!("{own},{own}") }), json!({})] {
        assert_eq!(server.post("/admin/encryption/key", body).await.status, 422);
    }
    let replaced = server.post("/admin/encryption/key", json!({ "key": own })).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    assert_eq!(replaced.json()["encrypted_credentials_verified"], true);
    assert!(!replaced.text.contains(own));
    let after = std::fs::read_to_string(server.folder.path().join("proxbox.db.key")).unwrap();
    assert_eq!(after.trim(), own);
    let generated = server.post("/admin/encryption/generate", json!({})).await;
    assert_eq!((generated.status.as_u16(), &generated.json()["credentials"]), (200, &json!(1)));
    let after = std::fs::read(server.folder.path().join("proxbox.db.key")).unwrap();
    assert!(after != before && !generated.text.contains(String::from_utf8_lossy(&after).trim()));
    let used = server.delete("/admin/encryption/key").await;
    assert_eq!(used.status, 409, "{}", used.text);
    server.delete("/proxmox/endpoints/1").await;
    assert_eq!(server.delete("/admin/encryption/key").await.status, 200);
    let ring = KeyRing::parse(&own.into()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), Some(ring)).await.unwrap();
    let given = TestServer::over(folder, App::new(store)).await;
    given.register().await;
    let refused = given.post("/admin/encryption/key", json!({ "key": own })).await;
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("PROXBOX_ENCRYPTION_KEY"), "{}", refused.text);
}

#[tokio::test]
async fn the_document_is_openapi_with_what_was_generated() {
    let server = TestServer::fresh().await;
    let answer = server.send(Method::GET, "/openapi.json", None, None).await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let generated = &document["info"]["x-proxmox-generated-openapi"];
    assert_eq!(generated["endpoint_count"], 675);
    assert_eq!(document["x-proxmox-generated-openapi"], *generated);
    let mut ids: Vec<&str> = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            ids.push(operation["operationId"].as_str().unwrap());
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "no name twice");
    let tag = answer.headers["etag"].to_str().unwrap();
    let again = server
        .http
        .get(server.url("/openapi.json"))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    let page = server.send(Method::GET, "/docs", None, None).await;
    assert!(page.text.contains("Swagger UI") && !page.text.contains("https://"), "{}", page.text);
    for part in ["swagger-ui.css", "swagger-initializer.js", "swagger-ui-bundle.js"] {
        let part = server.send(Method::GET, &format!("/docs/{part}"), None, None).await;
        assert_eq!(part.status, 200);
    }
}

#[tokio::test]
async fn readiness_tells_what_is_wrong_without_names() {
    let server = TestServer::start().await;
    let ready = async || server.send(Method::GET, "/readyz", None, None).await;
    assert_eq!(
        (ready().await.status.as_u16(), &ready().await.json()["status"]),
        (200, &json!("ready"))
    );
    assert_eq!(server.send(Method::GET, "/healthz", None, None).await.status, 200);
    server.app().runs.shutdown(Duration::ZERO).await;
    let answer = ready().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &json!("not ready")));
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = TestServer::start().await;
    server.get("/version").await;
    server.send(Method::GET, "/version", None, None).await;
    server.send(Method::GET, A_PLACE, None, None).await;
    let text = server.get("/metrics").await.text;
    for line in [
        r#"proxbox_http_requests_total{route="/version",method="GET",status="200"} 1"#,
        r#"proxbox_http_requests_total{route="/proxmox/api2/{*path}",method="GET",status="401"} 1"#,
        "proxbox_auth_refused_total 2",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let bearer = server.http.get(server.url("/metrics")).bearer_auth(KEY).send().await.unwrap();
    assert_eq!(bearer.status(), 200, "as Prometheus sends it");
    let _: Value = server.get("/cache/metrics").await.json();
}
