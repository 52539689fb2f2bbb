//! The blocking client, from a thread that has no runtime.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::{Error, blocking};
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

#[tokio::test]
async fn within_async_code_it_says_what_to_use_instead_of_a_panic() {
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    let client = mock.client().build().expect("a client");
    let client = std::thread::spawn(|| blocking::Client::new(client)).join().expect("no panic");
    let client = client.expect("a thread");
    let error = client.pve().version().get().value().expect_err("no runtime to wait on");
    assert!(matches!(&error, Error::Invalid(why) if why.contains("inner()")), "{error}");
    drop(client);
}
