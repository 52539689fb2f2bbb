//! What was changed on Proxmox through this server, and the keys of its credentials.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::edge::{ApiError, App, Query};
use crate::store::AuditRow;

/// Rows in one answer at most.
const MOST: u32 = 1000;

/// Which entries are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    limit: Option<u32>,
    before: Option<i64>,
}

/// The latest entries, newest first.
pub(super) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let rows = app.store.audit(wanted.before, wanted.limit.unwrap_or(100).clamp(1, MOST)).await?;
    Ok(Json(rows.iter().map(AuditRow::to_json).collect()))
}

/// Seals all credentials anew with the first key.
pub(super) async fn rotate(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let rotation = app.store.rotate(None).await?;
    tracing::info!(resealed = rotation.resealed, "credentials were sealed anew");
    Ok(Json(json!({ "resealed": rotation.resealed, "old_keys_forgotten": rotation.forgotten })))
}
