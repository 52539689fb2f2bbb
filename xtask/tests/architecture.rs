//! Every test that ARCHITECTURE.md names exists.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// All Rust files of the hand-written crates.
fn sources(root: &Path) -> Vec<PathBuf> {
    let crates = ["codegen", "sdk-netbox", "sdk-proxmox", "server", "xtask"];
    let mut open: Vec<PathBuf> = crates.iter().map(|name| root.join(name)).collect();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The words in backquotes of the last column of each table.
fn named(document: &str) -> Vec<&str> {
    let rows = document.lines().filter(|line| line.starts_with('|') && !line.starts_with("|-"));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_rule_is_linked_to_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let code: String =
        sources(root).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let names = named(&document);
    assert!(names.len() > 40, "the tables are not read: {names:?}");
    for name in names {
        let is_path = name.contains('/') && root.join(name).exists();
        let is_test = code.contains(&format!("fn {name}("));
        let is_command = name.starts_with("cargo ") || name == ".ci/run";
        assert!(is_path || is_test || is_command, "`{name}` does not exist");
    }
}
