//! The routes of journals, logs, numbers and commands: under GoDoxy's paths, and under an endpoint's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use sdk_proxmox::Product;

use super::agent::Output;
use super::guest::find_guest;
use super::inside::{Command, exec, of_guest};
use super::query::Query;
use super::reply::{Form, Words, streamed};
use super::{journal, stats, syslog, tasks};
use crate::auth::{Caller, Scope};
use crate::edge::{ApiError, App, Path, RequestId, Route, Routes, get, post};
use crate::endpoints::{Selection, Session};
use crate::proxy::{Sender, nodes_fault, only};

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

/// The endpoint with this number.
pub(super) fn of(endpoint: i64) -> Selection {
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
