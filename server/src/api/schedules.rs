//! Schedules: added, paused, removed.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Asked;
use crate::edge::{ApiError, App, Body, Path};
use crate::schedule::{Missed, next_run};
use crate::store::Schedule;

/// A new schedule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSchedule)]
pub(super) struct Wanted {
    /// When: five fields and a time zone.
    cron: String,
    /// Seconds that a run starts later at most, by chance.
    #[serde(default)]
    jitter: u32,
    /// What becomes of a run that was missed.
    #[serde(default)]
    #[schema(value_type = String)]
    missed: Missed,
    #[serde(default)]
    paused: bool,
    /// The endpoint that is read; all that are enabled where there is none.
    endpoint: Option<i64>,
    /// What is synced, as for a run.
    #[serde(default)]
    work: Asked,
}

/// What can be changed of a schedule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleChange)]
pub(super) struct Change {
    paused: bool,
}

/// All schedules.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<Value>>, ApiError> {
    Ok(Json(app.store.schedules().await?.iter().map(Schedule::to_json).collect()))
}

/// Adds a schedule: 201 with its `id`.
pub(super) async fn add(
    State(app): State<App>,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    let Wanted { cron, jitter, missed, paused, endpoint, work } = wanted;
    if work.endpoints.is_some() {
        let detail = "Name the endpoint as `endpoint`, not in `work`.";
        return Err(ApiError::bad_request("One endpoint", detail));
    }
    if let Some(id) = endpoint {
        app.store
            .endpoint_of(sdk_proxmox::Product::Pve, id)
            .await?
            .ok_or_else(|| ApiError::not_found(format!("There is no Proxmox endpoint {id}.")))?;
    }
    let jitter = i64::from(jitter);
    let schedule = Schedule {
        id: 0,
        endpoint_id: endpoint,
        next_run: next(&cron, jitter)?,
        cron,
        jitter,
        missed,
        paused,
        work: serde_json::to_string(&work.into_order()).unwrap_or_default(),
        trouble: None,
    };
    let id = app.store.add_schedule(&schedule).await?;
    Ok((StatusCode::CREATED, Json(Schedule { id, ..schedule }.to_json())).into_response())
}

/// One schedule.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(found(&app, id).await?.to_json()))
}

/// Pauses a schedule, or lets it go on. What it missed meanwhile is not made up for.
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<i64>,
    Body(Change { paused }): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    let schedule = found(&app, id).await?;
    let next = next(&schedule.cron, schedule.jitter)?;
    app.store.pause_schedule(id, paused, next).await?;
    Ok(Json(found(&app, id).await?.to_json()))
}

/// Removes a schedule; its runs stay.
pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    found(&app, id).await?;
    app.store.delete_schedule(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(app: &App, id: i64) -> Result<Schedule, ApiError> {
    let none = || ApiError::not_found(format!("There is no schedule {id}."));
    app.store.schedule(id).await?.ok_or_else(none)
}

fn next(cron: &str, jitter: i64) -> Result<i64, ApiError> {
    next_run(cron, jitter, Timestamp::now())
        .map_err(|error| ApiError::bad_request("No schedule", error.to_string()))
}
