//! The blocking client, from a thread that has no runtime.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::{PostNodesNodeStorageStorageUpload, StorageUploadPostContent};
use sdk_proxmox::{Upload, blocking};
use tokio::runtime::Runtime;

#[test]
fn calls_tasks_and_logs_wait_for_their_answers() {
    let runtime = Runtime::new().expect("a runtime for the mock");
    let mock = runtime.block_on(Mock::start(Cluster::demo(1, 4, 1))).expect("a port");
    let client = blocking::Client::new(mock.client().build().expect("a client")).expect("a thread");
    let nodes = client.pve().nodes();
    let names: Vec<_> =
        nodes.get().value().expect("nodes").iter().map(|n| n.node.clone()).collect();
    assert_eq!(names, ["pve01"]);
    let machines = nodes.node("pve01").qemu();
    let vmid = machines.get().value().expect("guests").first().expect("a machine").vmid;
    let snapshot = machines.vmid(vmid).snapshot().post("one");
    let outcome = snapshot.run(Duration::from_secs(30)).expect("an end");
    assert!(outcome.is_success());
    let upid = machines.vmid(vmid).snapshot().post("two").value().expect("a task");
    let mut lines = Vec::new();
    let limit = Duration::from_secs(30);
    let outcome = client.wait_with_log(upid.as_deref(), limit, |line| lines.push(line.text));
    assert!(outcome.expect("an end").is_success());
    assert_eq!(lines.last().map(String::as_str), Some("TASK OK"));
}

#[test]
fn it_waits_within_async_code_too() {
    let other = Runtime::new().expect("a runtime for the mock");
    let mock = other.block_on(Mock::start(Cluster::demo(1, 1, 1))).expect("a port");
    let client = blocking::Client::new(mock.client().build().expect("a client")).expect("a thread");
    let runtime = Runtime::new().expect("a runtime");
    let ask = move |client: &blocking::Client| client.pve().version().get().value().map(drop);
    let there = client.clone();
    let pool = runtime.block_on(async { tokio::task::spawn_blocking(move || ask(&there)).await });
    pool.expect("no panic").expect("an answer");
    runtime.block_on(async move { ask(&client) }).expect("an answer, and an end without a panic");
}

#[test]
fn a_file_is_sent_and_what_goes_wrong_is_an_error() {
    let runtime = Runtime::new().expect("a runtime for the mock");
    let mock = runtime.block_on(Mock::start(Cluster::demo(1, 1, 1))).expect("a port");
    let client = blocking::Client::new(mock.client().build().expect("a client")).expect("a thread");
    let file = client.wait_for(Upload::file("/no/such/file"));
    assert_eq!(file.expect_err("no file").kind(), std::io::ErrorKind::NotFound);
    let iso = StorageUploadPostContent::Iso;
    let upload = PostNodesNodeStorageStorageUpload::new("pve01", "local", iso, "small.iso");
    let upid = client.upload(&upload, Upload::bytes("small.iso", "x")).expect("a task").value;
    let end = client.wait_with_log(upid.as_deref(), Duration::from_secs(30), |_| {});
    assert!(end.expect("an end").is_success());
}
