//! What is counted, for Prometheus.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::{ApiError, App};

/// Names and values of a metric's labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// What tells requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: Cow<'static, str>,
    method: &'static str,
    status: u16,
}

/// What tells the times of requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    route: Cow<'static, str>,
}

/// What tells requests to Proxmox apart; without a status there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Passed {
    endpoint: String,
    status: Option<u16>,
}

/// What tells endpoints apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Known {
    endpoint: String,
}

impl EncodeLabelSet for Passed {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        [("endpoint", self.endpoint.as_str()), ("status", &status)].encode(encoder)
    }
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Family<Timed, Histogram, fn() -> Histogram>,
    flying: Gauge,
    streams: Family<Labels, Gauge>,
    refused: Counter,
    proxied: Family<Passed, Counter>,
    runs: Family<Labels, Counter>,
    objects: Family<Labels, Counter>,
    run_seconds: Histogram,
    last_success: Gauge<f64, AtomicU64>,
    endpoint_up: Family<Known, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("proxbox"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 4.0, 8))
            }),
            flying: Gauge::default(),
            streams: Family::default(),
            refused: Counter::default(),
            proxied: Family::default(),
            runs: Family::default(),
            objects: Family::default(),
            run_seconds: Histogram::new(exponential_buckets(0.1, 4.0, 8)),
            last_success: Gauge::default(),
            endpoint_up: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "http_requests",
            "Requests by route, method and status",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request",
            "Time until the head of an answer, by route",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests without an answer",
            self.flying.clone(),
        );
        registry.register("streams", "Open streams by kind", self.streams.clone());
        registry.register("auth_refused", "Requests without a valid key", self.refused.clone());
        registry.register(
            "proxied_requests",
            "Requests to Proxmox by endpoint and status",
            self.proxied.clone(),
        );
        registry.register("sync_runs", "Runs that ended, by result", self.runs.clone());
        registry.register(
            "sync_objects",
            "Objects of ended runs by what became of them",
            self.objects.clone(),
        );
        registry.register_with_unit(
            "sync_run",
            "How long runs took",
            Unit::Seconds,
            self.run_seconds.clone(),
        );
        registry.register(
            "sync_last_success_timestamp_seconds",
            "When a run ended well for the last time, in unix seconds",
            self.last_success.clone(),
        );
        registry.register(
            "endpoint_up",
            "Whether an endpoint answered the last time",
            self.endpoint_up.clone(),
        );
    }

    /// Counts a request until its answer is there.
    pub(super) fn enter(&self) -> Open {
        Open::of(self.flying.clone())
    }

    pub(super) fn answered(
        &self,
        method: &Method,
        route: Cow<'static, str>,
        status: StatusCode,
        took: Duration,
    ) {
        let (method, status) = (known(method), status.as_u16());
        let asked = Asked { route, method, status };
        self.requests.get_or_create(&asked).inc();
        self.seconds.get_or_create(&Timed { route: asked.route }).observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self) {
        self.refused.inc();
    }

    /// Counts an open stream until what is given is dropped.
    pub(crate) fn stream(&self, kind: &'static str) -> Open {
        Open::of(self.streams.get_or_create(&Labels(vec![("kind", kind.to_owned())])).clone())
    }

    /// Counts a request to an endpoint; without a status it did not answer.
    pub(crate) fn proxied(&self, endpoint: &str, status: Option<u16>) {
        let passed = Passed { endpoint: endpoint.to_owned(), status };
        self.proxied.get_or_create(&passed).inc();
        let known = Known { endpoint: passed.endpoint };
        self.endpoint_up.get_or_create(&known).set(i64::from(status.is_some()));
    }

    /// Counts an ended run by the content of its last frame.
    pub(crate) fn run_ended(&self, ok: bool, frame: &serde_json::Value, took: Duration) {
        let result = if ok { "ok" } else { "failed" };
        self.runs.get_or_create(&Labels(vec![("result", result.to_owned())])).inc();
        self.run_seconds.observe(took.as_secs_f64());
        for name in ["created", "updated", "deleted", "unchanged", "skipped", "failed"] {
            let count = frame["result"][name].as_u64().unwrap_or_default();
            self.objects.get_or_create(&Labels(vec![("action", name.to_owned())])).inc_by(count);
        }
        if ok {
            self.last_success.set(jiff::Timestamp::now().as_second() as f64);
        }
    }
}

/// A method that routes have: whoever invents others must not make series of them.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Something that is open, and is counted as long as it is.
#[derive(Debug)]
pub(crate) struct Open(Gauge<i64, AtomicI64>);

impl Open {
    fn of(gauge: Gauge<i64, AtomicI64>) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// `/metrics`
pub(super) async fn show(State(app): State<App>) -> Result<Response, ApiError> {
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(|error| ApiError::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
