//! The server's own API: runs, their events, and plans.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use harness::{KEY, Mocks, TestServer};
use serde_json::{Value, json};

async fn server_with_mocks() -> (TestServer, Mocks) {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.register(&server).await;
    (server, mocks)
}

/// Numbers of the events in a stream.
fn numbers(text: &str) -> Vec<i64> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
}

async fn events(server: &TestServer, run: &str, after: Option<i64>) -> String {
    let request = server.http.get(server.url(&format!("/api/v1/runs/{run}/events")));
    let mut request = request.header("X-Proxbox-API-Key", KEY);
    if let Some(after) = after {
        request = request.header("Last-Event-ID", after.to_string());
    }
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_run_is_started_watched_and_looked_up() {
    let (server, mocks) = server_with_mocks().await;
    let started = server.post("/api/v1/runs", json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text);
    let run = started.json()["id"].as_str().unwrap().to_owned();
    // Another one has to wait until it has ended.
    assert_eq!(server.post("/api/v1/runs", json!({})).await.status, 409);
    mocks.open();
    let text = events(&server, &run, None).await;
    let all = numbers(&text);
    assert!(all.iter().copied().eq(1..=all.len() as i64), "{all:?}");
    assert!(text.contains("event: complete"), "{text}");

    let shown = server.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!((&shown["state"], &shown["summary"]["ok"]), (&json!("completed"), &json!(true)));
    let listed = server.get("/api/v1/runs?limit=1").await.json();
    assert_eq!(listed[0]["id"], run);
    let operations = server.get(&format!("/api/v1/runs/{run}/operations")).await.json();
    let operations = operations.as_array().unwrap();
    assert!(!operations.is_empty());
    assert!(operations.iter().all(|one| one["state"] == "confirmed" && one["object_id"].is_i64()));
}

#[tokio::test]
async fn a_watcher_goes_on_after_the_last_event_it_has_seen() {
    let (server, mocks) = server_with_mocks().await;
    let run =
        server.post("/api/v1/runs", json!({})).await.json()["id"].as_str().unwrap().to_owned();
    let watching = events(&server, &run, Some(2));
    mocks.open();
    let text = watching.await;
    assert_eq!(numbers(&text)[0], 3);
    // The same from the record, once the run has ended.
    assert_eq!(events(&server, &run, Some(2)).await, text);
    let last = *numbers(&text).last().unwrap();
    assert_eq!(events(&server, &run, Some(last)).await, "");
}

#[tokio::test]
async fn a_plan_is_drawn_up_read_and_carried_out_once() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let drawn = server.post("/api/v1/plans", json!({ "parts": ["devices"] })).await;
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    let plan = drawn.json();
    assert!(!plan["operations"].as_array().unwrap().is_empty());
    assert_eq!(mocks.netbox.writes(), 0);
    let id = plan["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/v1/plans/{id}")).await.json(), plan);
    assert_eq!(server.get("/api/v1/plans").await.json()[0]["id"], id);

    let path = format!("/api/v1/plans/{id}/apply");
    let run = server.post(&path, json!({})).await;
    assert_eq!(run.status, 202, "{}", run.text);
    let run = run.json()["run"].as_str().unwrap().to_owned();
    events(&server, &run, None).await;
    assert_eq!(mocks.netbox.count("dcim/devices"), 2);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 0);

    let again = server.post(&path, json!({})).await.json()["run"].as_str().unwrap().to_owned();
    let text = events(&server, &again, None).await;
    let shown = server.get(&format!("/api/v1/runs/{again}")).await.json();
    assert_eq!(shown["summary"]["result"]["refused"], true, "{text}");
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_says_so() {
    let (server, _mocks) = server_with_mocks().await;
    let id = "01a1ffe1-4cd8-7730-9cff-9c3fa4e08196";
    for path in ["runs", "plans"] {
        let answer = server.get(&format!("/api/v1/{path}/{id}")).await;
        assert_eq!(answer.status, 404);
        assert!(answer.detail().contains(id), "{}", answer.text);
    }
    let odd = server.post("/api/v1/runs", json!({ "part": ["devices"] })).await;
    assert_eq!(odd.status, 422, "{}", odd.text);
    let answer = server.send(reqwest::Method::GET, "/api/v1/runs", None, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(server.get("/api/v1/runs").await.json(), Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_run_is_taken_back_by_a_plan() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let started = server.post("/api/v1/runs", json!({})).await.json();
    let run = started["id"].as_str().unwrap();
    events(&server, run, None).await;
    let machines = || mocks.netbox.count("virtualization/virtual-machines");
    assert_ne!(machines(), 0);
    let drawn = server.post(&format!("/api/v1/runs/{run}/revert"), json!({})).await;
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    assert_eq!(drawn.json()["reverts"], run);
    let path = format!("/api/v1/plans/{}/apply", drawn.json()["id"].as_str().unwrap());
    let applied = server.post(&path, json!({})).await.json();
    let text = events(&server, applied["run"].as_str().unwrap(), None).await;
    assert!(text.contains("\"ok\":true"), "{text}");
    assert_eq!(machines(), 0);
    let nowhere = "/api/v1/runs/01890000-0000-7000-8000-000000000000/revert";
    assert_eq!(server.post(nowhere, json!({})).await.status, 404);
}
