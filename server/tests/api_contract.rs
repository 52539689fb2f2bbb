//! What holds for all paths: discovery, errors, no redirects, headers.

mod harness;

use harness::{KEY, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn discovery_finds_a_proxbox_backend_that_is_ready() {
    let server = TestServer::fresh().await;
    let about = server.send(Method::GET, "/", None, None).await.json();
    assert!(about["message"].as_str().unwrap().starts_with("Proxbox Backend"), "{about}");
    let health = server.send(Method::GET, "/health", None, None).await.json();
    assert_eq!(health, json!({"status": "ready", "init_ok": true}));
}

#[tokio::test]
async fn the_version_is_one_that_the_plugin_is_content_with() {
    let server = TestServer::start().await;
    let version = server.get("/version").await.json()["version"].as_str().unwrap().to_owned();
    let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 3);
    assert!(numbers >= vec![0, 0, 15], "{version}");
}

#[tokio::test]
async fn the_admin_page_is_shown_to_everybody_and_holds_nothing() {
    let server = TestServer::start().await;
    let page = server.send(Method::GET, "/admin/", None, None).await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(
        page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'")
    );
    // Whatever the page loads is there, and comes from here.
    let parts: Vec<&str> =
        page.text.split(['"', '\'']).filter(|part| part.starts_with("/admin/")).collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    for part in parts {
        assert_eq!(server.send(Method::GET, part, None, None).await.status, 200, "{part}");
    }
    assert!(!page.text.contains("://"), "nothing of elsewhere");
    assert_eq!(server.get("/admin/assets/other.js").await.status, 404);
}

#[tokio::test]
async fn what_is_not_built_answers_404_with_a_detail() {
    let server = TestServer::start().await;
    for path in
        ["/no/such/path", "/proxmox/sdn/create/stream", "/cloud/templates/images", "/docs/nothing"]
    {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.detail().contains(path), "{}", answer.text);
        assert_eq!(answer.json()["python_exception"], Value::Null);
    }
}

#[tokio::test]
async fn a_wrong_method_or_id_is_an_error_with_a_detail() {
    let server = TestServer::start().await;
    for (method, path, status) in [
        (Method::DELETE, "/netbox/endpoint", 405),
        (Method::POST, "/health", 405),
        (Method::PUT, "/proxmox/endpoints/9", 404),
        (Method::GET, "/proxmox/endpoints/9", 404),
        (Method::POST, "/auth/keys/9/activate", 404),
    ] {
        let answer = server.send(method.clone(), path, Some(KEY), Some(json!({}))).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.detail().is_empty());
    }
}

#[tokio::test]
async fn nothing_is_redirected() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/health",
        "/version",
        "/auth/keys",
        "/auth/bootstrap-status",
        "/netbox/endpoint",
        "/proxmox/endpoints",
        "/full-update",
        "/full-update/stream",
        "/nothing",
    ] {
        for form in [path.to_owned(), format!("{path}/"), format!("/{path}")] {
            let answer = server.get(&form).await;
            assert!(!answer.status.is_redirection(), "{form}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn unknown_query_parameters_are_ignored() {
    let server = TestServer::start().await;
    for path in ["/health", "/version", "/netbox/endpoint", "/proxmox/endpoints"] {
        let answer = server.get(&format!("{path}?source=database&limit=x&nonsense")).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_browsers() {
    let server = TestServer::start().await;
    for path in ["/", "/auth/keys", "/no/such/path"] {
        let headers = server.get(path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers.contains_key("content-security-policy"), "{path}");
    }
}

#[tokio::test]
async fn a_huge_body_and_a_broken_one_are_refused() {
    let server = TestServer::start().await;
    let huge = json!({"label": "x".repeat(2 << 20)});
    assert_eq!(server.post("/auth/keys", huge).await.status, 413);
    let broken = server
        .http
        .post(server.url("/auth/keys"))
        .header("X-Proxbox-API-Key", KEY)
        .header("content-type", "application/json")
        .body("{\"label\": ")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), 422);
}

#[tokio::test]
async fn a_full_update_without_endpoints_says_which_one_is_missing() {
    let server = TestServer::start().await;
    for path in ["/full-update", "/full-update/stream"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.detail().contains("No NetBox endpoint found"), "{}", answer.text);
    }
    server.post("/netbox/endpoint", harness::netbox_body()).await;
    let answer = server.get("/full-update/stream?proxmox_endpoint_ids=7").await;
    assert_eq!(answer.status, 400);
    assert!(answer.detail().contains("No enabled Proxmox endpoint"), "{}", answer.text);
}
