//! Runs that start by themselves.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use harness::{Mocks, TestServer};
use jiff::{SignedDuration, Timestamp};
use proxbox::schedule::Keeper;
use serde_json::{Value, json};

async fn server_with_mocks() -> (TestServer, Mocks, Keeper) {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.register(&server).await;
    mocks.open();
    let app = server.app();
    let keeper = Keeper::new(app.store.clone(), app.runs.clone());
    (server, mocks, keeper)
}

async fn add(server: &TestServer, schedule: Value) -> i64 {
    let added = server.post("/api/v1/schedules", schedule).await;
    assert_eq!(added.status, 201, "{}", added.text);
    added.json()["id"].as_i64().unwrap()
}

/// When a schedule is due.
async fn due(server: &TestServer, id: i64) -> Timestamp {
    let shown = server.get(&format!("/api/v1/schedules/{id}")).await.json();
    shown["next_run"].as_str().unwrap().parse().unwrap()
}

/// The runs once there are so many that have ended and are known to be of a schedule.
async fn runs(server: &TestServer, count: usize) -> Vec<Value> {
    loop {
        let runs = server.get("/api/v1/runs").await.json();
        let runs = runs.as_array().unwrap();
        let ended = |run: &&Value| run["state"] != "running" && run["schedule"].is_i64();
        if runs.iter().filter(ended).count() >= count {
            return runs.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_starts_when_it_is_due_and_once() {
    let (server, mocks, keeper) = server_with_mocks().await;
    let work = json!({ "parts": ["devices"] });
    let id = add(&server, json!({ "cron": "*/5 * * * *", "endpoint": 1, "work": work })).await;
    let first = due(&server, id).await;
    keeper.look(first - SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(due(&server, id).await, first);
    keeper.look(first).await.unwrap();
    keeper.look(first).await.unwrap();
    let runs = runs(&server, 1).await;
    assert_eq!(
        (runs.len(), &runs[0]["schedule"], &runs[0]["state"]),
        (1, &json!(id), &json!("completed"))
    );
    assert_eq!(due(&server, id).await, first + SignedDuration::from_mins(5));
    // Only what was asked for.
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 0);
    assert_ne!(mocks.netbox.count("dcim/devices"), 0);
}

#[tokio::test]
async fn runs_that_were_missed_are_left_out_or_made_up_for_once() {
    let (server, _mocks, keeper) = server_with_mocks().await;
    let skip = add(&server, json!({ "cron": "0 * * * *" })).await;
    let run = add(&server, json!({ "cron": "0 * * * *", "missed": "run" })).await;
    let later =
        due(&server, skip).await + SignedDuration::from_hours(5) + SignedDuration::from_mins(30);
    keeper.look(later).await.unwrap();
    let runs = runs(&server, 1).await;
    assert_eq!((runs.len(), &runs[0]["schedule"]), (1, &json!(run)));
    let next = later + SignedDuration::from_mins(30);
    assert_eq!((due(&server, skip).await, due(&server, run).await), (next, next));
}

#[tokio::test]
async fn a_paused_schedule_starts_nothing_and_makes_up_for_nothing() {
    let (server, _mocks, keeper) = server_with_mocks().await;
    let id = add(&server, json!({ "cron": "* * * * *", "missed": "run" })).await;
    let at = due(&server, id).await;
    let path = format!("/api/v1/schedules/{id}");
    let paused = server.patch(&path, json!({ "paused": true })).await;
    assert_eq!(paused.json()["next_run"], Value::Null, "{}", paused.text);
    keeper.look(at + SignedDuration::from_hours(1)).await.unwrap();
    server.patch(&path, json!({ "paused": false })).await;
    assert!(due(&server, id).await > Timestamp::now());
    assert_eq!(server.get("/api/v1/runs").await.json(), json!([]));
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_run_that_cannot_start_says_why() {
    let server = TestServer::start().await;
    let app = server.app();
    let keeper = Keeper::new(app.store.clone(), app.runs.clone());
    let id = add(&server, json!({ "cron": "* * * * *" })).await;
    keeper.look(due(&server, id).await).await.unwrap();
    let path = format!("/api/v1/schedules/{id}");
    loop {
        let trouble = server.get(&path).await.json()["trouble"].clone();
        if let Some(trouble) = trouble.as_str() {
            assert!(trouble.contains("No NetBox endpoint"), "{trouble}");
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_no_schedule_is_refused() {
    let (server, _mocks, _keeper) = server_with_mocks().await;
    for (schedule, status) in [
        (json!({ "cron": "daily" }), 400),
        (json!({ "cron": "* * * * *", "endpoint": 99 }), 404),
        (json!({ "cron": "* * * * *", "missed": "perhaps" }), 422),
        (json!({ "cron": "* * * * *", "work": { "endpoints": [1] } }), 400),
        (json!({}), 422),
    ] {
        let answer = server.post("/api/v1/schedules", schedule.clone()).await;
        assert_eq!(answer.status, status, "{schedule}: {}", answer.text);
    }
    assert_eq!(server.get("/api/v1/schedules").await.json(), json!([]));
}
