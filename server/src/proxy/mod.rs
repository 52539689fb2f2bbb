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

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::Service;

pub(crate) use call::{Call, Sender};
pub(crate) use describe::{paths, query_of};
pub(crate) use fault::{fault, nodes_fault};
pub(crate) use mask::digest;
pub(crate) use params::{idempotency_key, narrowed};
pub(crate) use table::{api_of, place_of, version};
pub(crate) use target::{ambiguous, only};
pub use upload::parse as parse_form;
pub(crate) use viewer::{generated, routes};
pub(crate) use write::write;

use crate::edge::{ApiError, App};

/// Passes on what is asked of its places.
#[derive(Clone)]
pub(crate) struct Proxy(pub(crate) App);

impl Service<Request> for Proxy {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let app = self.0.clone();
        Box::pin(async move { Ok(pass(app, request).await.into_response()) })
    }
}

/// Finds the operation, checks what it is given, chooses the endpoint, and passes both on.
async fn pass(app: App, request: Request) -> Result<Response, ApiError> {
    let sender = Sender::of(&request)?;
    let (place, below) = table::below(request.uri().path())?;
    let product = place.product;
    let (release, path) = table::release_of(product, below)?;
    let matched = table::find(product, request.method(), path, release)?;
    let operation = [request.method().as_str(), " ", path].concat();
    let permitted = guard::permitted(&sender.caller, matched.op, operation)?;
    let given = params::read(matched, request, release).await?;
    let session = target::choose(&app, product, &given).await?;
    let call = Call::permitted(permitted, session, given.members, given.name)?;
    match guard::writes(call.op) {
        false => call.read(&app).await,
        true => Box::pin(write(app, sender, call, given.body)).await,
    }
}
