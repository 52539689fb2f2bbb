//! Headers of all answers, and what is too much in a request.

use std::borrow::Cow;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::around::{Middleware, Next};
use super::request_id::{self, RequestId};
use super::{ApiError, App};
use crate::proxy::place_of;

/// Bytes of all headers together, and of a URL. pveproxy takes 8 KiB.
const HEADERS: usize = 32 * 1024;
const URL: usize = 16 * 1024;

/// Bytes of a path in the log.
const PATH: usize = 256;

const SECURITY: [(HeaderName, HeaderValue); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("geolocation=(), microphone=(), camera=()"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    // Answers hold what runs where; nothing in between keeps them.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Browsers that came over TLS once shall not come without it again.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Names the request, counts and logs it, and adds the security headers to its answer. The query is
/// left out of the log: anybody can put anything there.
#[derive(Clone)]
pub(super) struct Protect(pub(super) App);

impl Middleware for Protect {
    async fn handle(self, mut request: Request, next: impl Next) -> Response {
        let Self(app) = self;
        let started = Instant::now();
        let (method, path) = (request.method().clone(), shown(request.uri().path()).to_owned());
        let route = route_of(&request);
        let id = RequestId::of(request.headers());
        let span = tracing::info_span!("request", id = %id.0);
        request.extensions_mut().insert(id.clone());
        let _flying = app.metrics.enter();
        let mut response = match too_large(&request) {
            Some(refusal) => refusal.into_response(),
            None => next.run(request).instrument(span.clone()).await,
        };
        let took = started.elapsed();
        let status = response.status();
        let _inside = span.enter();
        tracing::info!(%method, %path, status = status.as_u16(), millis = took.as_millis(), "answered");
        app.metrics.answered(&method, route, status, took);
        let headers = response.headers_mut();
        headers.reserve(SECURITY.len() + 2);
        for (name, value) in SECURITY {
            headers.entry(name).or_insert(value);
        }
        if app.settings.tls {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        headers.extend(id.header().map(|value| (request_id::HEADER, value)));
        response
    }
}

/// What a request is counted as.
fn route_of(request: &Request) -> Cow<'static, str> {
    match (place_of(request.uri().path()), request.extensions().get::<MatchedPath>()) {
        (Some(place), _) => place.route.into(),
        (None, Some(route)) => route.as_str().to_owned().into(),
        (None, None) => "unknown".into(),
    }
}

/// A path as the log has it: anybody can ask for a long one.
fn shown(path: &str) -> &str {
    path.get(..path.floor_char_boundary(PATH)).unwrap_or_default()
}

fn too_large(request: &Request) -> Option<ApiError> {
    let refuse = |status: StatusCode, what: &str, most: usize| {
        let detail = format!("{what} of a request may have {} KiB.", most / 1024);
        Some(ApiError::new(status, "The request is too large", detail))
    };
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    if request.headers().iter().map(size).sum::<usize>() > HEADERS {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers", HEADERS);
    }
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    match url > URL {
        true => refuse(StatusCode::URI_TOO_LONG, "The URL", URL),
        false => None,
    }
}
