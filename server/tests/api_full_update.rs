//! `/full-update` and its stream.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use std::time::Duration;

use harness::{KEY, Mocks, TestServer, frames};
use proxbox::edge::{App, Settings};
use proxbox::runs::RunLog;
use proxbox::store::{RunState, Store};
use serde_json::{Value, json};
use uuid::Uuid;

/// The counters that the plugin's own tests ask for.
const COUNTERS: [&str; 12] = [
    "devices_count",
    "storage_count",
    "virtual_machines_count",
    "virtual_disks_count",
    "task_history_count",
    "backups_count",
    "snapshots_count",
    "node_interfaces_count",
    "vm_interfaces_count",
    "vm_ip_addresses_count",
    "replications_count",
    "backup_routines_count",
];

async fn server_with_mocks() -> (TestServer, Mocks) {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.register(&server).await;
    (server, mocks)
}

/// Starts a stream and waits for its headers; the run is held up at the gate.
async fn open_stream(server: &TestServer) -> (reqwest::Response, Uuid) {
    let request = server.http.get(server.url("/full-update/stream"));
    let response = request.header("X-Proxbox-API-Key", KEY).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let run = response.headers()["x-proxbox-run-id"].to_str().unwrap().parse().unwrap();
    (response, run)
}

fn log_of(server: &TestServer, run: Uuid) -> std::sync::Arc<RunLog> {
    server.server.app().runs.active(run).expect("the run is at work")
}

#[tokio::test]
async fn the_stream_begins_with_the_bootstrap_and_ends_in_complete() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let answer = server.get("/full-update/stream?overwrite_vm_tags=true&nonsense=1").await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    let frames = frames(&answer.text);
    assert_eq!(frames[0].0, "bootstrap_done");
    assert_eq!((frames[1].0.as_str(), &frames[1].1["step"]), ("step", &Value::from("stream")));
    let (event, complete) = frames.last().unwrap();
    assert_eq!((event.as_str(), &complete["ok"]), ("complete", &Value::from(true)), "{complete}");
    assert_eq!(frames.iter().filter(|(event, _)| event == "complete").count(), 1);
    for counter in COUNTERS {
        assert!(complete["result"][counter].is_u64(), "{counter} in {complete}");
    }
    assert_eq!(complete["result"]["virtual_machines_count"], 6);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);
}

#[tokio::test]
async fn frames_stay_small_enough_for_the_plugins_log() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let frames = frames(&server.get("/full-update/stream").await.text);
    assert!(frames.len() > 10, "{}", frames.len());
    for (event, data) in frames.iter().filter(|(event, _)| event != "complete") {
        assert!(data.to_string().len() < 600, "{event}: {data}");
    }
}

#[tokio::test]
async fn the_answer_without_a_stream_is_the_content_of_its_last_frame() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let answer = server.get("/full-update").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json()["result"]["virtual_machines_count"], 6, "{}", answer.text);
}

#[tokio::test]
async fn what_was_streamed_is_also_kept() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let answer = server.get("/full-update/stream").await;
    let run: Uuid = answer.headers["x-proxbox-run-id"].to_str().unwrap().parse().unwrap();
    let store = &server.server.app().store;
    let kept = store.events(run, 0, u32::MAX).await.unwrap();
    assert!(kept.iter().map(|event| event.seq).eq(1..=kept.len() as i64));
    let kept: Vec<(String, Value)> = kept
        .into_iter()
        .map(|event| (event.event, serde_json::from_str(&event.data).unwrap()))
        .collect();
    assert_eq!(kept, frames(&answer.text));
    let row = store.runs(1).await.unwrap().remove(0);
    assert_eq!((row.id.0, row.state), (run, RunState::Completed));
    assert!(row.finished_at.is_some() && row.summary.unwrap().contains("virtual_machines_count"));
}

#[tokio::test]
async fn a_second_full_update_is_refused_with_the_id_of_the_first() {
    let (server, mocks) = server_with_mocks().await;
    let (response, run) = open_stream(&server).await;
    for path in ["/full-update", "/full-update/stream"] {
        let refused = server.get(path).await;
        assert_eq!(refused.status, 409, "{path}");
        assert_eq!(refused.json()["run_id"], run.to_string());
        assert!(refused.detail().contains(&run.to_string()), "{}", refused.text);
    }
    mocks.open();
    let first = response.text().await.unwrap();
    assert_eq!(frames(&first).last().unwrap().1["ok"], true);
    // Whoever has read the end can start the next one at once.
    assert_eq!(server.get("/full-update").await.status, 200);
}

#[tokio::test]
async fn looking_at_the_headers_starts_nothing() {
    let (server, _mocks) = server_with_mocks().await;
    for path in ["/full-update", "/full-update/stream"] {
        let answer = server.send(reqwest::Method::HEAD, path, Some(KEY), None).await;
        assert_eq!(answer.status, 405, "{path}");
    }
    assert!(server.server.app().store.runs(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_the_run() {
    let (server, mocks) = server_with_mocks().await;
    let (response, run) = open_stream(&server).await;
    let log = log_of(&server, run);
    drop(response);
    mocks.open();
    let complete = log.ended().await.unwrap();
    assert_eq!(complete.event, "complete");
    assert!(complete.data.contains(r#""ok":true"#), "{}", complete.data);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let settings = Settings { keepalive: Duration::from_millis(5), ..Settings::default() };
    let app = App::with(store, settings);
    let server = TestServer::over(folder, app).await;
    server.register().await;
    let mocks = Mocks::start().await;
    mocks.register(&server).await;
    let (mut response, _) = open_stream(&server).await;
    for _ in 0..3 {
        assert_eq!(response.chunk().await.unwrap().unwrap(), ": keepalive\n\n");
    }
}

#[tokio::test]
async fn a_server_that_stops_waits_for_its_run() {
    let (server, mocks) = server_with_mocks().await;
    let (response, run) = open_stream(&server).await;
    let TestServer { server: running, folder, .. } = server;
    let stopping = tokio::spawn(running.stop(Duration::from_secs(20)));
    mocks.open();
    assert_eq!(frames(&response.text().await.unwrap()).last().unwrap().0, "complete");
    stopping.await.unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let row = store.runs(1).await.unwrap().remove(0);
    assert_eq!((row.id.0, row.state), (run, RunState::Completed));
}

#[tokio::test]
async fn a_run_that_outlasts_the_stop_is_written_down_as_interrupted() {
    let (server, _mocks) = server_with_mocks().await;
    let (response, run) = open_stream(&server).await;
    let TestServer { server: running, folder, .. } = server;
    running.stop(Duration::ZERO).await;
    let frames = frames(&response.text().await.unwrap());
    let (event, data) = frames.last().unwrap();
    assert_eq!((event.as_str(), &data["ok"]), ("complete", &Value::from(false)));
    assert!(data["errors"][0]["detail"].as_str().unwrap().contains("stopped"), "{data}");
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let row = store.runs(1).await.unwrap().remove(0);
    assert_eq!((row.id.0, row.state), (run, RunState::Interrupted));
}

#[tokio::test]
async fn a_run_against_a_netbox_that_is_not_there_ends_in_the_truth() {
    let server = TestServer::start().await;
    let mocks = Mocks::start().await;
    mocks.register(&server).await;
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let change = serde_json::json!({"port": port});
    assert_eq!(server.put("/netbox/endpoint/1", change).await.status, 200);
    let (event, data) = frames(&server.get("/full-update/stream").await.text).pop().unwrap();
    assert_eq!((event.as_str(), &data["ok"]), ("complete", &Value::from(false)));
    assert!(data["errors"][0]["detail"].as_str().unwrap().contains("NetBox"), "{data}");
}

#[tokio::test]
async fn a_cluster_is_read_through_another_node_when_the_first_is_not_there() {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.register(&server).await;
    mocks.open();
    // Nobody listens at the first; what speaks plain text is told from TLS for each.
    let mut endpoint = harness::proxmox_body();
    endpoint["domain"] = json!("127.0.0.9,127.0.0.1");
    endpoint["port"] = json!(mocks.proxmox.address().port());
    endpoint["token_name"] = json!(mocks.proxmox.token_id());
    endpoint["token_value"] = json!(mocks.proxmox.token_secret());
    let changed = server.put("/proxmox/endpoints/1", endpoint.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let answer = server.get("/full-update").await.json();
    assert_eq!(answer["ok"], true, "{answer}");
    // Each of them is looked at.
    endpoint["domain"] = json!("127.0.0.1,169.254.169.254");
    assert_eq!(server.put("/proxmox/endpoints/1", endpoint).await.status, 400);
}
