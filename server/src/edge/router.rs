//! The routes.

use axum::extract::OriginalUri;
use axum::http::{Method, StatusCode, Uri};
use tower::util::option_layer;

use super::around::Around;
use super::front::Front;
use super::gate::Gate;
use super::headers::Protect;
use super::openapi::Document;
use super::route::{Routes, get};
use super::{ApiError, App, cors, health, metrics, openapi};
use crate::auth::Scope;
use crate::proxy::Proxy;
use crate::{api, console, plugin, proxy, web};

/// No body of any contract comes near; files are passed on without being read.
pub(crate) const BODY_LIMIT: usize = 1 << 20;

/// Everything that is served. Nothing is ever redirected: the plugin refuses that.
pub(super) fn front(app: App) -> Front {
    let (routes, needs, described) = routes().build();
    let app = app.described(Document::new(described));
    let routes = routes.fallback(not_built).method_not_allowed_fallback(not_allowed_here);
    let protect = Around(Protect(app.clone()));
    let cors = option_layer(cors::layer(&app));
    let gate = Around(Gate { app: app.clone(), needs });
    Front::new((protect, cors, gate), Proxy(app.clone()), routes.with_state(app))
}

/// The OpenAPI document of all routes.
pub fn described() -> serde_json::Value {
    let (.., described) = routes().build();
    Document::new(described).whole()
}

/// Every route with what it needs.
pub(crate) fn routes() -> Routes {
    own()
        .merge(api::routes())
        .merge(plugin::routes())
        .merge(proxy::routes())
        .merge(console::routes())
        .merge(web::routes())
}

/// What an operator asks.
fn own() -> Routes {
    Routes::new("service")
        .add(
            get("/healthz", health::live)
                .open()
                .says("Says that the process answers.")
                .answers::<health::Alive>(),
        )
        .add(
            get("/readyz", health::ready)
                .open()
                .says("Says whether the server can do its work; 503 where it cannot.")
                .answers::<health::Ready>(),
        )
        .add(
            get("/metrics", metrics::show)
                .needs(Scope::Read)
                .says("Answers what is counted, for Prometheus.")
                .sends("application/openmetrics-text"),
        )
        .add(get("/openapi.json", openapi::show).open().says("Answers this document."))
        .hidden(Method::GET, "/docs", super::Need::Nothing, axum::routing::get(openapi::page))
        .hidden(
            Method::GET,
            "/docs/{file}",
            super::Need::Nothing,
            axum::routing::get(openapi::part),
        )
}

async fn not_built(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found(format!("{method} {} is not part of this server.", uri.path()))
}

async fn not_allowed_here(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    not_allowed(method, uri)
}

pub(super) fn not_allowed(method: Method, uri: Uri) -> ApiError {
    let detail = format!("{} does not take {method}.", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
}
