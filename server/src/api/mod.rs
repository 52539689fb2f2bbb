//! The server's own API below `/api/v1`: runs with their events, plans, and schedules.

mod plans;
mod runs;
mod schedules;

use std::collections::BTreeSet;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use crate::options::Options;
use crate::order::Order;
use crate::part::Part;
use crate::plugin::{ApiError, App};
use crate::runs::{Connected, Selection, StartError, connect};

/// The routes of the API.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/runs", get(runs::list).post(runs::start))
        .route("/api/v1/runs/{id}", get(runs::show))
        .route("/api/v1/runs/{id}/operations", get(runs::operations))
        .route("/api/v1/runs/{id}/events", get(runs::events))
        .route("/api/v1/runs/{id}/revert", post(plans::revert))
        .route("/api/v1/schedules", get(schedules::list).post(schedules::add))
        .route(
            "/api/v1/schedules/{id}",
            get(schedules::show).patch(schedules::change).delete(schedules::remove),
        )
        .route("/api/v1/plans", get(plans::list).post(plans::draw_up))
        .route("/api/v1/plans/{id}", get(plans::show))
        .route("/api/v1/plans/{id}/apply", post(plans::apply))
}

/// What a run or a plan is for. Nothing said means everything.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// Ids of Proxmox endpoints.
    endpoints: Option<Vec<i64>>,
    /// Parts of the sync, by name.
    parts: Option<BTreeSet<Part>>,
    /// Options under the plugin's names, as texts.
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
