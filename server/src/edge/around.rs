//! What is done around requests.
//!
//! axum's own way, `from_fn`, boxes the rest of the way twice for each layer and request; here it is known.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::{Layer, Service};

/// Something that is done around requests.
pub(super) trait Middleware: Clone + Send + Sync + 'static {
    /// Answers a request itself, or lets what is `next` do it.
    fn handle(
        self,
        request: Request,
        next: impl Next,
    ) -> impl Future<Output = Response> + Send + 'static;
}

/// The rest of the way of a request.
pub(super) trait Next: Send + 'static {
    /// Goes on with the request.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<S> Next for S
where
    S: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    fn run(mut self, request: Request) -> impl Future<Output = Response> + Send {
        // What there is around and at the end of it is always ready.
        let answering = self.call(request);
        async move {
            let Ok(response) = answering.await;
            response
        }
    }
}

/// The layer that does it.
#[derive(Clone)]
pub(super) struct Around<M>(pub(super) M);

impl<M: Clone, S> Layer<S> for Around<M> {
    type Service = Surrounded<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded { middleware: self.0.clone(), inner }
    }
}

/// A service with something around it.
#[derive(Clone)]
pub(super) struct Surrounded<M, S> {
    middleware: M,
    inner: S,
}

/// An answer that is being made.
type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<M, S> Surrounded<M, S>
where
    M: Middleware,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    /// Answers a request.
    pub(super) fn answer(&self, request: Request) -> Answering {
        let answered = self.middleware.clone().handle(request, self.inner.clone());
        Box::pin(async move { Ok(answered.await) })
    }
}

impl<M, S> Service<Request> for Surrounded<M, S>
where
    M: Middleware,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The clone that takes the request waits itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.answer(request)
    }
}
