//! The server's own API below `/api/v1`: runs with their events, plans, and schedules.

mod audit;
mod plans;
mod runs;
mod schedules;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Scope;
use crate::edge::{ApiError, App, Routes, delete, get, patch, post};
use crate::endpoints::{Connected, Selection, connect};
use crate::options::Options;
use crate::order::Order;
use crate::part::Part;
use crate::runs::StartError;

/// The routes of the API.
pub(crate) fn routes() -> Routes {
    let (run, apply) = (Scope::SyncRun, Scope::SyncApply);
    Routes::new("v1")
        .add(
            get("/api/v1/runs", runs::list)
                .needs(Scope::Read)
                .query("limit", "integer", "1 to 200; 50")
                .says("Lists the latest runs, newest first."),
        )
        .add(post("/api/v1/runs", runs::start).needs(run.clone()).takes::<Asked>().with(202).says("Starts a run: 202 with its id."))
        .add(get("/api/v1/runs/{id}", runs::show).needs(Scope::Read).says("Shows a run with its final frame."))
        .add(
            get("/api/v1/runs/{id}/operations", runs::operations)
                .needs(Scope::Read)
                .says("Lists what a run planned, and how far each operation came."),
        )
        .add(
            get("/api/v1/runs/{id}/events", runs::events)
                .needs(Scope::Read)
                .sends("text/event-stream")
                .says("Streams the events of a run with their numbers, from the one after Last-Event-ID on."),
        )
        .add(
            post("/api/v1/runs/{id}/revert", plans::revert)
                .needs(run.clone())
                .with(201)
                .says("Draws up the plan that takes a run back, and keeps it."),
        )
        .add(get("/api/v1/schedules", schedules::list).needs(Scope::Read).says("Lists all schedules."))
        .add(post("/api/v1/schedules", schedules::add).needs(Scope::Admin).takes::<schedules::Wanted>().with(201).says("Adds a schedule."))
        .add(get("/api/v1/schedules/{id}", schedules::show).needs(Scope::Read).says("Shows a schedule."))
        .add(patch("/api/v1/schedules/{id}", schedules::change).needs(Scope::Admin).takes::<schedules::Change>().says("Pauses a schedule, or lets it go on."))
        .add(delete("/api/v1/schedules/{id}", schedules::remove).needs(Scope::Admin).with(204).says("Removes a schedule."))
        .add(get("/api/v1/plans", plans::list).needs(Scope::Read).says("Lists all plans that are kept, newest first."))
        .add(post("/api/v1/plans", plans::draw_up).needs(run).takes::<Asked>().with(201).says("Draws a plan up, and keeps it."))
        .add(get("/api/v1/plans/{id}", plans::show).needs(Scope::Read).says("Shows a plan."))
        .add(
            post("/api/v1/plans/{id}/apply", plans::apply)
                .needs(apply)
                .with(202)
                .says("Carries a plan out; 409 where it is not true any more."),
        )
        .add(
            get("/api/v1/audit", audit::list)
                .needs(Scope::Admin)
                .query("limit", "integer", "1 to 1000; 100")
                .query("before", "integer", "Only entries before this one")
                .says("Lists what was changed on Proxmox through this server, newest first."),
        )
        .add(
            post("/api/v1/secrets/rotate", audit::rotate)
                .needs(Scope::Admin)
                .says("Seals all credentials anew with the first key, all or none."),
        )
}

/// What a run or a plan is for. Nothing said means everything.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = RunOrder)]
struct Asked {
    /// Ids of Proxmox endpoints.
    endpoints: Option<Vec<i64>>,
    /// Parts of the sync, by name.
    #[schema(value_type = Option<Vec<String>>)]
    parts: Option<BTreeSet<Part>>,
    /// Options under the plugin's names, as texts.
    #[schema(value_type = HashMap<String, String>)]
    options: Options,
    /// Guests, by vmid.
    guests: Option<BTreeSet<i64>>,
    /// Virtual machines, by NetBox's id.
    machines: Option<BTreeSet<i64>>,
    /// Nodes, by name.
    nodes: Option<BTreeSet<String>>,
}

impl Asked {
    async fn connect(&self, app: &App) -> Result<Connected, ApiError> {
        let selection = Selection { proxmox_ids: self.endpoints.clone(), ..Selection::default() };
        Ok(connect(&app.store, &selection, &self.options).await.map_err(StartError::from)?)
    }

    fn into_order(self) -> Order {
        let single = self.guests.is_some() || self.machines.is_some();
        Order {
            parts: self.parts.unwrap_or_else(|| Part::usual(single)),
            options: self.options,
            machines: self.machines,
            guests: self.guests,
            nodes: self.nodes,
        }
    }
}

fn no_such(what: &str, id: Uuid) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "Not found", format!("There is no {what} {id}."))
}
