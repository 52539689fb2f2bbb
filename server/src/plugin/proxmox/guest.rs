//! A guest's configuration.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use sdk_proxmox::Operation;
use sdk_proxmox::pve::{GetNodesNodeLxcVmidConfig, GetNodesNodeQemuVmidConfig};
use serde_json::Value;

use super::{chosen, data};
use crate::edge::{ApiError, App, Path};
use crate::proxy::fault;

/// Configuration of a virtual machine, as Proxmox has it.
pub(super) async fn qemu_config(
    State(app): State<App>,
    Path((node, vmid)): Path<(String, i64)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    config(&app, query, || GetNodesNodeQemuVmidConfig::new(node.as_str(), vmid)).await
}

/// Configuration of a container, as Proxmox has it.
pub(super) async fn lxc_config(
    State(app): State<App>,
    Path((node, vmid)): Path<(String, i64)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    config(&app, query, || GetNodesNodeLxcVmidConfig::new(node.as_str(), vmid)).await
}

/// The only answer there is. Two clusters may each have such a guest: then nothing is guessed.
async fn config<O: Operation>(
    app: &App,
    query: Option<String>,
    operation: impl Fn() -> O,
) -> Result<Json<Value>, ApiError> {
    let targets = chosen(app, query).await?;
    let mut found = Vec::new();
    let mut failed = None;
    for target in &targets {
        match data(&target.client, operation()).await {
            Ok(config) => found.push((target, config)),
            Err(error) => failed = Some(fault(&target.name, &error)),
        }
    }
    let names: Vec<&str> = found.iter().map(|(target, _)| target.name.as_str()).collect();
    match (names.len(), failed) {
        (0, Some(error)) => Err(error),
        (0, None) => Err(ApiError::not_found("No endpoint was asked.")),
        (1, _) => Ok(Json(found.remove(0).1)),
        _ => {
            let detail = format!("{} have such a guest; name one of them", names.join(" and "));
            Err(ApiError::new(StatusCode::CONFLICT, "The guest is ambiguous", detail))
        }
    }
}
