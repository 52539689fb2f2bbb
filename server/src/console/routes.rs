//! The routes of journals, logs, numbers and commands: under GoDoxy's paths, and under an endpoint's own.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use sdk_proxmox::{Client, Product};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::agent::{self, Output};
use super::guest::{Guest, GuestKind, find_guest, not_allowed};
use super::query::Query;
use super::reply::{Form, Words, streamed};
use super::unit::Unit;
use super::{audit, journal, shell, stats, syslog, tasks};
use crate::auth::{Caller, Scope};
use crate::edge::{ApiError, App, Body, Path, RequestId, Route, Routes, get, post};
use crate::endpoints::{Selection, Session};
use crate::proxy::{Sender, fault, nodes_fault, only};
use crate::runs::StartError;

/// How long a command may take that is waited for.
const LONGEST: Duration = Duration::from_secs(300);

/// Arguments of a command, and bytes of each.
const ARGUMENTS: usize = 64;
const ARGUMENT: usize = 4096;

/// Bytes of output that are kept for an answer; a stream has no bound.
const PRINTED: usize = 16 << 20;

/// The routes of all of them.
pub(crate) fn routes() -> Routes {
    of_godoxy("/proxmox").merge(of_godoxy("/api/v1/proxmox")).merge(of_endpoint())
}

/// A journal as all of its routes tell of it.
fn journal_route(route: Route) -> Route {
    route
        .needs(Scope::Console)
        .query("service", "string", "A unit; may come again")
        .query("limit", "integer", "Lines of the past: 1 to 1000; 100")
        .says("Answers the journal of a node or a guest once, or as a stream where that is asked for.")
}

fn of_godoxy(prefix: &str) -> Routes {
    let journal = format!("{prefix}/journalctl");
    let by_query = async |state, form, who, id, query| {
        journal_of(state, form, who, id, query, None, None, None).await
    };
    let of_node = async |state, form, who, id, query, Path(node)| {
        journal_of(state, form, who, id, query, Some(node), None, None).await
    };
    let of_guest = async |state, form, who, id, query, Path((node, vmid))| {
        journal_of(state, form, who, id, query, Some(node), Some(vmid), None).await
    };
    let of_unit = async |state, form, who, id, query, Path((node, vmid, unit))| {
        journal_of(state, form, who, id, query, Some(node), Some(vmid), Some(unit)).await
    };
    let says = "Answers what is used, once, or as a stream where that is asked for.";
    Routes::new("console")
        .add(journal_route(get(&journal, by_query)))
        .add(journal_route(get(format!("{journal}/{{node}}"), of_node)))
        .add(journal_route(get(format!("{journal}/{{node}}/{{vmid}}"), of_guest)))
        .add(journal_route(get(format!("{journal}/{{node}}/{{vmid}}/{{service}}"), of_unit)))
        .add(get(format!("{prefix}/stats/{{node}}"), node_stats).needs(Scope::Read).says(says))
        .add(
            get(format!("{prefix}/stats/{{node}}/{{vmid}}"), guest_stats)
                .needs(Scope::Read)
                .says(says),
        )
}

fn of_endpoint() -> Routes {
    let node = "/api/v1/proxmox/{endpoint}/nodes/{node}";
    Routes::new("console")
        .add(
            get(format!("{node}/journal"), node_journal)
                .needs(Scope::Console)
                .query("limit", "integer", "Lines of the past: 1 to 1000; 100")
                .says("Answers a node's journal, or streams it from Last-Event-ID on."),
        )
        .add(
            get(format!("{node}/syslog"), node_syslog)
                .needs(Scope::Console)
                .query("service", "string", "A unit; may come again")
                .query("limit", "integer", "Lines of the past: 1 to 1000; 100")
                .says("Answers the log of a node's services, or streams it."),
        )
        .add(
            get("/api/v1/proxmox/{endpoint}/tasks/{upid}", task_log)
                .needs(Scope::Read)
                .says("Answers state and log of a task, or streams the log to its end."),
        )
        .add(
            get("/api/v1/proxmox/{endpoint}/guests/{vmid}/journal", guest_journal)
                .needs(Scope::Console)
                .query("service", "string", "A unit; may come again")
                .query("limit", "integer", "Lines of the past: 1 to 1000; 100")
                .says("Answers a guest's journal, or streams it."),
        )
        .add(
            post("/api/v1/proxmox/{endpoint}/guests/{vmid}/exec", exec)
                .needs(Scope::Console)
                .takes::<Command>()
                .answers::<Output>()
                .says("Runs a command in a guest, where the endpoint permits that; streams its output where asked to."),
        )
}

fn of(endpoint: i64) -> Selection {
    Selection { proxmox_ids: Some(vec![endpoint]), ..Selection::default() }
}

/// The endpoint that has this node.
async fn with_node(app: &App, selection: &Selection, node: &str) -> Result<Arc<Session>, ApiError> {
    let session = only(app, Product::Pve, selection, Some(node)).await?;
    let nodes = session.nodes().await;
    let nodes = nodes.map_err(|error| nodes_fault(&session.row.name, error))?;
    match nodes.iter().any(|name| name == node) {
        true => Ok(session),
        false => Err(ApiError::not_found(format!("No endpoint has a node {node}."))),
    }
}

#[expect(clippy::too_many_arguments, reason = "what a request is made of")]
async fn journal_of(
    State(app): State<App>,
    form: Form,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
    node: Option<String>,
    vmid: Option<String>,
    unit: Option<String>,
) -> Result<Response, ApiError> {
    let asked = Query::parse(&query.unwrap_or_default())?;
    let asked = asked.with(node, vmid.as_deref(), unit.as_deref())?;
    let node = asked
        .node
        .clone()
        .ok_or_else(|| ApiError::bad_request("The query is not valid", "node: say which one"))?;
    let Some(vmid) = asked.vmid else {
        return of_node(&app, form, Words::Lines, &node, asked).await;
    };
    let guest = find_guest(&app, &asked.selection, Some(&node), vmid).await?;
    of_guest(&app, Sender { caller, id }, form, Words::Lines, guest, asked).await
}

/// The journal of a node; of some services, its log.
async fn of_node(
    app: &App,
    form: Form,
    words: Words,
    node: &str,
    asked: Query,
) -> Result<Response, ApiError> {
    let session = with_node(app, &asked.selection, node).await?;
    if !asked.units.is_empty() {
        return services_of(app, form, words, session, node, asked).await;
    }
    if let Form::Once = form {
        let part = journal::read(&session, node, asked.limit(), None).await?;
        return Ok(Json(journal::once(node, &part)).into_response());
    }
    let after = form.after().map(str::to_owned);
    // What cannot be read at all is an error, and no stream.
    journal::read(&session, node, 1, None).await?;
    let frames = journal::follow(session.clone(), node.to_owned(), asked.limit(), after);
    Ok(streamed(app, "journal", form, words, &session, frames))
}

async fn services_of(
    app: &App,
    form: Form,
    words: Words,
    session: Arc<Session>,
    node: &str,
    asked: Query,
) -> Result<Response, ApiError> {
    let (told, limit) = (asked.told(), asked.limit());
    let mut logs = syslog::logs(&session, node, asked.units);
    if let Form::Once = form {
        let mut lines = Vec::new();
        for log in &mut logs {
            lines.extend(log.next(limit).await?);
        }
        let mut told = told;
        told["lines"] = lines.into();
        return Ok(Json(told).into_response());
    }
    // What cannot be read at all is an error, and no stream.
    if let Some(first) = logs.first() {
        first.readable().await?;
    }
    Ok(streamed(app, "syslog", form, words, &session, syslog::follow(logs, limit, told)))
}

/// The journal of a guest: of a machine by its agent, of a container by a shell of its node.
async fn of_guest(
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
        let begun = futures_util::stream::iter([super::frame::Frame::meta("started", told)]);
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

async fn node_journal(
    State(app): State<App>,
    form: Form,
    Path((endpoint, node)): Path<(i64, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let mut asked = Query::parse(&query.unwrap_or_default())?;
    asked.selection = of(endpoint);
    asked.units.clear();
    of_node(&app, form, Words::Frames, &node, asked).await
}

async fn node_syslog(
    State(app): State<App>,
    form: Form,
    Path((endpoint, node)): Path<(i64, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Query::parse(&query.unwrap_or_default())?.with(Some(node.clone()), None, None)?;
    let session = with_node(&app, &of(endpoint), &node).await?;
    services_of(&app, form, Words::Frames, session, &node, asked).await
}

async fn task_log(
    State(app): State<App>,
    form: Form,
    Path((endpoint, upid)): Path<(i64, String)>,
) -> Result<Response, ApiError> {
    let session = only(&app, Product::Pve, &of(endpoint), None).await?;
    // Asked once in any case: what cannot be read at all is an error, and no stream.
    let now = tasks::once(&session, &upid).await?;
    if let Form::Once = form {
        return Ok(Json(now).into_response());
    }
    let task = tasks::task(&session, &upid).await?;
    let after = form.after().map(str::to_owned);
    Ok(streamed(&app, "task", form, Words::Frames, &session, tasks::follow(task, after)))
}

async fn guest_journal(
    State(app): State<App>,
    form: Form,
    Path((endpoint, vmid)): Path<(i64, i64)>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Query::parse(&query.unwrap_or_default())?;
    let guest = find_guest(&app, &of(endpoint), None, vmid).await?;
    let asked = asked.with(Some(guest.node.clone()), Some(&vmid.to_string()), None)?;
    of_guest(&app, Sender { caller, id }, form, Words::Frames, guest, asked).await
}

/// A command, without a shell around it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Command {
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

async fn exec(
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

async fn node_stats(
    State(app): State<App>,
    form: Form,
    Path(node): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Query::parse(&query.unwrap_or_default())?;
    let session = with_node(&app, &asked.selection, &node).await?;
    numbers(&app, form, &session, stats::of_node(&app, &session, &node)).await
}

async fn guest_stats(
    State(app): State<App>,
    form: Form,
    Path((node, vmid)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Query::parse(&query.unwrap_or_default())?.with(Some(node), Some(&vmid), None)?;
    let vmid = asked.vmid.unwrap_or_default();
    let guest = find_guest(&app, &asked.selection, asked.node.as_deref(), vmid).await?;
    numbers(&app, form, &guest.session, stats::of_guest(&app, &guest)).await
}

async fn numbers(
    app: &App,
    form: Form,
    session: &Arc<Session>,
    latest: tokio::sync::watch::Receiver<super::polls::Latest>,
) -> Result<Response, ApiError> {
    match form {
        Form::Once => Ok(Json(stats::once(latest).await?).into_response()),
        form => Ok(streamed(app, "stats", form, Words::Frames, session, stats::follow(latest))),
    }
}
