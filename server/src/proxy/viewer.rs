//! `/proxmox/viewer`: what the generated routes come from. Generating is a chore of the repository.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use proxbox_runtime::{Op, Release};
use sdk_proxmox::Product;
use serde::Deserialize;
use serde_json::{Value, json};

use super::table::{api_of, ops_of, release, releases};
use super::{describe, guard};
use crate::auth::Scope;
use crate::edge::{ApiError, App, Query, Routes, get, post};
use crate::plugin::CONTRACT_VERSION;

const PRODUCTS: [(Product, &str); 3] =
    [(Product::Pve, "pve"), (Product::Pbs, "pbs"), (Product::Pdm, "pdm")];

/// The routes of the viewer.
pub(crate) fn routes() -> Routes {
    Routes::new("viewer")
        .add(
            get("/proxmox/viewer/schema-status", status).needs(Scope::Read).says(
                "Lists what each product's routes come from, and how endpoints differ from it.",
            ),
        )
        .add(
            get("/proxmox/viewer/releases", listed)
                .needs(Scope::Read)
                .says("Lists the releases that are described here, with their operations."),
        )
        .add(
            get("/proxmox/viewer/drift", drift)
                .needs(Scope::Read)
                .query("from", "string", "The older release")
                .query("to", "string", "The newer release")
                .says(
                    "Says which operations and parameters came and went between two PVE releases.",
                ),
        )
        .add(
            get("/proxmox/viewer/openapi", document)
                .needs(Scope::Read)
                .query("version_tag", "string", "A PVE release; the newest otherwise")
                .says("Answers the OpenAPI document of one PVE release."),
        )
        .add(
            get("/proxmox/viewer/openapi/embedded", embedded)
                .needs(Scope::Read)
                .says("Answers what /openapi.json says of the generated routes."),
        )
        .add(
            get("/proxmox/viewer/integration/contracts", contracts)
                .needs(Scope::Read)
                .says("Lists the contracts that this server keeps."),
        )
        .add(
            post("/proxmox/viewer/generate", regenerate)
                .needs(Scope::Admin)
                .with(501)
                .says("Says where routes are generated: not here."),
        )
        .add(
            post("/proxmox/viewer/routes/refresh", regenerate)
                .needs(Scope::Admin)
                .with(501)
                .says("Says where routes are generated: not here."),
        )
}

/// What `/openapi.json` says of the generated routes, in `info` and at its top.
pub(crate) fn generated() -> Value {
    let newest = |product| releases(product).last().map(ToString::to_string).unwrap_or_default();
    let of = |(product, name): (Product, &str)| {
        json!({
            "product": name, "version": newest(product), "operations": api_of(product).ops().count(),
            "releases": releases(product).iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    json!({
        "source": "specs/pve", "version": newest(Product::Pve), "version_tag": "latest",
        "endpoint_count": current(Product::Pve).count(), "products": PRODUCTS.map(of),
    })
}

/// The operations that the newest release of a product has.
fn current(product: Product) -> impl Iterator<Item = &'static Op> {
    let newest = releases(product).last().copied().unwrap_or_default();
    ops_of(product, newest)
}

async fn status(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let mut endpoints = Vec::new();
    for session in app.sessions.all(Product::Pve).await?.iter() {
        // Only what is known already: this must not wait for an endpoint.
        let counted = session.known_client().map(|client| client.counters());
        endpoints.push(json!({
            "id": session.row.id, "name": session.row.name,
            "drift": counted.map(|counted| counted.drift),
        }));
    }
    Ok(Json(json!({
        "status": "available", "generated": generated(), "endpoints": endpoints,
        "regeneration": "cargo xtask regen --fetch",
    })))
}

async fn listed() -> Json<Value> {
    let of = |(product, name): (Product, &str)| {
        let row = |release: &Release| {
            let ops: Vec<&Op> = ops_of(product, *release).collect();
            let paths: BTreeSet<&str> = ops.iter().map(|op| op.path).collect();
            json!({
                "product": name, "version_tag": release.to_string(), "operations": ops.len(),
                "paths": paths.len(),
                "passed_on": ops.iter().filter(|op| guard::passable(op).is_ok()).count(),
            })
        };
        releases(product).iter().map(row).collect::<Vec<_>>()
    };
    Json(PRODUCTS.into_iter().flat_map(of).collect::<Vec<_>>().into())
}

#[derive(Debug, Deserialize)]
struct Between {
    from: Option<String>,
    to: Option<String>,
}

async fn drift(Query(asked): Query<Between>) -> Result<Json<Value>, ApiError> {
    let known = releases(Product::Pve);
    let named = |text: &Option<String>, otherwise: usize| match text {
        Some(text) => release(Product::Pve, text),
        None => Ok(known.get(otherwise).copied().unwrap_or_default()),
    };
    let to = named(&asked.to, known.len().saturating_sub(1))?;
    let from = named(&asked.from, known.len().saturating_sub(2))?;
    let differs = |then: Release, now: Release| {
        let gone = |op: &&Op| op.availability.has(then) && !op.availability.has(now);
        let mut names: Vec<String> =
            api_of(Product::Pve).ops().filter(gone).map(ToString::to_string).collect();
        names.sort();
        names
    };
    Ok(Json(json!({
        "from": from.to_string(), "to": to.to_string(),
        "removed": differs(from, to), "added": differs(to, from),
        "removed_parameters": parameters(from, to), "added_parameters": parameters(to, from),
        "whole": "cargo xtask drift",
    })))
}

/// Parameters that `then` has and `now` lacks, of operations that both have.
fn parameters(then: Release, now: Release) -> Vec<String> {
    let both = api_of(Product::Pve)
        .ops()
        .filter(|op| op.availability.has(then) && op.availability.has(now));
    let gone = both.flat_map(|op| {
        let fields = op.params.fields.iter().filter(move |field| {
            let when = field.rules.availability;
            when.has(then) && !when.has(now)
        });
        fields.map(move |field| format!("{op}: {}", field.name))
    });
    let mut gone: Vec<String> = gone.collect();
    gone.sort();
    gone
}

#[derive(Debug, Deserialize)]
struct Wanted {
    version_tag: Option<String>,
}

async fn document(Query(wanted): Query<Wanted>) -> Result<Json<Value>, ApiError> {
    let release = release(Product::Pve, wanted.version_tag.as_deref().unwrap_or("latest"))?;
    let prefix = format!("/proxmox/api2/{}.{}", release.0, release.1);
    let paths = describe::paths(&prefix, "pve", ops_of(Product::Pve, release));
    Ok(Json(crate::edge::document(
        &format!("Proxmox VE {release} through proxbox"),
        &release.to_string(),
        paths,
        Default::default(),
    )))
}

async fn embedded() -> Json<Value> {
    Json(generated())
}

async fn contracts() -> Json<Value> {
    Json(json!({
        "netbox-proxbox": { "backend_version": CONTRACT_VERSION, "overwrite_flags": 25 },
        "generated": generated(),
    }))
}

async fn regenerate() -> ApiError {
    let detail =
        "Routes are compiled in: `cargo xtask regen --fetch` crawls and generates them anew.";
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "Routes are not generated here", detail)
}
