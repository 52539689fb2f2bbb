//! `/full-update`: everything from Proxmox into NetBox, as one answer or as a stream.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::flags::Flags;
use crate::edge::{ApiError, App, sse};
use crate::endpoints::connect;
use crate::order::Order;
use crate::runs::{RunLog, StartError, full_update};
use crate::store::{KEPT_RUNS, RunState};

/// Runs a full update and answers the content of its `complete` frame.
///
/// The run goes on when the client does not wait. 409 with `run_id` while another one writes.
pub(super) async fn result(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    ended(start(&app, query.as_deref()).await?).await
}

/// The content of a run's `complete` frame, once it has ended.
pub(super) async fn ended(log: Arc<RunLog>) -> Result<Response, ApiError> {
    let data = log.ended().await.map(|complete| complete.data.clone()).unwrap_or_default();
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::OK, json, data).into_response())
}

/// The same as server-sent events, ending in `complete`.
pub(super) async fn stream(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let log = start(&app, query.as_deref()).await?;
    Ok(sse::response(log.subscribe(), app.settings.keepalive))
}

/// Which runs are under way, of this process and of others.
pub(super) async fn active(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let rows = app.store.runs(KEPT_RUNS).await?;
    let running = rows.iter().filter(|row| row.state == RunState::Running);
    let runs: Vec<Value> = running
        .map(
            |row| json!({ "id": row.id.0.to_string(), "kind": "sync", "started_at": row.started_at }),
        )
        .collect();
    let first = runs.first().cloned().unwrap_or_default();
    Ok(Json(json!({
        "active": !runs.is_empty(), "started_at": first["started_at"], "id": first["id"],
        "kind": first["kind"], "runs": runs,
    })))
}

async fn start(app: &App, query: Option<&str>) -> Result<Arc<RunLog>, ApiError> {
    let Flags { options, selection, machines } = Flags::parse(query.unwrap_or_default())?;
    let connected = connect(&app.store, &selection, &options).await.map_err(StartError::from)?;
    let order = Order { options, machines, ..Order::default() };
    Ok(full_update(&app.runs, connected, order).await?)
}
