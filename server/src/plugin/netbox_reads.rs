//! What clients of the contract read of NetBox through this server, as NetBox has it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::edge::{ApiError, App, Path, Query};
use crate::endpoints::{Selection, netbox};
use crate::plan::Kind;
use crate::runs::StartError;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    limit: Option<u32>,
    offset: Option<u32>,
}

/// What NetBox says of itself.
pub(super) async fn status(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let netbox = netbox(&app.store, &Selection::default()).await.map_err(StartError::from)?;
    netbox.status().await.map(|status| Json(status.all)).map_err(unread)
}

/// NetBox's OpenAPI document.
pub(super) async fn openapi(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    read(&app, "/api/schema/", &[("format", "json".into())]).await
}

/// Virtual machines.
pub(super) async fn machines(
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    list(&app, Kind::VirtualMachine, &page, None).await
}

/// One virtual machine.
pub(super) async fn machine(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = machine_id(&id)?;
    read(&app, &format!("{}{id}/", Kind::VirtualMachine.path()), &[]).await
}

/// The number in the path of a machine. What is none is the name of something that is not built.
pub(super) fn machine_id(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format!("There is no virtual machine {text}.")))
}

/// Devices that are Proxmox nodes.
pub(super) async fn devices(
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    list(&app, Kind::Device, &page, Some(("role", "proxmox-node".to_owned()))).await
}

async fn list(
    app: &App,
    kind: Kind,
    page: &Page,
    filter: Option<(&'static str, String)>,
) -> Result<Json<Value>, ApiError> {
    let limit = page.limit.unwrap_or(100).clamp(1, 1000).to_string();
    let mut query = vec![("limit", limit), ("offset", page.offset.unwrap_or(0).to_string())];
    query.extend(filter);
    let Json(mut answer) = read(app, kind.path(), &query).await?;
    Ok(Json(answer.get_mut("results").map(Value::take).unwrap_or_default()))
}

async fn read(
    app: &App,
    path: &str,
    query: &[(&'static str, String)],
) -> Result<Json<Value>, ApiError> {
    let netbox = netbox(&app.store, &Selection::default()).await.map_err(StartError::from)?;
    let query: Vec<(&str, &str)> =
        query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    netbox.raw(axum::http::Method::GET, path, &query, None).await.map(Json).map_err(unread)
}

fn unread(error: sdk_netbox::Error) -> ApiError {
    match error.status() {
        Some(404) => ApiError::not_found(error.to_string()),
        _ => ApiError::new(StatusCode::BAD_GATEWAY, "NetBox cannot be read", error.to_string()),
    }
}
