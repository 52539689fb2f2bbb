//! Whether the server lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;

/// Answer of `/healthz`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    /// `ok`
    status: &'static str,
}

/// Answer of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    /// `ready`, `degraded` where an endpoint does not answer, or `not ready`.
    status: &'static str,
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Check {
    name: &'static str,
    ok: bool,
    /// What was seen; without names, because no key is needed to read it.
    evidence: String,
}

/// The process answers.
pub(super) async fn live() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// The state can be read, its credentials can be opened, and requests are taken: 503 otherwise.
/// Endpoints that do not answer make it `degraded` only: other servers would not reach them either.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let stopping = app.runs.is_closing();
    let mut checks = vec![Check {
        name: "requests",
        ok: !stopping,
        evidence: if stopping { "the server is stopping" } else { "requests are taken" }.into(),
    }];
    let attested = app.store.attest().await;
    checks.push(Check {
        name: "state",
        ok: attested.is_ok(),
        evidence: if attested.is_ok() { "it can be read" } else { "it cannot be read" }.into(),
    });
    if let Ok(attested) = attested {
        let evidence = format!("{} of {} credentials open", attested.opened, attested.sealed);
        checks.push(Check { name: "key ring", ok: attested.is_whole(), evidence });
    }
    let able = checks.iter().all(|check| check.ok);
    let (open, all) = app.sessions.broken();
    let evidence = format!("{open} of {all} endpoints do not answer");
    checks.push(Check { name: "endpoints", ok: open == 0, evidence });
    let (code, status) = match (able, open) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        (true, 0) => (StatusCode::OK, "ready"),
        (true, _) => (StatusCode::OK, "degraded"),
    };
    (code, Json(Ready { status, checks }))
}
