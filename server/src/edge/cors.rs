//! Pages of other origins: none, unless an operator names them.

use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower::Layer;
use tower_http::cors::{Cors, CorsLayer};
use url::Url;

use super::{API_KEY, App};

/// Origins with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<HeaderValue>);

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads an origin: scheme, host and port, as a browser sends it.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let refused =
        |why: &str| Err(format!("`{text}`: {why}; https://host or https://host:port is an origin"));
    if text == "*" {
        return refused("not the pages of everybody");
    }
    match Url::parse(text) {
        Ok(url) if url.origin().ascii_serialization() == text.trim_end_matches('/') => {
            HeaderValue::from_str(text.trim_end_matches('/'))
                .or_else(|_| refused("it is no header"))
        }
        _ => refused("that is none"),
    }
}

/// The layer for pages of other origins. What it makes is in a box, because every request has room for
/// it and few servers have one.
#[derive(Clone)]
pub(super) struct CrossOrigin(CorsLayer);

impl<S> Layer<S> for CrossOrigin {
    type Service = Box<Cors<S>>;

    fn layer(&self, inner: S) -> Self::Service {
        Box::new(self.0.layer(inner))
    }
}

/// The layer for the origins that may call; none where none may.
pub(super) fn layer(app: &App) -> Option<CrossOrigin> {
    let origins = app.settings.cors_origins.clone();
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
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers(headers)
        .max_age(Duration::from_secs(600));
    Some(CrossOrigin(layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let read: Origins = "https://netbox.example.org, http://127.0.0.1:8001/,".parse().unwrap();
        assert_eq!(read.0, ["https://netbox.example.org", "http://127.0.0.1:8001"]);
        assert_eq!("".parse(), Ok(Origins::default()));
        for text in ["*", "netbox.example.org", "https://netbox.example.org/path", "null"] {
            assert!(text.parse::<Origins>().is_err(), "{text}");
        }
    }
}
