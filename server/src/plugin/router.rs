//! The routes.

use axum::extract::{DefaultBodyLimit, OriginalUri};
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use axum::{Router, routing};

use super::{
    ApiError, App, about, extras, full_update, gate, individual, keys, netbox_endpoint, proxmox,
    proxmox_endpoints, socket, stages,
};
use crate::api;

/// No body of the contract comes near.
const BODY_LIMIT: usize = 1 << 20;

/// All routes of the plugin's contract. Nothing is ever redirected: the plugin refuses that.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(about::root))
        .route("/health", get(about::health))
        .route("/version", get(about::version))
        .route("/auth/bootstrap-status", get(keys::bootstrap_status))
        .route("/auth/register-key", post(keys::register_first))
        .route("/auth/keys", get(keys::list).post(keys::create))
        .route("/auth/keys/{id}", delete(keys::delete))
        .route("/auth/keys/{id}/activate", post(keys::activate))
        .route("/auth/keys/{id}/deactivate", post(keys::deactivate))
        .route("/netbox/endpoint", get(netbox_endpoint::list).post(netbox_endpoint::create))
        .route("/netbox/endpoint/{id}", routing::put(netbox_endpoint::update))
        .route("/proxmox/endpoints", get(proxmox_endpoints::list).post(proxmox_endpoints::create))
        .route(
            "/proxmox/endpoints/{id}",
            get(proxmox_endpoints::show)
                .put(proxmox_endpoints::update)
                .delete(proxmox_endpoints::delete),
        )
        // Looking at the headers alone must not start a run.
        .route("/full-update", get(full_update::result).head(not_allowed))
        .route("/full-update/stream", get(full_update::stream).head(not_allowed))
        .route("/ws", get(socket::commands))
        .route("/ws/test", get(socket::commands))
        .route("/ws/virtual-machines", get(socket::guests))
        .route("/netbox/status", get(extras::netbox_status))
        .route("/extras/bootstrap-status", get(extras::bootstrap_status))
        .route("/extras/extras/custom-fields/create", get(extras::custom_fields))
        .route("/extras/custom-fields/reconcile", post(extras::custom_fields))
        .merge(api::routes())
        .merge(stages::routes())
        .merge(individual::routes())
        .merge(proxmox::routes())
        .fallback(not_built)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(app.clone(), gate::require_key))
        .layer(from_fn(gate::protect))
        .with_state(app)
}

async fn not_built(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found(format!("{method} {} is not part of this server.", uri.path()))
}

pub(super) async fn not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let detail = format!("{} does not take {method}.", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
}
