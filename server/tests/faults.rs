//! Every write of a reference sync goes wrong in every way, one at a time; the next run repairs it.
//!
//! `cargo xtask faults` runs all cases, an ordinary test run every tenth. A case says which write,
//! counted from 1, and which fault; `PROXBOX_FAULTS=SAMPLE` chooses how many percent of them run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod plain;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use plain::{State, difference, netbox, state};
use proxbox::store::{Ledger, RunState, Store};
use proxbox::sync::{Outcome, Policy, Target, run};
use sdk_netbox::mock::{Fault, FaultKind, Mock as NetBox};
use sdk_proxmox::mock::{Cluster, Mock as Proxmox};
use tempfile::TempDir;
use uuid::Uuid;

/// Cases at the same time.
const LANES: usize = 4;

/// What part of all cases runs where nobody says otherwise.
const PERCENT: usize = 10;

/// The faults: name, and what happens.
fn faults() -> [(&'static str, FaultKind); 7] {
    [
        ("refused", FaultKind::ResetBefore),
        ("reset after commit", FaultKind::ResetAfterCommit),
        ("500", FaultKind::Status(500)),
        ("429", FaultKind::Busy { retry_after: 1 }),
        ("time-out", FaultKind::Delay(Duration::from_secs(3))),
        ("truncated body", FaultKind::Truncate),
        ("412", FaultKind::Status(412)),
    ]
}

async fn sync(netbox: &NetBox, proxmox: &Proxmox, store: &Store) -> Outcome {
    let client = sdk_netbox::Client::builder(netbox.url()).token(netbox.token());
    let client = client.timeout(Duration::from_secs(1)).build().unwrap();
    let target = Target {
        endpoint_id: 1,
        name: "lab".into(),
        link: "https://pve.example.com:8006".into(),
        client: proxmox.client().build().unwrap(),
        site: None,
        tenant: None,
    };
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let id = Uuid::now_v7();
    store.start_run(id, "netbox", Duration::from_secs(60)).await.unwrap();
    let ledger = Ledger::new(store.clone(), "netbox", id);
    let outcome = run(&client, &[target], &Policy::default(), &ledger, None, events).await;
    store.finish_run(id, RunState::Completed, "{}").await.unwrap();
    for (kind, account) in &outcome.accounts {
        assert_eq!(account.seen, account.settled(), "{kind}: {account:?}");
    }
    outcome
}

/// The state of a run in which nothing goes wrong, and how often it wrote.
async fn reference() -> (State, usize) {
    let (netbox, proxmox) = (netbox().await, cluster().await);
    let folder = tempfile::tempdir().unwrap();
    let outcome = sync(&netbox, &proxmox, &store_in(&folder).await).await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    (state(&netbox), netbox.writes())
}

async fn store_in(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("proxbox.db"), None).await.unwrap()
}

async fn cluster() -> Proxmox {
    Proxmox::start(Cluster::demo(2, 6, 7)).await.unwrap()
}

/// What is wrong after the case; nothing if the next run repaired it.
async fn case(expected: &State, write: usize, kind: FaultKind) -> Option<String> {
    let (netbox, proxmox) = (netbox().await, cluster().await);
    let folder = tempfile::tempdir().unwrap();
    let store = &store_in(&folder).await;
    netbox.fault(Fault::new(kind).writes().nth(u32::try_from(write).unwrap()));
    let first = sync(&netbox, &proxmox, store).await;
    let second = sync(&netbox, &proxmox, store).await;
    if !second.ok {
        return Some(format!("the next run fails: {:?}", second.failed));
    }
    if let Some(difference) = difference(expected, &state(&netbox)) {
        return Some(format!("{difference} (first run: {})", first.message));
    }
    netbox.forget_requests();
    let third = sync(&netbox, &proxmox, store).await;
    match netbox.writes() {
        0 => None,
        writes => Some(format!("a third run still makes {writes} writes: {}", third.message)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_goes_wrong_the_next_run_repairs_it() {
    let percent = std::env::var("PROXBOX_FAULTS").ok().and_then(|text| text.parse().ok());
    let percent: usize = percent.unwrap_or(PERCENT);
    let (expected, writes) = reference().await;
    let expected = &expected;
    let all = (1..=writes).flat_map(|write| faults().map(|(name, kind)| (write, name, kind)));
    // 37 is prime to 100: every write and every fault is among any tenth.
    let chosen = all.enumerate().filter(|(number, _)| number * 37 % 100 < percent);
    let chosen: Vec<_> = chosen.map(|(_, case)| case).collect();
    println!("{} of {} cases", chosen.len(), writes * faults().len());
    let run = |(write, name, kind)| async move {
        let wrong = case(expected, write, kind).await;
        wrong.map(|wrong| format!("write {write}, {name}: {wrong}"))
    };
    let wrong: Vec<String> = stream::iter(chosen)
        .map(run)
        .buffer_unordered(LANES)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
