//! Runs: which there were, what they did, and their events as they happen.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asked, no_such};
use crate::edge::{ApiError, App, Body, Path, Query, sse};
use crate::runs::full_update;
use crate::store::{OperationRow, RunRow};

/// Rows in one answer at most.
const MOST: u32 = 200;

/// How many runs are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    limit: Option<u32>,
}

/// The latest runs, newest first.
pub(super) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let rows = app.store.runs(wanted.limit.unwrap_or(50).clamp(1, MOST)).await?;
    Ok(Json(rows.iter().map(RunRow::to_json).collect()))
}

/// Starts a run: 202 with its id, 409 while another one writes.
pub(super) async fn start(
    State(app): State<App>,
    Body(asked): Body<Asked>,
) -> Result<Response, ApiError> {
    let connected = asked.connect(&app).await?;
    let log = full_update(&app.runs, connected, asked.into_order()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": log.id() }))).into_response())
}

/// One run, with its final frame.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<Value>, ApiError> {
    let row = app.store.run(id).await?.ok_or_else(|| no_such("run", id))?;
    Ok(Json(row.to_json()))
}

/// What a run planned, and how far each operation came.
pub(super) async fn operations(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Value>>, ApiError> {
    app.store.run(id).await?.ok_or_else(|| no_such("run", id))?;
    let rows = app.store.operations(id).await?;
    Ok(Json(rows.iter().map(OperationRow::to_json).collect()))
}

/// The events as server-sent events with their numbers, from the one after `Last-Event-ID` on, and
/// to the last one however long the run takes.
pub(super) async fn events(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let after: i64 = after.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if let Some(log) = app.runs.active(id) {
        return Ok(sse::numbered(log.subscribe_after(after), app.settings.keepalive));
    }
    app.store.run(id).await?.ok_or_else(|| no_such("run", id))?;
    Ok(sse::replayed(id, app.store.events(id, after, u32::MAX).await?))
}
