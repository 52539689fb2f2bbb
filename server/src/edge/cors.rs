//! Pages of other origins: none, unless an operator names them.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

use super::{API_KEY, App};

/// The layer for the origins that may call; none where none may.
pub(super) fn layer(app: &App) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        app.settings.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let mut headers = vec![header::ACCEPT, header::CONTENT_TYPE, header::AUTHORIZATION];
    headers.extend(
        [API_KEY, "Last-Event-ID", "Idempotency-Key", "X-Proxbox-Actor"]
            .iter()
            .filter_map(|name| name.parse::<HeaderName>().ok()),
    );
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers(headers)
            .max_age(Duration::from_secs(600)),
    )
}
