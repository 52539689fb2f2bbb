//! Lets only holders of a key pass, and sets the headers that protect browsers.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;

use super::patience::Peer;
use super::{ApiError, App};
use crate::auth;

/// The header with the API key.
pub const API_KEY: &str = "X-Proxbox-API-Key";

/// Paths that need no key: discovery, the first key itself, and sockets, which ask for it in their
/// first frame because a browser cannot send it otherwise.
const OPEN: [&str; 11] = [
    "/",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/health",
    "/meta",
    "/auth/register-key",
    "/auth/bootstrap-status",
    "/ws",
    "/ws/test",
    "/ws/virtual-machines",
];

const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("geolocation=(), microphone=(), camera=()"),
    ),
];

/// Checks the key of every request but those to open paths.
pub(super) async fn require_key(State(app): State<App>, request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let key = presented_key(request.headers());
    let client = client_address(&request);
    match auth::authenticate(&app.store, &app.attempts, client, key.as_ref()).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

/// Adds the security headers to every answer, and logs it. The query is left out of the log:
/// anybody can put anything there.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    tracing::info!(%method, path, status = response.status().as_u16(), "answered");
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, value);
    }
    response
}

fn presented_key(headers: &HeaderMap) -> Option<SecretString> {
    let text = headers.get(API_KEY)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned().into())
}

/// The peer of the connection. `X-Forwarded-For` is ignored: anybody can write it.
fn client_address(request: &Request) -> IpAddr {
    match request.extensions().get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(Peer(address))) => address.ip(),
        None => Ipv4Addr::UNSPECIFIED.into(),
    }
}
