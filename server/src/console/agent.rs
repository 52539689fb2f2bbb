//! Commands in virtual machines, through the guest agent: arguments, no shell.

use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use proxbox_runtime::Rows;
use sdk_proxmox::pve::{GetNodesNodeQemuVmidAgentExecStatus, PostNodesNodeQemuVmidAgentExec};
use sdk_proxmox::{Client, Error};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::frame::Frame;
use super::guest::Guest;
use super::query::Query;
use super::unit::Unit;
use crate::edge::ApiError;
use crate::proxy::fault;
use crate::runs::StartError;

/// How often the end of a command is looked for.
const LOOK: Duration = Duration::from_millis(300);

/// How often a journal is looked at.
const PAUSE: Duration = Duration::from_secs(2);

/// A journal that cannot be read so many times in a row is given up.
const TRIES: u32 = 5;

/// How long reading a journal may take.
const READING: Duration = Duration::from_secs(20);

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(super) struct Output {
    /// What it exited with; none where a signal ended it.
    pub(super) exit: Option<i64>,
    /// What it printed.
    pub(super) stdout: String,
    /// What it complained about.
    pub(super) stderr: String,
    /// Whether the agent left out the rest of either.
    pub(super) truncated: bool,
}

/// Runs a command and waits for its end, for at most `limit`; after that it goes on in the guest.
pub(super) async fn run(
    client: &Client,
    node: &str,
    vmid: i64,
    argv: &[String],
    limit: Duration,
) -> Result<Output, Error> {
    let command = Rows::from(argv.to_vec());
    let started = client.send(&PostNodesNodeQemuVmidAgentExec::new(node, vmid, command)).await?;
    let pid = started.value.pid;
    let pid = pid.ok_or_else(|| Error::Invalid("the agent started nothing".into()))?;
    let end = Instant::now() + limit;
    loop {
        let status = GetNodesNodeQemuVmidAgentExecStatus::new(node, vmid, pid);
        let status = client.send(&status).await?.value;
        if status.exited == Some(true) {
            return Ok(Output {
                exit: status.exitcode,
                stdout: status.out_data.unwrap_or_default(),
                stderr: status.err_data.unwrap_or_default(),
                truncated: status.out_truncated == Some(true) || status.err_truncated == Some(true),
            });
        }
        if Instant::now() >= end {
            let why = format!("the command still runs after {} seconds", limit.as_secs());
            return Err(Error::Invalid(why));
        }
        sleep(LOOK).await;
    }
}

/// A line of a guest's journal, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) cursor: String,
}

/// The latest entries of a journal, or those behind a place.
pub(super) async fn entries(
    guest: &Guest,
    units: &[Unit],
    limit: u32,
    after: Option<&str>,
) -> Result<Vec<Entry>, ApiError> {
    let client = guest.session.client().await.map_err(StartError::from)?;
    let argv = arguments(units, limit, after);
    let output = run(&client, &guest.node, guest.vmid, &argv, READING).await;
    let output = output.map_err(|error| fault(&guest.session.row.name, &error))?;
    match output.exit {
        Some(0) => Ok(output.stdout.lines().filter_map(entry).collect()),
        exit => {
            let code = exit.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
            let why = output.stderr.lines().next().unwrap_or("it does not say why");
            let detail = format!("journalctl in guest {} ended with {code}: {why}", guest.vmid);
            Err(ApiError::bad_gateway("The journal cannot be read", detail))
        }
    }
}

fn arguments(units: &[Unit], limit: u32, after: Option<&str>) -> Vec<String> {
    let mut argv: Vec<String> =
        ["journalctl", "--no-pager", "--output=json", "--all"].map(str::to_owned).into();
    match after {
        Some(cursor) => argv.push(format!("--after-cursor={cursor}")),
        None => argv.push(format!("--lines={limit}")),
    }
    argv.extend(units.iter().map(|unit| format!("--unit={}", unit.as_str())));
    argv
}

/// An entry as journalctl writes it; messages that are no text are lists of bytes.
fn entry(line: &str) -> Option<Entry> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| match &entry[name] {
        Value::String(text) => text.clone(),
        Value::Array(bytes) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    };
    let cursor = entry["__CURSOR"].as_str()?.to_owned();
    let micros = entry["__REALTIME_TIMESTAMP"].as_str().and_then(|text| text.parse().ok());
    let time = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    let time = time.map(|time| time.to_string()).unwrap_or_default();
    let who = match text("SYSLOG_IDENTIFIER") {
        name if name.is_empty() => text("_COMM"),
        name => name,
    };
    let pid = text("_PID");
    let pid = if pid.is_empty() { pid } else { format!("[{pid}]") };
    let text = format!("{time} {} {who}{pid}: {}", text("_HOSTNAME"), text("MESSAGE"));
    Some(Entry { text, cursor })
}

/// A command as a stream tells of it: the agent shows what was printed when it has ended.
pub(super) fn told(
    waited: JoinHandle<Result<Output, ApiError>>,
    told: Value,
) -> impl Stream<Item = Frame> + Send {
    stream! {
        yield Frame::meta("started", told);
        match waited.await.map_err(|error| ApiError::internal(&error)).flatten() {
            Ok(output) => {
                let mut seq = 0;
                for (name, text) in [("stdout", output.stdout), ("stderr", output.stderr)] {
                    for line in text.lines() {
                        seq += 1;
                        yield Frame::line_of(name, seq, line);
                    }
                }
                let exit = output.exit.and_then(|code| i32::try_from(code).ok());
                yield Frame::ended(exit, "the command ended");
            }
            Err(error) => {
                yield Frame::meta("error", serde_json::json!({ "message": error.to_string() }));
                yield Frame::ended(None, "the command did not end");
            }
        }
    }
}

/// Whether a text is a place in a journal, and nothing else: it becomes an argument.
fn is_cursor(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "=;-_".contains(c);
    !text.is_empty() && text.len() <= 512 && text.chars().all(known)
}

/// The journal of a machine as it grows, from behind `after` on where that is a place in it.
pub(super) fn follow(
    guest: Guest,
    asked: Query,
    after: Option<String>,
) -> impl Stream<Item = Frame> + Send {
    stream! {
        let mut cursor = after.filter(|text| is_cursor(text));
        let (mut seq, mut failed) = (0, 0);
        yield Frame::meta("started", asked.told());
        loop {
            match entries(&guest, &asked.units, asked.limit(), cursor.as_deref()).await {
                Ok(entries) => {
                    failed = 0;
                    for Entry { text, cursor: place } in entries {
                        seq += 1;
                        cursor = Some(place.clone());
                        yield Frame::line(seq, &text).at(place);
                    }
                }
                Err(error) => {
                    failed += 1;
                    yield Frame::meta("error", serde_json::json!({ "message": error.to_string() }));
                    if failed >= TRIES {
                        yield Frame::ended(None, "the journal cannot be read");
                        break;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_journalctl_writes_them() {
        let line = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1767225600000000",
            "_HOSTNAME":"web","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":[104,105]}"#;
        let read = entry(&line.replace('\n', "")).unwrap();
        assert_eq!(read.text, "2026-01-01T00:00:00Z web sshd[7]: hi");
        assert_eq!(read.cursor, "s=1;i=2");
        assert_eq!(entry("no json"), None);
    }

    #[test]
    fn a_place_that_is_none_becomes_no_argument() {
        assert!(is_cursor("s=abc;i=1;b=2;m=3;t=4;x=5"));
        for text in ["", "a b", "--file=/etc/shadow\n", "x'", "$(id)", &"a".repeat(600)] {
            assert!(!is_cursor(text), "{text}");
        }
        let argv = arguments(&[Unit::parse("ssh").unwrap()], 5, Some("s=1"));
        assert_eq!(argv[4..], ["--after-cursor=s=1", "--unit=ssh"]);
    }
}
