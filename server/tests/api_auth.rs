//! The first key, the keys after it, and who may pass.

mod harness;

use harness::{KEY, TestServer};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_two_bootstrap_answers_are_opposite_before_and_after() {
    let server = TestServer::fresh().await;
    let status = || server.send(Method::GET, "/auth/bootstrap-status", None, None);
    let before = json!({"needs_bootstrap": true, "has_db_keys": false});
    assert_eq!(status().await.json(), before);
    server.register().await;
    let after = json!({"needs_bootstrap": false, "has_db_keys": true});
    assert_eq!(status().await.json(), after);
}

#[tokio::test]
async fn a_first_key_is_registered_once() {
    let server = TestServer::fresh().await;
    let register = |key: &str| {
        let body = json!({"api_key": key, "label": "netbox-fastapi-1"});
        server.send(Method::POST, "/auth/register-key", None, Some(body))
    };
    let short = register("only-31-characters-0123456789ab").await;
    assert_eq!((short.status.as_u16(), short.detail().contains("32")), (400, true));
    let first = register(KEY).await;
    assert_eq!((first.status.as_u16(), first.detail().as_str()), (201, "API key registered."));
    let second = register("another-key-of-enough-characters-1234").await;
    assert_eq!(second.status, 409);
    assert!(second.detail().contains("already configured"));
    assert_eq!(server.get("/auth/keys").await.status, 200);
}

#[tokio::test]
async fn of_two_first_keys_at_the_same_time_one_wins() {
    let server = TestServer::fresh().await;
    let keys: Vec<String> =
        (0..8).map(|n| format!("simultaneous-key-{n}-0123456789abcdef")).collect();
    let attempts = keys.iter().map(|key| {
        let body = json!({"api_key": key});
        server.send(Method::POST, "/auth/register-key", None, Some(body))
    });
    let statuses: Vec<u16> =
        futures_util::future::join_all(attempts).await.iter().map(|a| a.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[tokio::test]
async fn a_first_key_from_a_foreign_page_is_refused() {
    let server = TestServer::fresh().await;
    let response = server
        .http
        .post(server.url("/auth/register-key"))
        .header("content-type", "text/plain")
        .body(json!({"api_key": KEY}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 415);
}

#[tokio::test]
async fn only_open_paths_answer_without_a_key() {
    let server = TestServer::start().await;
    for path in ["/", "/health", "/auth/bootstrap-status"] {
        assert_eq!(server.send(Method::GET, path, None, None).await.status, 200, "{path}");
    }
    for path in [
        "/version",
        "/auth/keys",
        "/netbox/endpoint",
        "/proxmox/endpoints",
        "/full-update",
        "/full-update/stream",
        "/no/such/path",
    ] {
        let answer = server.send(Method::GET, path, None, None).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.detail().contains("API key"), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_so_in_the_words_that_the_plugin_looks_for() {
    let server = TestServer::start().await;
    let wrong = "a-wrong-key-0123456789-0123456789-xyz";
    let answer = server.send(Method::GET, "/auth/keys", Some(wrong), None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json(), json!({"detail": "Invalid API key. 4 attempts remaining."}));
}

#[tokio::test]
async fn guessing_has_to_wait_and_never_locks_a_valid_key_out() {
    let server = TestServer::start().await;
    let wrong = |n: u32| {
        let key = format!("a-wrong-key-{n}-0123456789-0123456789");
        let server = &server;
        async move { server.send(Method::GET, "/auth/keys", Some(&key), None).await }
    };
    for n in 0..5 {
        assert_eq!(wrong(n).await.status, 401);
    }
    let limited = wrong(5).await;
    assert_eq!(limited.status, 429);
    let seconds: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
    assert_eq!(server.get("/auth/keys").await.status, 200);
}

#[tokio::test]
async fn keys_are_listed_with_a_number_for_their_time_and_without_their_secret() {
    let server = TestServer::start().await;
    let answer = server.get("/auth/keys").await;
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["label"], &keys[0]["is_active"]), (&json!("tests"), &json!(true)));
    assert!(keys[0]["id"].as_i64().unwrap() > 0);
    assert!(keys[0]["created_at"].as_f64().unwrap() > 1_700_000_000.0);
    assert!(!answer.text.contains(KEY));
}

#[tokio::test]
async fn a_created_key_opens_the_door_until_it_is_switched_off() {
    let server = TestServer::start().await;
    // The plugin sends no body at all.
    let created = server.send(Method::POST, "/auth/keys", Some(KEY), None).await;
    assert_eq!(created.status, 201);
    let body = created.json();
    let raw = body["raw_key"].as_str().unwrap().to_owned();
    assert!(raw.len() >= 32 && raw.starts_with("pxb_"), "{} characters", raw.len());
    let status = || server.send(Method::GET, "/auth/keys", Some(&raw), None);
    assert_eq!(status().await.status, 200);

    let id = body["id"].as_i64().unwrap();
    let off = server.post(&format!("/auth/keys/{id}/deactivate"), json!({})).await;
    assert_eq!((off.status.as_u16(), &off.json()["is_active"]), (200, &json!(false)));
    assert_eq!(status().await.status, 401);
    let on = server.post(&format!("/auth/keys/{id}/activate"), json!({})).await;
    assert_eq!((on.status.as_u16(), &on.json()["is_active"]), (200, &json!(true)));
    assert_eq!(status().await.status, 200);
    assert_eq!(server.delete(&format!("/auth/keys/{id}")).await.status, 204);
    assert_eq!(status().await.status, 401);
    assert_eq!(server.delete(&format!("/auth/keys/{id}")).await.status, 404);
}

#[tokio::test]
async fn the_last_active_key_stays() {
    let server = TestServer::start().await;
    let created = server.post("/auth/keys", json!({"label": "second"})).await.json();
    let second = created["id"].as_i64().unwrap();
    assert_eq!(
        server.post(&format!("/auth/keys/{second}/deactivate"), json!({})).await.status,
        200
    );
    for refused in [
        server.delete("/auth/keys/1").await,
        server.post("/auth/keys/1/deactivate", json!({})).await,
    ] {
        assert_eq!(refused.status, 409);
        assert_eq!(refused.json()["code"], "last_active_api_key_required");
    }
    // The other one opens nothing, so it may go.
    assert_eq!(server.delete(&format!("/auth/keys/{second}")).await.status, 204);
    assert_eq!(server.get("/auth/keys").await.status, 200);
}
