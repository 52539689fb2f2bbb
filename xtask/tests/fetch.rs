//! `cargo xtask regen --fetch`, as the nightly job runs it, against files and a loopback server.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = "<html><head><script src=\"ext.js\"></script>\
    <script src=\"apidoc.js\"></script></head></html>";
const SCRIPT: &str = "const apiSchema = [{\"path\": \"/version\", \"info\": {\"GET\": \
    {\"method\": \"GET\", \"parameters\": {}, \"returns\": {\"type\": \"string\"}}}}];\nviewer();";

/// Serves each path once with its answer, then stops.
fn serve(answers: Vec<(&'static str, &'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for _ in 0..answers.len() {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap();
            let path = request.split(' ').nth(1).unwrap();
            let (_, status, body) = answers.iter().find(|(of, ..)| *of == path).unwrap();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
            write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        }
    });
    format!("http://{address}")
}

fn fetch(specs: &Path, source: &str, release: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["fetch", "--specs"]).arg(specs).arg(source);
    command.args(release.into_iter().flat_map(|release| ["--release", release]));
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_viewer_is_crawled_from_its_page_to_its_script_and_its_release_read_from_the_documentation() {
    let specs = tempfile::tempdir().unwrap();
    let server = serve(vec![
        ("/viewer/", "200 OK", PAGE.to_owned()),
        ("/viewer/apidoc.js", "200 OK", SCRIPT.to_owned()),
        ("/index.html", "200 OK", "<span id=\"revnumber\">version 9.9.4,</span>".to_owned()),
    ]);
    let output = fetch(specs.path(), &format!("pve={server}/viewer/"), None);
    assert!(output.status.success(), "{}", stderr(&output));
    let spec = std::fs::read_to_string(specs.path().join("pve/9.9.4.json")).unwrap();
    assert!(spec.contains("\"/version\""), "{spec}");
    let manifest = std::fs::read_to_string(specs.path().join("manifest.toml")).unwrap();
    assert!(manifest.contains("operations = 1"), "{manifest}");
    assert!(manifest.contains("/viewer/apidoc.js"), "{manifest}");
}

#[test]
fn a_source_that_fails_leaves_the_old_spec_and_says_so() {
    let specs = tempfile::tempdir().unwrap();
    let old = specs.path().join("pve/9.9.json");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::write(&old, "old").unwrap();
    let cut = SCRIPT[..90].to_owned();
    let answers = [
        ("/a.js", "500 Internal Server Error", "down".to_owned(), "500"),
        ("/b.js", "200 OK", "<html><title>Login</title></html>".to_owned(), "titled \"Login\""),
        ("/c.js", "200 OK", cut, "byte 90: the text ends inside the description"),
        ("/d.js", "200 OK", String::new(), "byte 0: empty"),
    ];
    for (path, status, body, expected) in answers {
        let server = serve(vec![(path, status, body)]);
        let output = fetch(specs.path(), &format!("pve={server}{path}"), Some("9.9"));
        assert!(!output.status.success(), "{path}");
        assert!(stderr(&output).contains(expected), "{path}: {}", stderr(&output));
        assert!(stderr(&output).contains(path), "{path}: {}", stderr(&output));
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "old", "{path}");
    }
    let output = fetch(specs.path(), "pve=/nowhere/apidoc.js", Some("9.9"));
    assert!(stderr(&output).contains("/nowhere/apidoc.js cannot be read"), "{}", stderr(&output));
}

#[test]
fn a_release_never_seen_is_generated_and_compiled_elsewhere() {
    let out = tempfile::tempdir().unwrap();
    let source = out.path().join("apidoc-7.7.js");
    std::fs::write(&source, SCRIPT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("regen").arg("--source").arg(format!("pve={}", source.display()));
    command.arg("--out").arg(out.path()).arg("--check-build");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let spec = std::fs::read_to_string(out.path().join("specs/pve/7.7.json")).unwrap();
    assert!(spec.contains("\"/version\""), "{spec}");
    let version = out.path().join("generated/proxmox/src/pve/version.rs");
    assert!(std::fs::read_to_string(version).unwrap().contains("pub struct GetVersion"));
}
