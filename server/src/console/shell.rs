//! Commands in containers: through a shell of their node, because Proxmox has no other way. Each
//! session is permitted, counted, written down, limited in time, and cleaned up, whoever ends it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use sdk_proxmox::pve::PostNodesNodeTermproxy;
use sdk_proxmox::{Console, TaskState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::caps::Place;
use super::demux::{Demux, Found};
use super::guest::{Guest, not_allowed};
use super::script::{self, Sentinels};
use super::{audit, frame::Frame};
use crate::edge::{ApiError, App};
use crate::proxy::{Sender, fault};
use crate::runs::StartError;

/// How long nothing may be printed, and how long a session may last.
const IDLE: Duration = Duration::from_secs(15 * 60);
const TOTAL: Duration = Duration::from_secs(4 * 3600);

/// How long the shell may take until the command begins.
const BEGIN: Duration = Duration::from_secs(15);

/// How long the shell has to be gone after it was left.
const GONE: Duration = Duration::from_secs(5);

/// Frames that wait for a client; then the terminal waits, too.
const WAITING: usize = 256;

/// What the terminal is told it is as large as; lines are not wrapped within it.
const SIZE: (u16, u16) = (500, 50);

/// Runs a command in a container and gives what it prints. When the frames are dropped, the command is
/// interrupted and the shell left.
pub(super) async fn run(
    app: &App,
    sender: &Sender,
    guest: &Guest,
    argv: Vec<String>,
) -> Result<mpsc::Receiver<Frame>, ApiError> {
    let row = &guest.session.row;
    if !row.allow_node_shell {
        return Err(not_allowed(&row.name, "allow_node_shell"));
    }
    if !guest.running {
        let detail = format!("Container {} is not running; nothing can be run in it.", guest.vmid);
        return Err(ApiError::new(StatusCode::CONFLICT, "The container is stopped", detail));
    }
    let place = app.consoles.place(row.id, &guest.node).ok_or_else(|| {
        let detail = "Two terminals of a node, and eight in all, may be open at the same time.";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "Too many terminals", detail)
            .retry_after(Duration::from_secs(30))
    })?;
    let client = guest.session.client().await.map_err(StartError::from)?;
    let number = audit::begin(app, sender, guest, &argv).await?;
    let opened = client.console(&PostNodesNodeTermproxy::new(guest.node.as_str())).await;
    let console = match opened {
        Ok(console) => console,
        Err(error) => {
            audit::end(app, number, 502, &error.to_string()).await;
            return Err(fault(&row.name, &error));
        }
    };
    let (frames, received) = mpsc::channel(WAITING);
    let session = Session {
        app: app.clone(),
        guest: guest.clone(),
        argv,
        number,
        console,
        frames,
        _place: Arc::new(place),
    };
    app.consoles.tasks.spawn(session.carry_out());
    Ok(received)
}

/// An open shell.
struct Session {
    app: App,
    guest: Guest,
    argv: Vec<String>,
    number: i64,
    console: Console,
    frames: mpsc::Sender<Frame>,
    _place: Arc<Place>,
}

/// Why a session ended.
struct End {
    exit: Option<i32>,
    reason: &'static str,
    /// Whether the shell was left by the command's own line.
    left: bool,
}

impl Session {
    async fn carry_out(mut self) {
        let closing = self.app.runs.closing();
        let end = tokio::select! {
            end = self.show() => end,
            () = closing => End { exit: None, reason: "the server is stopping", left: false },
            () = sleep(TOTAL) => End { exit: None, reason: "four hours are the most", left: false },
        };
        let told = Frame::ended(end.exit, end.reason);
        // A client that does not read must not hold the shell open.
        let _ = timeout(Duration::from_secs(1), self.frames.send(told)).await;
        self.leave(&end).await;
    }

    /// Types the command and shows what it prints.
    async fn show(&mut self) -> End {
        let ended = |reason| End { exit: None, reason, left: false };
        let sentinels = Sentinels::new();
        let (columns, rows) = SIZE;
        let line = script::in_container(self.guest.vmid, &self.argv, &sentinels);
        let typed = async {
            self.console.resize(columns, rows).await?;
            self.console.write_all(script::QUIET.as_bytes()).await?;
            self.console.write_all(line.as_bytes()).await
        };
        if typed.await.is_err() {
            return ended("the terminal ended before the command began");
        }
        let mut demux = Demux::new(sentinels);
        let (mut seq, started) = (0, Instant::now());
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let patience =
                if demux.has_begun() { IDLE } else { BEGIN.saturating_sub(started.elapsed()) };
            let read = tokio::select! {
                read = timeout(patience, self.console.read(&mut buffer)) => read,
                () = self.frames.closed() => return ended("the client went away"),
            };
            let count = match read {
                Ok(Ok(0) | Err(_)) => return ended("the terminal ended"),
                Ok(Ok(count)) => count,
                Err(_) if demux.has_begun() => return ended("nothing was printed for 15 minutes"),
                Err(_) => return ended("the shell did not begin the command"),
            };
            for found in demux.take(&buffer[..count]) {
                let frame = match found {
                    Found::Line(text) => {
                        seq += 1;
                        Frame::line(seq, &text)
                    }
                    Found::Ended(exit) => {
                        return End { exit, reason: "the command ended", left: true };
                    }
                };
                if self.frames.send(frame).await.is_err() {
                    return ended("the client went away");
                }
            }
        }
    }

    /// Interrupts what still runs, leaves the shell, and looks whether it is gone.
    async fn leave(mut self, end: &End) {
        if !end.left {
            // What was interrupted takes the rest of its line with it.
            let _ = self.console.write_all(b"\x03").await;
            let _ = self.console.write_all(b"\nexit\n").await;
        }
        let mut rest = [0; 1024];
        let over = async { while matches!(self.console.read(&mut rest).await, Ok(1..)) {} };
        let _ = timeout(GONE, over).await;
        let upid = self.console.upid().map(str::to_owned);
        let _ = self.console.shutdown().await;
        drop(self.console);
        let exit = end.exit.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let mut result = format!("exit {exit}, {}", end.reason);
        if let Some(upid) = upid
            && !is_over(&self.guest, &upid).await
        {
            tracing::warn!(endpoint = %self.guest.session.row.name, upid, "a shell is still there");
            result.push_str("; its shell did not end");
        }
        audit::end(&self.app, self.number, 200, &result).await;
    }
}

/// Whether the task of a terminal has ended, within a moment.
async fn is_over(guest: &Guest, upid: &str) -> bool {
    let looked = async {
        loop {
            let task = guest.session.client().await.ok()?.task(upid).ok()?;
            if let TaskState::Ended(_) = task.state().await.ok()? {
                return Some(());
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(GONE, looked).await.ok().flatten().is_some()
}
