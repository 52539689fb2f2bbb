//! Every example runs to its end against the mock.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

#[test]
fn every_example_runs_against_the_mock() {
    // Cargo puts examples beside the tests it builds them with.
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().and_then(std::path::Path::parent).unwrap().join("examples");
    for name in [
        "console",
        "create_vm",
        "follow_log",
        "guests",
        "upload_iso",
        "wait_for_task",
        "watch_resources",
    ] {
        let mut command = Command::new(folder.join(name));
        let clear = ["PVE_URL", "NETBOX_URL"];
        clear.iter().for_each(|name| {
            command.env_remove(name);
        });
        let output = command.output().unwrap_or_else(|error| {
            panic!("{name} is not there ({error}): `cargo test` without --test builds it")
        });
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {told}");
        assert!(!output.stdout.is_empty(), "{name} says nothing");
    }
}
