//! Recorded answers of real nodes go through the client without loss.
//!
//! The recordings are read from `PROXBOX_CORPUS`, or from `shared/corpus` beside the repository, and
//! reported as skipped where they are absent.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod errors;
mod properties;
mod same;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One recorded answer.
#[derive(Clone)]
struct Recording {
    file: String,
    method: String,
    /// With `{}` for each parameter.
    path: String,
    status: u16,
    reason: Option<String>,
    body: Vec<u8>,
}

/// What became of one kind of recordings.
#[derive(Default)]
struct Tally {
    tried: usize,
    /// Those that were passed over, with the reason.
    passed_over: Vec<String>,
    /// Those that lost something.
    wrong: Vec<String>,
}

#[test]
fn recorded_answers_errors_and_property_strings_survive() {
    let Some(folder) = corpus() else { return };
    let recordings = recordings(&folder);
    let answers = answers::check(&recordings);
    let errors = errors::check(&recordings);
    let properties = properties::check(&folder);
    let tallies = [&answers, &errors, &properties];
    for why in tallies.iter().flat_map(|tally| &tally.passed_over) {
        report(&format!("passed over: {why}"));
    }
    let [answers, errors, properties] = tallies.map(|tally| tally.tried);
    report(&format!("tried: {answers} answers, {errors} errors, {properties} property strings"));
    let wrong: Vec<&str> =
        tallies.iter().flat_map(|tally| &tally.wrong).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} lost something:\n{}", wrong.len(), wrong.join("\n"));
    assert!(answers + errors + properties > 0, "nothing was tried");
}

fn corpus() -> Option<PathBuf> {
    let folder = match std::env::var_os("PROXBOX_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
    };
    let found = folder.is_dir();
    if !found {
        report(&format!("skipped: no recordings at {}", folder.display()));
    }
    found.then_some(folder)
}

/// Writes past the test harness, which keeps what is printed by tests that pass.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn recordings(folder: &Path) -> Vec<Recording> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files.iter().filter_map(|file| recording(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
}

fn recording(file: &Path) -> Option<Recording> {
    let text = std::fs::read(file).expect("a readable file");
    let value: Value = serde_json::from_slice(&text).expect("JSON");
    let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let body = match value.get("body") {
        Some(body) if !body.is_null() => body.to_string().into_bytes(),
        _ => member("raw_body").unwrap_or_default().into_bytes(),
    };
    Some(Recording {
        file: file.file_name()?.to_string_lossy().into_owned(),
        method: member("method")?,
        path: nameless(&member("path")?),
        status: u16::try_from(value.get("status")?.as_u64()?).ok()?,
        reason: member("reason"),
        body,
    })
}

/// Recordings may call a parameter something else than the description does.
fn nameless(path: &str) -> String {
    let segment = |segment| {
        if str::starts_with(segment, '{') { "{}" } else { segment }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
