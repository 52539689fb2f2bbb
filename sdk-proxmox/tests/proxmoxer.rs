//! A foreign client, `proxmoxer`, works with the mock.
//!
//! Uses the interpreter in `PROXBOX_PYTHON`, or `python3`; skipped where it has no `proxmoxer`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Write;

use sdk_proxmox::mock::TlsFront;
use sdk_proxmox::mock::{Cluster, Mock};
use tokio::process::Command;

#[tokio::test]
async fn a_hundred_interactions_of_proxmoxer_go_as_with_a_real_node() {
    let python = std::env::var("PROXBOX_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import proxmoxer, requests"]).output().await;
    if !found.is_ok_and(|output| output.status.success()) {
        // Past the test harness, which keeps what is printed by tests that pass.
        let _ =
            writeln!(std::io::stderr(), "skipped: {python} has no proxmoxer (set PROXBOX_PYTHON)");
        return;
    }
    let mut cluster = Cluster::demo(2, 12, 5);
    cluster.task_time = std::time::Duration::ZERO;
    let mock = Mock::start(cluster).await.expect("a port");
    let any = ([127, 0, 0, 1], 0).into();
    let front = TlsFront::start(any, mock.address()).await.expect("a port");
    let output = Command::new(&python)
        // No files beside the scripts.
        .arg("-B")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proxmoxer/script.py"))
        .env("MOCK_HOST", "127.0.0.1")
        .env("MOCK_PORT", front.address.port().to_string())
        .env("MOCK_TOKEN_ID", mock.token_id())
        .env("MOCK_TOKEN_SECRET", mock.token_secret())
        .env("MOCK_PASSWORD", "mock-password")
        .output()
        .await
        .expect("python runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.lines().filter(|line| line.starts_with("ok ")).count() >= 100, "{out}");
}
