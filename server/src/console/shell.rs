//! Commands in containers: through a shell of their node, because Proxmox has no other way. Each
//! session is permitted, counted, written down, limited in time, and cleaned up, whoever ends it.

use std::time::Duration;

use axum::http::StatusCode;
use sdk_proxmox::pve::PostNodesNodeTermproxy;
use sdk_proxmox::{Client, Console, TaskState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::caps::{Place, TerminalLimits};
use super::demux::{Demux, Found};
use super::guest::{Guest, not_allowed};
use super::script::{self, Sentinels};
use super::{audit, frame::Frame};
use crate::edge::{ApiError, App};
use crate::proxy::{Sender, fault};
use crate::runs::StartError;

/// How long the shell has to be gone after it was left.
const GONE: Duration = Duration::from_secs(5);

/// How long a shell says nothing when it waits for a command.
const QUIET: Duration = Duration::from_millis(250);

/// Who has not read a frame by then is sent away.
const SLOW: Duration = Duration::from_secs(30);

/// Frames that wait for a client; then the terminal waits, too.
const WAITING: usize = 256;

/// What the terminal is told it is as large as; lines are not wrapped within it.
const SIZE: (u16, u16) = (500, 50);

/// The usual end of what is followed.
const CLIENT_LEFT: &str = "the client went away";

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
    let place = app.consoles.place(row.id, &guest.node).ok_or_else(no_place)?;
    let sentinels = Sentinels::random();
    let line = script::in_container(guest.vmid, &argv, &sentinels);
    if line.len() > script::LONGEST {
        let detail =
            format!("command: {} bytes are the most that a shell is told.", script::LONGEST);
        return Err(ApiError::bad_request("The command is too long", detail));
    }
    let client = guest.session.shell_client().await.map_err(StartError::from)?;
    let client = client.ok_or_else(|| no_shell(&row.name))?;
    let typed = Typed { argv, line, sentinels };
    // A client that hangs up must not leave a shell that nobody closes.
    let opened =
        tokio::spawn(open(app.clone(), sender.clone(), guest.clone(), client, typed, place));
    opened.await.map_err(|error| ApiError::internal(&error))?
}

/// 429: as many terminals are open as may be.
pub(super) fn no_place() -> ApiError {
    let detail = "Two terminals of a node, and eight in all, may be open at the same time.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "Too many terminals", detail)
        .retry_after(Duration::from_secs(30))
}

/// 409: Proxmox gives a shell of a node to one user alone.
fn no_shell(endpoint: &str) -> ApiError {
    let detail = format!(
        "Commands in containers are run by a shell of their node. Proxmox gives that to root@pam with \
         its password, and asks API tokens for a login: give endpoint {endpoint} the user name root@pam \
         and the password; its token stays in use for everything else."
    );
    ApiError::new(StatusCode::CONFLICT, "The endpoint has no shell", detail)
        .with("reason", "node_shell_needs_root_password")
}

/// What is typed.
struct Typed {
    argv: Vec<String>,
    line: String,
    sentinels: Sentinels,
}

/// Writes the command down and opens the shell that carries it out.
async fn open(
    app: App,
    sender: Sender,
    guest: Guest,
    client: Client,
    typed: Typed,
    place: Place,
) -> Result<mpsc::Receiver<Frame>, ApiError> {
    let number = audit::begin(&app, &sender, &guest, &typed.argv).await?;
    let opened = client.console(&PostNodesNodeTermproxy::new(guest.node.as_str())).await;
    let console = match opened {
        Ok(console) => console,
        Err(error) => {
            audit::end(&app, number, 502, &error.to_string()).await;
            return Err(fault(&guest.session.row.name, &error));
        }
    };
    let (frames, received) = mpsc::channel(WAITING);
    let tasks = app.consoles.tasks.clone();
    let session = Session { app, guest, client, typed, number, console, frames, _place: place };
    tasks.spawn(session.carry_out());
    Ok(received)
}

/// An open shell.
struct Session {
    app: App,
    guest: Guest,
    /// Who opened the shell, and may look whether it is gone.
    client: Client,
    typed: Typed,
    number: i64,
    console: Console,
    frames: mpsc::Sender<Frame>,
    _place: Place,
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
        let total = self.app.settings.terminals.total;
        let end = tokio::select! {
            end = self.show() => end,
            () = closing => End { exit: None, reason: "the server is stopping", left: false },
            () = sleep(total) => {
                End { exit: None, reason: "the session lasted as long as one may", left: false }
            }
        };
        let told = Frame::ended(end.exit, end.reason);
        let Self { app, guest, client, number, console, frames, _place, .. } = self;
        // A client that does not read must not hold the shell open, and none waits until it is gone.
        let _ = timeout(Duration::from_secs(1), frames.send(told)).await;
        drop(frames);
        leave(&app, &guest, &client, console, number, &end).await;
    }

    /// Types the command and shows what it prints.
    async fn show(&mut self) -> End {
        let ended = |reason| End { exit: None, reason, left: false };
        let TerminalLimits { begin, idle, .. } = self.app.settings.terminals;
        match timeout(begin, self.type_in()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return ended("the terminal ended before the command began"),
            Err(_) => return ended("the shell did not begin the command"),
        }
        let mut demux = Demux::new(self.typed.sentinels.clone());
        let (mut seq, started) = (0, Instant::now());
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let patience =
                if demux.has_begun() { idle } else { begin.saturating_sub(started.elapsed()) };
            let read = tokio::select! {
                read = timeout(patience, self.console.read(&mut buffer)) => read,
                () = self.frames.closed() => return ended(CLIENT_LEFT),
            };
            let count = match read {
                Ok(Ok(0) | Err(_)) => return ended("the terminal ended"),
                Ok(Ok(count)) => count,
                Err(_) if demux.has_begun() => return ended("nothing was printed for too long"),
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
                match timeout(SLOW, self.frames.send(frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return ended(CLIENT_LEFT),
                    Err(_) => return ended("the client does not read"),
                }
            }
        }
    }

    /// Types the command when the shell has said what it has to say: what is typed while it starts may
    /// be thrown away.
    async fn type_in(&mut self) -> std::io::Result<()> {
        let (columns, rows) = SIZE;
        self.console.resize(columns, rows).await?;
        let mut prompt = [0; 1024];
        let mut said = self.console.read(&mut prompt).await?;
        while said > 0 {
            match timeout(QUIET, self.console.read(&mut prompt)).await {
                Ok(read) => said = read?,
                Err(_) => break,
            }
        }
        self.console.write_all(script::QUIET.as_bytes()).await?;
        self.console.write_all(self.typed.line.as_bytes()).await
    }
}

/// Interrupts what still runs, leaves the shell, and looks whether it is gone.
async fn leave(
    app: &App,
    guest: &Guest,
    client: &Client,
    mut console: Console,
    number: i64,
    end: &End,
) {
    if !end.left {
        // What was interrupted takes the rest of its line with it.
        let _ = console.write_all(b"\x03").await;
        let _ = console.write_all(b"\nexit\n").await;
    }
    let mut rest = [0; 1024];
    let over = async { while matches!(console.read(&mut rest).await, Ok(1..)) {} };
    let _ = timeout(GONE, over).await;
    let upid = console.upid().map(str::to_owned);
    let _ = console.shutdown().await;
    drop(console);
    let exit = end.exit.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let mut result = format!("exit {exit}, {}", end.reason);
    if let Some(upid) = upid
        && !is_over(client, &upid).await
    {
        tracing::warn!(endpoint = %guest.session.row.name, upid, "a shell is still there");
        result.push_str("; its shell did not end");
    }
    let status = if end.exit.is_some() || end.reason == CLIENT_LEFT { 200 } else { 502 };
    audit::end(app, number, status, &result).await;
}

/// Whether the task of a terminal has ended, within a moment. Asked by the user who opened it: others may
/// not see it.
async fn is_over(client: &Client, upid: &str) -> bool {
    let looked = async {
        loop {
            let task = client.task(upid).ok()?;
            if let TaskState::Ended(_) = task.state().await.ok()? {
                return Some(());
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(GONE, looked).await.ok().flatten().is_some()
}
