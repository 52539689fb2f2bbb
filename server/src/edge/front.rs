//! What stands behind all connections: the proxy, which finds its operations in tables of its own, and
//! the routes of this server. The same is done around both.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use futures_util::future;
use tower::layer::util::Identity;
use tower::util::Either;
use tower::{Layer, Service};
use tower_http::cors::Cors;

use super::around::{Around, Surrounded};
use super::cors::CrossOrigin;
use super::gate::Gate;
use super::headers::Protect;
use super::router::BODY_LIMIT;
use crate::proxy::{Proxy, place_of};

/// What is done around all requests, the first of them outermost. Cross-origin requests come before the
/// key: a browser asks without one whether it may ask.
pub(super) type Surroundings = (Around<Protect>, Either<CrossOrigin, Identity>, Around<Gate>);

/// The proxy with it. As a route it would be boxed and cloned four times for each request.
type Guarded = Surrounded<Gate, Proxy>;
type Surrounding = Surrounded<Protect, Either<Box<Cors<Guarded>>, Guarded>>;

/// The services behind a connection.
pub(super) struct Front {
    proxy: Surrounding,
    routes: Router,
}

impl Front {
    pub(super) fn new(surroundings: Surroundings, proxy: Proxy, routes: Router) -> Self {
        // The proxy sets the limit itself where there is a body: files have none.
        let limit = DefaultBodyLimit::max(BODY_LIMIT);
        Self { proxy: surroundings.layer(proxy), routes: routes.layer((surroundings, limit)) }
    }

    /// Answers a request. Both services are always ready for one.
    pub(super) fn answer(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        match place_of(request.uri().path()) {
            Some(_) => future::Either::Left(self.proxy.answer(request)),
            None => future::Either::Right(self.routes.clone().call(request)),
        }
    }
}
