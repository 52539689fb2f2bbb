//! `/cache`: what this server keeps between requests. It keeps no answers of NetBox, so that nothing of
//! them can be old.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sdk_proxmox::Product;
use serde_json::{Value, json};

use crate::edge::{ApiError, App};

/// Endpoints whose connections are kept, and the numbers of a cache of answers.
pub(super) async fn show(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let mut kept = Vec::new();
    for product in [Product::Pve, Product::Pbs, Product::Pdm] {
        for session in app.sessions.all(product).await?.iter() {
            let Some(client) = session.known_client() else { continue };
            let counted = client.counters();
            kept.push(json!({
                "product": product.to_string(), "endpoint": session.row.name,
                "requests": counted.requests, "bytes": counted.bytes,
            }));
        }
    }
    Ok(Json(json!({
        "proxbox_cache": { "sessions": kept }, "netbox_get_cache_metrics": numbers(),
        "reconciliation_metrics": { "mismatches": 0 }, "netbox_get_cache_sample": [],
    })))
}

/// The numbers of a cache of answers: there is none.
pub(super) async fn metrics() -> Json<Value> {
    Json(numbers())
}

fn numbers() -> Value {
    json!({
        "hits": 0, "misses": 0, "hit_rate": 0.0, "invalidations": 0, "evictions_ttl": 0,
        "evictions_size": 0, "evictions_bytes": 0, "current_entries": 0, "current_bytes": 0,
        "max_entries": 0, "max_bytes": 0, "ttl_seconds": 0.0, "oldest_entry_age_seconds": 0.0,
        "proxbox_reconcile_mismatch_total": 0,
    })
}

/// The same for Prometheus.
pub(super) async fn prometheus() -> Response {
    let Value::Object(numbers) = numbers() else { return String::new().into_response() };
    let line = |(name, value): (String, Value)| match name.as_str() {
        "proxbox_reconcile_mismatch_total" => format!("{name} {value}\n"),
        _ => format!("proxbox_cache_{name} {value}\n"),
    };
    let text: String = numbers.into_iter().map(line).collect();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Forgets connections, logins and keys that were checked of late.
pub(super) async fn clear(State(app): State<App>) -> Json<Value> {
    app.sessions.forget();
    app.door.forget();
    Json(json!({ "message": "All caches cleared" }))
}
