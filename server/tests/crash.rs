//! The real binary is killed in the middle of a sync; the next one repairs what it left.
//!
//! `cargo xtask faults` kills at 200 points, an ordinary test run at every tenth of them.
//! `PROXBOX_FAULTS=SAMPLE` chooses how many percent.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod plain;

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use plain::{State, difference, netbox, state};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sdk_netbox::mock::Mock as NetBox;
use sdk_proxmox::mock::{Cluster, Mock as Proxmox};
use tokio::process::{Child, Command};

/// Cases at the same time.
const LANES: usize = 3;

/// Points in all.
const POINTS: usize = 200;

/// What part of them runs where nobody says otherwise.
const PERCENT: usize = 10;

fn start(folder: &Path, netbox: &NetBox, proxmox: &Proxmox) -> Child {
    Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["sync", "run", "--once", "--json"])
        .current_dir(folder)
        .env_clear()
        .env("PROXBOX_NETBOX_URL", netbox.url())
        .env("PROXBOX_NETBOX_TOKEN", netbox.token())
        .env("PROXBOX_PROXMOX_URL", proxmox.url())
        .env("PROXBOX_PROXMOX_TOKEN_ID", proxmox.token_id())
        .env("PROXBOX_PROXMOX_TOKEN_SECRET", proxmox.token_secret())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn run(folder: &Path, netbox: &NetBox, proxmox: &Proxmox) -> ExitStatus {
    start(folder, netbox, proxmox).wait().await.unwrap()
}

/// The state after a run that nobody kills, and how many requests NetBox got.
async fn reference(proxmox: &Proxmox) -> (State, usize) {
    let netbox = netbox().await;
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &netbox, proxmox).await.success());
    (state(&netbox), netbox.requests().len())
}

/// Kills a run once NetBox has got so many requests, and a moment later.
async fn case(
    proxmox: &Proxmox,
    expected: &State,
    requests: usize,
    moment: Duration,
) -> Option<String> {
    let netbox = netbox().await;
    let folder = tempfile::tempdir().unwrap();
    let mut killed = start(folder.path(), &netbox, proxmox);
    while netbox.requests().len() < requests && killed.try_wait().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    // The moment is part of the case: a request is on its way, or an answer.
    tokio::time::sleep(moment).await;
    killed.kill().await.unwrap();

    let next = run(folder.path(), &netbox, proxmox).await;
    if !next.success() {
        return Some(format!("the next run ends with {next}"));
    }
    if let Some(difference) = difference(expected, &state(&netbox)) {
        return Some(difference);
    }
    netbox.forget_requests();
    let last = run(folder.path(), &netbox, proxmox).await;
    match (last.success(), netbox.writes()) {
        (true, 0) => None,
        (_, writes) => Some(format!("one more run ends with {last} and makes {writes} writes")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_the_next_run_repairs_it() {
    let percent = std::env::var("PROXBOX_FAULTS").ok().and_then(|text| text.parse().ok());
    let percent: usize = percent.unwrap_or(PERCENT);
    let proxmox = &Proxmox::start(Cluster::demo(2, 6, 7)).await.unwrap();
    let (expected, requests) = reference(proxmox).await;
    let expected = &expected;
    let mut random = StdRng::seed_from_u64(7);
    let points: Vec<(usize, Duration)> = (0..POINTS)
        .map(|_| {
            (random.random_range(0..requests), Duration::from_micros(random.random_range(0..3000)))
        })
        .collect();
    let chosen: Vec<_> = points.into_iter().take(POINTS * percent / 100).collect();
    println!("{} of {POINTS} points", chosen.len());
    let run = |(requests, moment): (usize, Duration)| async move {
        let wrong = case(proxmox, expected, requests, moment).await;
        wrong.map(|wrong| format!("killed after {requests} requests and {moment:?}: {wrong}"))
    };
    let wrong: Vec<String> = stream::iter(chosen)
        .map(run)
        .buffer_unordered(LANES)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} points differ:\n{}", wrong.len(), wrong.join("\n"));
}
