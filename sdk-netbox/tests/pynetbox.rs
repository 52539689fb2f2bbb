//! pynetbox, the Python client most scripts use, works against the mock as against NetBox.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::process::Command;

use sdk_netbox::mock::Mock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_interactions_of_pynetbox_go_as_with_a_netbox() {
    let python = std::env::var("PROXBOX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import pynetbox"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        // Past the test harness, which keeps what is printed by tests that pass.
        let _ =
            writeln!(std::io::stderr(), "skipped: {python} has no pynetbox (set PROXBOX_PYTHON)");
        return;
    }
    let mock = Mock::start().await.unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pynetbox/script.py");
    let (url, token) = (mock.url(), mock.token());
    let run = move || Command::new(python).args(["-B", script, &url, token]).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.lines().filter(|line| line.starts_with("ok ")).count() >= 110, "{out}");
}
