//! Runs whatever their work is: lease, record, end.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxbox::runs::{Ending, Job, Lease, RunLog, Runs, StartError};
use proxbox::store::{Ledger, RunState, Store, StoredEvent};
use proxbox::sync::Event;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

const NETBOX: &str = "http://netbox";
const LEASE: Duration = Duration::from_secs(30);

async fn open(folder: &Path) -> Store {
    Store::open(&folder.join("proxbox.db"), None).await.unwrap()
}

async fn runs() -> (TempDir, Store, Runs) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    (folder, store.clone(), Runs::new(store, Lease::default()))
}

/// A run that reports `events` and then waits to be let go.
async fn held(runs: &Runs, netbox: &str, events: usize) -> (Arc<RunLog>, oneshot::Sender<()>) {
    let (release, released) = oneshot::channel::<()>();
    let job = move |sender: mpsc::UnboundedSender<Event>, _: Ledger| -> Job {
        Box::new(move || {
            Box::pin(async move {
                for n in 0..events {
                    sender.send(Event { event: "step", data: json!({"n": n}) }).unwrap();
                }
                let ok = released.await.is_ok();
                Ending { ok, frame: json!({"ok": ok}) }
            })
        })
    };
    (runs.start(netbox, job).await.unwrap(), release)
}

fn panics(_: mpsc::UnboundedSender<Event>, _: Ledger) -> Job {
    Box::new(|| Box::pin(async { panic!("a defect in the work") }))
}

async fn end(log: &Arc<RunLog>) -> Value {
    serde_json::from_str(&log.ended().await.unwrap().data).unwrap()
}

async fn state(store: &Store, run: Uuid) -> RunState {
    let rows = store.runs(100).await.unwrap();
    rows.iter().find(|row| row.id.0 == run).unwrap().state
}

#[tokio::test]
async fn one_run_writes_to_a_netbox_and_others_to_theirs() {
    let (_folder, store, runs) = runs().await;
    let (first, release) = held(&runs, NETBOX, 0).await;
    let refused = runs.start(NETBOX, panics).await.unwrap_err();
    assert!(matches!(refused, StartError::Running(id) if id == first.id()), "{refused}");
    let (other, release_other) = held(&runs, "http://another-netbox", 0).await;
    release.send(()).unwrap();
    release_other.send(()).unwrap();
    assert_eq!(end(&first).await, json!({"ok": true}));
    assert_eq!(end(&other).await, json!({"ok": true}));
    assert_eq!(state(&store, first.id()).await, RunState::Completed);
}

#[tokio::test]
async fn another_process_on_the_same_state_is_refused_too() {
    let (folder, _store, here) = runs().await;
    let elsewhere = Runs::new(open(folder.path()).await, Lease::default());
    let (first, _release) = held(&here, NETBOX, 0).await;
    let refused = elsewhere.start(NETBOX, panics).await.unwrap_err();
    assert!(matches!(refused, StartError::Running(id) if id == first.id()), "{refused}");
}

#[tokio::test]
async fn the_lease_of_a_dead_process_expires() {
    let (_folder, store, runs) = runs().await;
    let dead = Uuid::now_v7();
    store.start_run(dead, NETBOX, Duration::ZERO).await.unwrap();
    let (log, release) = held(&runs, NETBOX, 0).await;
    assert_eq!(state(&store, dead).await, RunState::Interrupted);
    release.send(()).unwrap();
    assert_eq!(end(&log).await, json!({"ok": true}));
}

#[tokio::test]
async fn a_run_that_lost_its_lease_stops_writing() {
    let (_folder, store, _) = runs().await;
    let lease = Lease { lasts: LEASE, renewed_every: Duration::from_millis(5) };
    let runs = Runs::new(store.clone(), lease);
    let (log, _release) = held(&runs, NETBOX, 0).await;
    // As if another process had taken it for dead.
    store.finish_run(log.id(), RunState::Interrupted, "{}").await.unwrap();
    let frame = end(&log).await;
    assert_eq!(frame["ok"], false);
    assert!(frame["message"].as_str().unwrap().contains("lease"), "{frame}");
}

#[tokio::test]
async fn a_panic_in_the_work_ends_the_run_and_frees_the_lease() {
    let (_folder, store, runs) = runs().await;
    let log = runs.start(NETBOX, panics).await.unwrap();
    let frame = end(&log).await;
    assert_eq!(frame["ok"], false);
    assert!(frame["errors"][0]["detail"].as_str().unwrap().contains("unexpectedly"), "{frame}");
    assert_eq!(state(&store, log.id()).await, RunState::Interrupted);
    let (_, release) = held(&runs, NETBOX, 0).await;
    release.send(()).unwrap();
}

#[tokio::test]
async fn watchers_at_any_time_see_the_same_events_in_order() {
    let (_folder, store, runs) = runs().await;
    let (log, release) = held(&runs, NETBOX, 1_000).await;
    let mut early = log.subscribe();
    for seq in 1..=1_000 {
        assert_eq!(early.next().await.unwrap().seq, seq);
    }
    let mut late = log.subscribe();
    release.send(()).unwrap();
    for seq in 1..=1_001 {
        assert_eq!(late.next().await.unwrap().seq, seq);
    }
    assert_eq!(early.next().await.unwrap().event, "complete");
    assert!(early.next().await.is_none() && late.next().await.is_none());
    assert_eq!(store.events(log.id(), 990, u32::MAX).await.unwrap().len(), 11);
}

#[tokio::test]
async fn a_run_that_failed_is_not_called_completed() {
    let (_folder, store, runs) = runs().await;
    let (log, release) = held(&runs, NETBOX, 0).await;
    drop(release);
    assert_eq!(end(&log).await, json!({"ok": false}));
    assert_eq!(state(&store, log.id()).await, RunState::Failed);
}

#[tokio::test]
async fn a_stopping_server_takes_no_more_runs_and_lets_the_present_one_end() {
    let (_folder, store, runs) = runs().await;
    let (log, release) = held(&runs, NETBOX, 0).await;
    let stopping = tokio::spawn({
        let runs = runs.clone();
        async move { runs.shutdown(LEASE).await }
    });
    tokio::task::yield_now().await;
    assert!(matches!(runs.start("http://another-netbox", quick).await, Err(StartError::Stopping)));
    release.send(()).unwrap();
    stopping.await.unwrap();
    assert_eq!(state(&store, log.id()).await, RunState::Completed);
}

fn quick(_: mpsc::UnboundedSender<Event>, _: Ledger) -> Job {
    Box::new(|| Box::pin(async { Ending { ok: true, frame: json!({"ok": true}) } }))
}

#[tokio::test]
async fn a_run_that_does_not_end_is_stopped_and_written_down() {
    let (_folder, store, runs) = runs().await;
    let (log, _release) = held(&runs, NETBOX, 0).await;
    runs.shutdown(Duration::ZERO).await;
    assert_eq!(end(&log).await["ok"], false);
    assert_eq!(state(&store, log.id()).await, RunState::Interrupted);
    assert!(matches!(runs.start(NETBOX, quick).await, Err(StartError::Stopping)));
}

#[tokio::test]
async fn old_runs_are_forgotten_with_their_events() {
    let (_folder, store, _) = runs().await;
    let mut ids = Vec::new();
    for _ in 0..205 {
        let id = Uuid::now_v7();
        store.start_run(id, NETBOX, LEASE).await.unwrap();
        let event = StoredEvent { seq: 1, event: "complete".into(), data: "{}".into() };
        store.add_events(id, &[event]).await.unwrap();
        store.finish_run(id, RunState::Completed, "{}").await.unwrap();
        ids.push(id);
    }
    let kept: Vec<Uuid> = store.runs(1_000).await.unwrap().iter().map(|row| row.id.0).collect();
    assert!(kept.iter().eq(ids.iter().rev().take(201)), "{} are kept", kept.len());
    assert!(store.events(ids[0], 0, u32::MAX).await.unwrap().is_empty());
    assert_eq!(store.events(ids[204], 0, u32::MAX).await.unwrap().len(), 1);
}
