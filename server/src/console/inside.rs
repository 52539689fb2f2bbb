//! Journals of guests and commands in them: by the agent of a machine, by a shell of a container's node.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use sdk_proxmox::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::agent::{self, Output};
use super::frame::Frame;
use super::guest::{Guest, GuestKind, find_guest, not_allowed};
use super::query::Query;
use super::reply::{Form, Words, streamed};
use super::routes::of;
use super::unit::Unit;
use super::{audit, shell};
use crate::auth::Caller;
use crate::edge::{ApiError, App, Body, Path, RequestId};
use crate::proxy::{Sender, fault};
use crate::runs::StartError;

/// How long a command may take that is waited for.
const LONGEST: Duration = Duration::from_secs(300);

/// Arguments of a command, and bytes of each.
const ARGUMENTS: usize = 64;
const ARGUMENT: usize = 4096;

/// Bytes of output that are kept for an answer; a stream has no bound.
const PRINTED: usize = 16 << 20;

/// The journal of a guest: of a machine by its agent, of a container by a shell of its node.
pub(super) async fn of_guest(
    app: &App,
    sender: Sender,
    form: Form,
    words: Words,
    guest: Guest,
    asked: Query,
) -> Result<Response, ApiError> {
    let row = &guest.session.row;
    if guest.kind == GuestKind::Qemu {
        if !row.allow_guest_commands {
            return Err(not_allowed(&row.name, "allow_guest_commands"));
        }
        // A client that hangs up must not leave an entry that nobody settles.
        let (units, limit) = (asked.units.clone(), asked.limit());
        let read = tokio::spawn(read_machine(app.clone(), sender, guest.clone(), units, limit));
        let entries = read.await.map_err(|error| ApiError::internal(&error))??;
        if let Form::Once = form {
            let mut told = asked.told();
            told["cursor"] = entries.last().map(|entry| entry.cursor.as_str()).into();
            told["lines"] = entries.into_iter().map(|entry| entry.text).collect();
            return Ok(Json(told).into_response());
        }
        let after = form.after().map(str::to_owned);
        let frames = agent::follow(guest.clone(), asked, after);
        return Ok(streamed(app, "guest_journal", form, words, &guest.session, frames));
    }
    let mut argv: Vec<String> =
        vec!["journalctl".into(), "--no-pager".into(), format!("--lines={}", asked.limit())];
    argv.extend(asked.units.iter().map(|unit: &Unit| format!("--unit={}", unit.as_str())));
    if !matches!(form, Form::Once) {
        argv.push("--follow".into());
    }
    let told = asked.told();
    printed(app, &sender, form, words, &guest, argv, (told, LONGEST)).await
}

/// The journal of a machine by its agent, written down.
async fn read_machine(
    app: App,
    sender: Sender,
    guest: Guest,
    units: Vec<Unit>,
    limit: u32,
) -> Result<Vec<agent::Entry>, ApiError> {
    let number = audit::begin(&app, &sender, &guest, &["journalctl".to_owned()]).await?;
    let read = agent::entries(&guest, &units, limit, None).await;
    match &read {
        Ok(_) => audit::end(&app, number, 200, "the journal was read").await,
        Err(error) => audit::end(&app, number, error.status().as_u16(), &error.to_string()).await,
    }
    read
}

/// What a command in a container prints: whole, or as it comes.
async fn printed(
    app: &App,
    sender: &Sender,
    form: Form,
    words: Words,
    guest: &Guest,
    argv: Vec<String>,
    (mut told, limit): (Value, Duration),
) -> Result<Response, ApiError> {
    let mut frames = shell::run(app, sender, guest, argv).await?;
    if !matches!(form, Form::Once) {
        let frames = ReceiverStream::new(frames);
        let begun = futures_util::stream::iter([Frame::meta("started", told)]);
        return Ok(streamed(app, "shell", form, words, &guest.session, begun.chain(frames)));
    }
    let (mut lines, mut size) = (Vec::new(), 0);
    let mut end = Value::Null;
    let collected = async {
        while let Some(frame) = frames.recv().await {
            match frame.text() {
                Some(line) => {
                    size += line.len();
                    lines.push(line);
                    if size > PRINTED {
                        end = json!({ "reason": "it printed more than is kept: ask for a stream" });
                        break;
                    }
                }
                None => end = frame.data().clone(),
            }
        }
    };
    let in_time = tokio::time::timeout(limit, collected).await.is_ok();
    if end["exit"].is_null() && size <= PRINTED {
        // Whoever waits for the end of a command is not told that all is well without one.
        let (status, reason) = match (in_time, end["reason"].as_str()) {
            (true, reason) => (StatusCode::BAD_GATEWAY, reason.unwrap_or("the terminal ended")),
            (false, _) => (StatusCode::GATEWAY_TIMEOUT, "it took too long"),
        };
        let detail = format!("The command in container {} did not end: {reason}.", guest.vmid);
        return Err(ApiError::new(status, "The command did not end", detail).with("lines", lines));
    }
    told["truncated"] = (size > PRINTED).into();
    told["lines"] = lines.into();
    told["exit"] = end["exit"].clone();
    told["reason"] = end["reason"].clone();
    Ok(Json(told).into_response())
}

/// A command, without a shell around it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    /// The program and its arguments.
    command: Vec<String>,
    /// Seconds that it may take; up to 300.
    #[serde(default)]
    timeout: Option<u64>,
}

impl Command {
    /// How long it may take.
    fn limit(&self) -> Duration {
        self.timeout.map_or(LONGEST, Duration::from_secs).min(LONGEST)
    }

    fn check(&self) -> Result<(), ApiError> {
        let fits = (1..=ARGUMENTS).contains(&self.command.len())
            && self.command.iter().all(|word| word.len() <= ARGUMENT && !word.contains('\0'))
            && self.command.first().is_some_and(|word| !word.is_empty());
        // A line break would end the line that a shell reads.
        let in_a_line = self.command.iter().all(|word| !word.contains(['\n', '\r']));
        match fits && in_a_line {
            true => Ok(()),
            false => {
                let detail = "command: 1 to 64 arguments of up to 4 KiB, without line breaks";
                Err(ApiError::bad_request("The command is not valid", detail))
            }
        }
    }
}

pub(super) async fn exec(
    State(app): State<App>,
    form: Form,
    Path((endpoint, vmid)): Path<(i64, i64)>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    Body(command): Body<Command>,
) -> Result<Response, ApiError> {
    command.check()?;
    let sender = Sender { caller, id };
    let guest = find_guest(&app, &of(endpoint), None, vmid).await?;
    if guest.kind == GuestKind::Lxc {
        let told = json!({ "node": guest.node, "vmid": vmid });
        let told = (told, command.limit());
        return printed(&app, &sender, form, Words::Frames, &guest, command.command, told).await;
    }
    let row = &guest.session.row;
    if !row.allow_guest_commands {
        return Err(not_allowed(&row.name, "allow_guest_commands"));
    }
    let client = guest.session.client().await.map_err(StartError::from)?;
    // A client that hangs up must not leave a command that nobody knows the end of.
    let session = guest.session.clone();
    let waited = tokio::spawn(in_machine(app.clone(), sender, guest, client, command));
    if let Form::Once = form {
        let output = waited.await.map_err(|error| ApiError::internal(&error))??;
        return Ok(Json(output).into_response());
    }
    let told = json!({ "vmid": vmid });
    let frames = agent::told(waited, told);
    Ok(streamed(&app, "exec", form, Words::Frames, &session, frames))
}

/// Runs a command in a virtual machine and waits for its end.
async fn in_machine(
    app: App,
    sender: Sender,
    guest: Guest,
    client: Client,
    command: Command,
) -> Result<Output, ApiError> {
    let number = audit::begin(&app, &sender, &guest, &command.command).await?;
    let limit = command.limit();
    match agent::run(&client, &guest.node, guest.vmid, &command.command, limit).await {
        Ok(output) => {
            let exit = output.exit.map_or_else(|| "none".to_owned(), |code| code.to_string());
            audit::end(&app, number, 200, &format!("exit {exit}")).await;
            Ok(output)
        }
        Err(error) => {
            audit::end(&app, number, 502, &error.to_string()).await;
            Err(fault(&guest.session.row.name, &error))
        }
    }
}
