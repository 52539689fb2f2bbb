//! What a sync costs: a first one, a second that has nothing to do, and one after a hundredth of the
//! guests has changed, beside the same writes sent raw. `cargo xtask bench sync` runs it.
//!
//! Proxmox and NetBox are mocks in this process; the sync is the release binary in its own, so that
//! its memory is its own. The mock takes a part of the time that NetBox 4.6 was measured to take.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot run has failed")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::{StreamExt, stream};
use sdk_netbox::mock::{Costs, Mock as NetBox, Seen};
use sdk_proxmox::mock::{Cluster, Mock as Proxmox};
use serde_json::{Value, json};
use tokio::process::Command;

/// Microseconds per object of NetBox 4.6.8 on two cores: 500 guests, read and written in bulk.
const READ: u64 = 1000;
const WRITTEN: u64 = 24_000;

/// Raw requests at the same time, as many as the sync comes to have.
const LANES: usize = 4;

#[derive(Parser)]
struct Arguments {
    #[arg(long, value_delimiter = ',')]
    vms: Vec<usize>,
    #[arg(long, default_value_t = 10)]
    cost: u32,
    #[arg(long)]
    netbox: Option<String>,
    #[arg(long)]
    json: bool,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one sync came to.
struct Measured {
    seconds: f64,
    requests: u64,
    writes: u64,
    peak_mb: f64,
}

struct Place {
    url: String,
    token: String,
}

async fn sync(folder: &Path, netbox: &Place, proxmox: &Proxmox) -> Measured {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["sync", "run", "--once", "--json"])
        .current_dir(folder)
        .env_clear()
        .env("PROXBOX_NETBOX_URL", &netbox.url)
        .env("PROXBOX_NETBOX_TOKEN", &netbox.token)
        .env("PROXBOX_PROXMOX_URL", proxmox.url())
        .env("PROXBOX_PROXMOX_TOKEN_ID", proxmox.token_id())
        .env("PROXBOX_PROXMOX_TOKEN_SECRET", proxmox.token_secret())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = child.id().unwrap();
    let output = tokio::spawn({
        let mut stdout = child.stdout.take().unwrap();
        async move {
            let mut text = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut text).await.unwrap();
            text
        }
    });
    let mut peak_kb = 0;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(20)) => peak_kb = peak(pid).max(peak_kb),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let text = output.await.unwrap();
    assert!(status.success(), "{status}: {text}");
    let frame: Value = serde_json::from_str(text.trim()).unwrap();
    let requests = &frame["result"]["requests"];
    let count = |name: &str| requests[name].as_u64().unwrap();
    let (reads, writes) = (count("netbox_reads"), count("netbox_writes"));
    Measured { seconds, requests: reads + writes, writes, peak_mb: peak_kb as f64 / 1024.0 }
}

/// The most memory that a process has held so far, in KiB; nothing where the system does not tell.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Sends the same writes to an empty NetBox, one group of one collection after another.
async fn raw(writes: Vec<Seen>, costs: Costs) -> f64 {
    let netbox = NetBox::start().await.unwrap();
    netbox.set_costs(costs);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (client, netbox) = (&client, &netbox);
    let send = |(before, seen): (usize, Seen)| async move {
        // Numbers are given in the order of arrival, and later bodies have them.
        while netbox.writes() < before {
            tokio::task::yield_now().await;
        }
        let method: reqwest::Method = seen.method.parse().unwrap();
        let request = client.request(method, format!("{}{}", netbox.url(), seen.path));
        let request = request
            .header("authorization", format!("Token {}", netbox.token()))
            .header("content-type", "application/json")
            .body(seen.body);
        let answer = request.send().await.unwrap();
        let (status, path) = (answer.status(), seen.path);
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
    };
    let started = Instant::now();
    let mut left = writes.into_iter().enumerate().peekable();
    while let Some(first) = left.next() {
        let mut group = vec![first];
        let (path, method) = (group[0].1.path.clone(), group[0].1.method.clone());
        let fits = |(_, next): &(usize, Seen)| next.path == path && next.method == method;
        let mut more = Vec::new();
        while let Some(next) = left.next_if(fits) {
            more.push(next);
        }
        group.extend(more);
        // NetBox creates addresses under one lock.
        let lanes = if path.contains("ip-addresses") { 1 } else { LANES };
        stream::iter(group).map(send).buffered(lanes).collect::<Vec<()>>().await;
    }
    started.elapsed().as_secs_f64()
}

async fn measure(vms: usize, arguments: &Arguments) -> Value {
    let proxmox = Proxmox::start(Cluster::demo(3.max(vms / 100), vms, 7)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let part = |whole: u64| Duration::from_micros(whole * u64::from(arguments.cost) / 100);
    let costs = Costs { read: part(READ), written: part(WRITTEN) };
    let mock = match &arguments.netbox {
        Some(_) => None,
        None => Some(NetBox::start().await.unwrap()),
    };
    let place = match (&mock, &arguments.netbox) {
        (Some(mock), _) => Place { url: mock.url(), token: mock.token().to_owned() },
        (None, url) => Place {
            url: url.clone().unwrap(),
            token: std::env::var("PROXBOX_NETBOX_TOKEN").unwrap(),
        },
    };
    if let Some(mock) = &mock {
        mock.set_costs(costs);
        mock.keep_bodies();
    }
    let first = sync(folder.path(), &place, &proxmox).await;
    let writes = mock.as_ref().map(|mock| {
        let writes = mock.requests().into_iter().filter(|seen| seen.method != "GET");
        writes.collect::<Vec<Seen>>()
    });
    let bytes: Option<usize> =
        writes.as_ref().map(|writes| writes.iter().map(|seen| seen.body.len()).sum());
    if let Some(mock) = &mock {
        mock.forget_requests();
    }
    let second = sync(folder.path(), &place, &proxmox).await;
    proxmox.with(|cluster| {
        let changed: Vec<u32> = cluster.guests.keys().copied().step_by(100).collect();
        for vmid in changed {
            cluster.rename(vmid, &format!("renamed-{vmid}")).unwrap();
        }
    });
    let changed = sync(folder.path(), &place, &proxmox).await;
    let raw_seconds = match writes {
        Some(writes) => Some(raw(writes, costs).await),
        None => None,
    };
    let peak = [&first, &second, &changed].iter().map(|one| one.peak_mb).fold(0.0, f64::max);
    let row = |name: &str, one: &Measured| {
        let Measured { seconds, requests, writes, peak_mb } = one;
        println!(
            "{vms:>7} {name:<8} {seconds:>8.2} s {requests:>6} requests {writes:>6} writes {peak_mb:>7.1} MiB"
        );
    };
    row("first", &first);
    row("second", &second);
    row("changed", &changed);
    if let Some(seconds) = raw_seconds {
        let times = first.seconds / seconds;
        println!(
            "{vms:>7} raw      {seconds:>8.2} s {:>6} requests: the first sync takes {times:.2} times that",
            first.writes
        );
    }
    json!({
        "vms": vms, "first_s": first.seconds, "raw_bulk_s": raw_seconds,
        "first_requests": first.requests, "first_writes": first.writes, "first_bytes": bytes,
        "second_s": second.seconds, "second_requests": second.requests,
        "second_writes": second.writes, "changed_s": changed.seconds,
        "changed_requests": changed.requests, "changed_writes": changed.writes, "peak_mb": peak,
    })
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    // The clients of the SDKs bring theirs; the raw one has to be told.
    rustls::crypto::ring::default_provider().install_default().unwrap();
    println!("NetBox takes {} % of what a real one does", arguments.cost);
    let mut runs = Vec::new();
    for vms in &arguments.vms {
        runs.push(measure(*vms, &arguments).await);
    }
    if arguments.json {
        println!("{}", json!({ "runs": runs }));
    }
}
