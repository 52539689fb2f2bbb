//! Every generated operation of Proxmox, passed on to an endpoint: one handler over the tables.

mod answer;
mod call;
mod describe;
mod fault;
mod guard;
mod mask;
mod params;
mod table;
mod target;
mod upload;
mod viewer;
mod write;

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use sdk_proxmox::Product;

pub(crate) use call::{Call, Sender};
pub(crate) use describe::paths;
pub(crate) use fault::{fault, nodes_fault};
pub(crate) use mask::digest;
pub(crate) use params::idempotency_key;
pub(crate) use table::{api_of, version};
pub(crate) use target::only;
pub use upload::parse as parse_form;
pub(crate) use viewer::generated;
pub(crate) use write::write;

use crate::auth::Caller;
use crate::edge::{ApiError, App, Need, RequestId, Routes};

/// The routes of the proxy. What a key needs depends on the operation.
pub(crate) fn routes() -> Routes {
    Routes::new("proxy")
        .any("/proxmox/api2/{*path}", Need::Key, pve)
        .any("/pbs/api2/{*path}", Need::Key, pbs)
        .any("/pdm/api2/{*path}", Need::Key, pdm)
        .merge(viewer::routes())
}

async fn pve(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    pass(app, Sender { caller, id }, Product::Pve, "/proxmox/api2", request).await
}

async fn pbs(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    pass(app, Sender { caller, id }, Product::Pbs, "/pbs/api2", request).await
}

async fn pdm(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    pass(app, Sender { caller, id }, Product::Pdm, "/pdm/api2", request).await
}

/// Finds the operation, checks what it is given, chooses the endpoint, and passes both on.
async fn pass(
    app: App,
    sender: Sender,
    product: Product,
    prefix: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let below = request.uri().path().strip_prefix(prefix).unwrap_or_default();
    let (release, path) = table::release_of(product, below)?;
    let matched = table::find(product, request.method(), path, release)?;
    let operation = [request.method().as_str(), " ", path].concat();
    guard::passable(matched.op)?;
    guard::permit(&sender.caller, matched.op, &operation)?;
    let given = params::read(matched, request, release).await?;
    let session = target::choose(&app, product, &given).await?;
    let call = Call::new(&sender, session, given.op, given.members, operation, given.name)?;
    match guard::writes(call.op) {
        false => call.read(&app).await,
        true => Box::pin(write(app, sender, call, given.body)).await,
    }
}
