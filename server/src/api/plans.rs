//! Plans: drawn up, read, carried out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asked, no_such};
use crate::edge::{ApiError, App, Body, Path};
use crate::endpoints::{Selection, connect_for, netbox};
use crate::runs::{StartError, apply_saved, draw, lease_name};
use crate::store::{Ledger, PlanRow};
use crate::sync::{DrawnOperations, SavedPlan, undo};

/// All plans that are kept, newest first, without what is in them.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<Value>>, ApiError> {
    let row = |row: PlanRow| {
        let saved = serde_json::from_str::<SavedPlan>(&row.document).ok();
        json!({
            "id": row.id, "netbox": row.netbox, "created_at": row.created_at,
            "operations": saved.map(|saved| saved.operations.len()),
        })
    };
    Ok(Json(app.store.plans().await?.into_iter().map(row).collect()))
}

/// Draws a plan up and keeps it: 201 with the document and its `id`.
pub(super) async fn draw_up(
    State(app): State<App>,
    Body(asked): Body<Asked>,
) -> Result<Response, ApiError> {
    let connected = asked.connect(&app).await?;
    let order = asked.into_order();
    let netbox = lease_name(connected.netbox.url());
    let ledger = Ledger::of_netbox(app.store.clone(), &netbox);
    let plan = draw(&order, &connected, &ledger).await.map_err(|outcome| {
        ApiError::new(StatusCode::BAD_GATEWAY, "No plan can be made", outcome.message)
    })?;
    let endpoints = connected.targets.iter().map(|target| target.endpoint_id).collect();
    keep(&app, &SavedPlan::new(&plan, netbox, endpoints, order)).await
}

/// Draws up the plan that takes a run back and keeps it: 201 with the document and its `id`.
pub(super) async fn revert(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    app.store.run(id).await?.ok_or_else(|| no_such("run", id))?;
    let client = netbox(&app.store, &Selection::default()).await.map_err(StartError::from)?;
    let name = lease_name(client.url());
    let ledger = Ledger::of_netbox(app.store.clone(), &name);
    let plan = undo(&client, id, &ledger)
        .await
        .map_err(|why| ApiError::new(StatusCode::CONFLICT, "The run cannot be taken back", why))?;
    keep(&app, &SavedPlan::reverting(&plan, name, id)).await
}

async fn keep(app: &App, saved: &SavedPlan<DrawnOperations<'_>>) -> Result<Response, ApiError> {
    let row = PlanRow {
        id: Uuid::now_v7().to_string(),
        netbox: saved.netbox.clone(),
        created_at: saved.created_at.to_string(),
        document: serde_json::to_string(saved).unwrap_or_default(),
    };
    app.store.add_plan(&row).await?;
    Ok((StatusCode::CREATED, Json(with_id(&row))).into_response())
}

/// One plan.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<Value>, ApiError> {
    let row = app.store.plan(id).await?.ok_or_else(|| no_such("plan", id))?;
    Ok(Json(with_id(&row)))
}

/// Carries a plan out: 202 with the run, 409 where it is not true any more. What has changed since it
/// was drawn up is found out by the run, which then writes nothing.
pub(super) async fn apply(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let row = app.store.plan(id).await?.ok_or_else(|| no_such("plan", id))?;
    let stale = |why: String| ApiError::new(StatusCode::CONFLICT, "The plan is stale", why);
    let saved: SavedPlan =
        serde_json::from_str(&row.document).map_err(|error| stale(error.to_string()))?;
    let connected = connect_for(&app.store, &saved).await.map_err(StartError::from)?;
    saved
        .check(&lease_name(connected.netbox.url()), Timestamp::now())
        .map_err(|why| stale(why.to_string()))?;
    let log = apply_saved(&app.runs, connected, saved).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "run": log.id() }))).into_response())
}

fn with_id(row: &PlanRow) -> Value {
    let mut document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert("id".into(), row.id.as_str().into());
    }
    document
}
