//! Tasks are waited for and their ends told apart.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::{
    DeleteNodesNodeQemuVmid, GetClusterResources, PostNodesNodeQemu,
    PostNodesNodeQemuVmidStatusStop,
};
use sdk_proxmox::{Client, Error, Outcome, TaskState};

const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> (Mock, Client) {
    let mock = Mock::start(Cluster::demo(1, 4, 3)).await.expect("a port");
    let client = mock.client().build().expect("a client");
    (mock, client)
}

async fn names(client: &Client) -> Vec<String> {
    let rows = client.send(&GetClusterResources::new()).await.expect("resources").value;
    rows.into_iter().filter_map(|row| row.name).collect()
}

#[tokio::test]
async fn a_guest_is_created_stopped_and_removed_by_tasks() {
    let (mock, client) = start().await;
    let mut create = PostNodesNodeQemu::new("pve01", 900);
    create.name = Some("fresh".into());
    let outcome = client.run(&create, PATIENCE).await;
    assert_eq!(outcome.expect("ended"), Outcome::Ok);
    assert!(names(&client).await.contains(&"fresh".to_owned()));

    let outcome = client.run(&DeleteNodesNodeQemuVmid::new("pve01", 900), PATIENCE).await;
    assert!(outcome.expect("ended").is_success());
    assert!(!names(&client).await.contains(&"fresh".to_owned()));
    assert!(mock.with(|cluster| cluster.guests.len()) == 4);
}

#[tokio::test]
async fn failures_and_warnings_are_told_apart() {
    let (mock, client) = start().await;
    let cases = [
        ("OK", Outcome::Ok),
        ("WARNINGS: 2", Outcome::Warnings(2)),
        ("no space left", Outcome::Failed("no space left".into())),
    ];
    for (exit, expected) in cases {
        mock.with(|cluster| cluster.next_exit = Some(exit.into()));
        let stop = PostNodesNodeQemuVmidStatusStop::new("pve01", 100);
        let upid = client.send(&stop).await.expect("a task").value;
        let mut log = Vec::new();
        let task = client.task(upid.as_deref()).expect("a UPID");
        let outcome = task.wait_with_log(PATIENCE, |line| log.push(line.text)).await;
        assert_eq!(outcome.expect("ended"), expected);
        assert_eq!(log.len(), 2, "{log:?}");
        assert!(log[1].ends_with(exit), "{log:?}");
    }
}

#[tokio::test]
async fn waiting_ends_at_its_limit_and_leaves_the_task_running() {
    let (mock, client) = start().await;
    mock.with(|cluster| cluster.task_time = Duration::from_secs(3600));
    let stop = PostNodesNodeQemuVmidStatusStop::new("pve01", 100);
    let upid = client.send(&stop).await.expect("a task").value;
    let task = client.task(upid.as_deref()).expect("a UPID");
    let error = task.wait(Duration::from_millis(10)).await.expect_err("it runs for an hour");
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(task.state().await.expect("a state"), TaskState::Running);
    mock.with(Cluster::finish_tasks);
    assert_eq!(task.state().await.expect("a state"), TaskState::Ended(Outcome::Ok));
}

#[tokio::test]
async fn a_task_that_does_not_exist_is_not_found() {
    let (_mock, client) = start().await;
    let task = client.task("UPID:pve01:0000C530:001C9BEC:5F3A4B2C:vzdump:100:root@pam:");
    let error = task.expect("well formed").state().await.expect_err("unknown");
    assert!(error.is_not_found(), "{error}");
    assert!(matches!(client.task("nonsense"), Err(Error::Invalid(_))));
}
