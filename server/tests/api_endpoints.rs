//! Endpoints as the plugin pushes them.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use harness::{KEY, TestServer, netbox_body, proxmox_body};
use proxbox::store::{KeyRing, Store};
use serde_json::{Value, json};

/// `body` with some members changed.
fn with(mut body: Value, changes: Value) -> Value {
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn the_netbox_endpoint_is_an_array_of_none_or_one() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/netbox/endpoint").await.json(), json!([]));
    let posted = server.post("/netbox/endpoint", netbox_body()).await;
    let row = json!({
        "id": 1, "name": "netbox", "ip_address": "127.0.0.4", "domain": "127.0.0.4", "port": 8080,
        "token_version": "v1", "verify_ssl": false, "enabled": true,
    });
    assert_eq!((posted.status.as_u16(), posted.json()), (200, row.clone()));
    assert_eq!(server.get("/netbox/endpoint").await.json(), json!([row]));
}

#[tokio::test]
async fn a_second_netbox_endpoint_is_refused_in_the_known_words() {
    let server = TestServer::start().await;
    assert_eq!(server.post("/netbox/endpoint", netbox_body()).await.status, 200);
    let second = server.post("/netbox/endpoint", netbox_body()).await;
    assert_eq!(second.status, 400);
    assert!(second.detail().contains("Only one NetBox endpoint is allowed"), "{}", second.text);
    assert_eq!(second.json()["python_exception"], Value::Null);
}

#[tokio::test]
async fn a_put_changes_what_it_names_and_keeps_the_rest() {
    let server = TestServer::start().await;
    server.post("/netbox/endpoint", netbox_body()).await;
    let renamed = server.put("/netbox/endpoint/1", json!({"name": "other", "domain": ""})).await;
    let row = renamed.json();
    assert_eq!(renamed.status, 200);
    assert_eq!(
        (&row["name"], &row["domain"], &row["port"]),
        (&json!("other"), &json!(""), &json!(8080))
    );
    let whole = with(netbox_body(), json!({"name": "local-netbox", "domain": ""}));
    assert_eq!(server.put("/netbox/endpoint/1", whole).await.json()["name"], "local-netbox");
    assert_eq!(server.put("/netbox/endpoint/2", netbox_body()).await.status, 404);
}

#[tokio::test]
async fn the_token_survives_a_put_that_does_not_name_it() {
    let server = TestServer::start().await;
    server.post("/netbox/endpoint", netbox_body()).await;
    server.put("/netbox/endpoint/1", json!({"name": "renamed"})).await;
    let secrets = server.server.app().store.netbox_secrets().await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(secrets.token.as_ref().unwrap()).to_owned();
    assert_eq!(json!(token), netbox_body()["token"]);
}

#[tokio::test]
async fn a_proxmox_endpoint_is_answered_as_the_plugin_reads_it() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/proxmox/endpoints").await.json(), json!([]));
    let posted = server.post("/proxmox/endpoints", proxmox_body()).await;
    assert_eq!(posted.status, 200, "{}", posted.text);
    let row = json!({
        "id": 1, "name": "mock-proxmox (nb:1)", "ip_address": "127.0.0.3", "domain": null,
        "port": 8000, "username": "root@pam", "verify_ssl": false, "enabled": true,
        "allow_writes": false, "access_methods": "api", "timeout": 5, "max_retries": 0,
        "retry_backoff": 0.5, "site_id": null, "site_slug": null, "site_name": null,
        "tenant_id": null, "tenant_slug": null, "tenant_name": null,
        "allow_guest_commands": false, "allow_node_shell": false,
    });
    assert_eq!(posted.json(), row);
    assert_eq!(server.put("/proxmox/endpoints/1", proxmox_body()).await.json(), row);
    assert_eq!(server.get("/proxmox/endpoints").await.json(), json!([row.clone()]));
    assert_eq!(server.get("/proxmox/endpoints/1").await.json(), row);
    assert_eq!(server.delete("/proxmox/endpoints/1").await.status, 200);
    assert_eq!(server.get("/proxmox/endpoints").await.json(), json!([]));
    assert_eq!(server.delete("/proxmox/endpoints/1").await.status, 404);
}

#[tokio::test]
async fn an_id_is_never_given_out_twice() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    server.delete("/proxmox/endpoints/1").await;
    assert_eq!(server.post("/proxmox/endpoints", proxmox_body()).await.json()["id"], 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_proxmox_endpoint_is_named() {
    let server = TestServer::start().await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let other = |changes| with(with(proxmox_body(), json!({"name": "other"})), changes);
    for (body, status, word) in [
        (proxmox_body(), 400, "already exists"),
        (other(json!({"name": " "})), 400, "name"),
        (other(json!({"port": 0})), 400, "port"),
        (other(json!({"port": 70000})), 422, "u16"),
        (other(json!({"username": "root"})), 400, "realm"),
        (other(json!({"token_value": null})), 400, "together"),
        (other(json!({"token_name": null})), 400, "together"),
        (other(json!({"token_name": null, "token_value": null})), 400, "password"),
        (other(json!({"access_methods": "telnet"})), 400, "access_methods"),
        (other(json!({"timeout": -1})), 400, "timeout"),
        (other(json!({"ip_address": "169.254.169.254"})), 400, "link-local"),
        (other(json!({"domain": "fe80::1"})), 400, "link-local"),
        (other(json!({"domain": "https://pve"})), 400, "scheme"),
    ] {
        let answer = server.post("/proxmox/endpoints", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.detail().contains(word), "{}", answer.text);
    }
    assert_eq!(server.get("/proxmox/endpoints").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_netbox_endpoint_is_named() {
    let server = TestServer::start().await;
    for (changes, status, word) in [
        (json!({"name": ""}), 400, "name"),
        (json!({"token": ""}), 400, "token"),
        (json!({"token_version": "v2"}), 400, "token_key"),
        (json!({"token_version": "v3"}), 422, "v1"),
        (json!({"domain": "169.254.169.254"}), 400, "metadata"),
        (json!({"domain": "", "ip_address": null}), 400, "required"),
    ] {
        let answer = server.post("/netbox/endpoint", with(netbox_body(), changes.clone())).await;
        assert_eq!(answer.status, status, "{changes}");
        assert!(answer.detail().contains(word), "{}", answer.text);
    }
    assert_eq!(server.get("/netbox/endpoint").await.json(), json!([]));
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_without_repeating_it() {
    let server = TestServer::start().await;
    let body = with(proxmox_body(), json!({"port": "a-secret-in-the-wrong-place"}));
    let answer = server.post("/proxmox/endpoints", body).await;
    assert_eq!(answer.status, 422);
    assert!(!answer.text.contains("a-secret-in-the-wrong-place"), "{}", answer.text);
}

#[tokio::test]
async fn no_secret_can_be_read_in_the_state_or_in_an_answer() {
    let server = TestServer::start().await;
    let created = server.post("/auth/keys", json!({})).await.json();
    let raw_key = created["raw_key"].as_str().unwrap().to_owned();
    let netbox = server.post("/netbox/endpoint", netbox_body()).await;
    let proxmox = with(proxmox_body(), json!({"password": "a-password-of-root"}));
    let proxmox = server.post("/proxmox/endpoints", proxmox).await;
    let lists = [server.get("/netbox/endpoint").await, server.get("/proxmox/endpoints").await];
    let token = netbox_body()["token"].as_str().unwrap().to_owned();
    let secrets = [KEY, &raw_key, &token, "an-api-token-secret", "a-password-of-root"];
    for answer in [&netbox, &proxmox, &lists[0], &lists[1]] {
        assert!(!secrets.iter().any(|secret| answer.text.contains(secret)), "{}", answer.text);
    }
    let state = server.into_state_bytes().await;
    // The state is there, so that finding nothing in it means something.
    assert!(contains(&state, b"mock-proxmox (nb:1)"));
    for secret in secrets {
        assert!(!contains(&state, secret.as_bytes()), "{secret} is in the state");
    }
}

#[tokio::test]
async fn credentials_sealed_with_another_key_are_reported_and_stop_nothing_else() {
    let server = TestServer::start().await;
    server.post("/netbox/endpoint", netbox_body()).await;
    server.post("/proxmox/endpoints", proxmox_body()).await;
    let TestServer { server: running, folder, .. } = server;
    running.stop(std::time::Duration::from_secs(5)).await;

    let ring = KeyRing::parse(&"another-encryption-key".into()).unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), Some(ring)).await.unwrap();
    let server = TestServer::over(folder, proxbox::edge::App::new(store)).await;
    assert_eq!(server.get("/netbox/endpoint").await.json()[0]["name"], "netbox");
    let answer = server.get("/full-update").await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.detail().contains("token of netbox_endpoint 1"), "{}", answer.text);
    assert!(answer.detail().contains("PROXBOX_ENCRYPTION_KEY"), "{}", answer.text);
    // Saving it again with its credentials is the way out.
    assert_eq!(server.put("/netbox/endpoint/1", netbox_body()).await.status, 200);
    assert!(server.server.app().store.netbox_secrets().await.is_ok());
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
