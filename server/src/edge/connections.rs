//! Answers what comes over connections, each in a task of its own.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming as Content;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::front::Front;
use super::listener::{Incoming, Stream};
use super::patience::Watched;

/// Who is at the other end of a connection: one of these is in every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Takes connections until it is stopped, and waits for the answers that are under way.
pub(super) async fn serve(mut incoming: Incoming, front: Front, stop: CancellationToken) {
    let (open, front) = (TaskTracker::new(), Arc::new(front));
    while let Some((stream, peer)) = stop.run_until_cancelled(incoming.accept()).await {
        open.spawn(answer(stream, Peer(peer), front.clone(), stop.clone()));
    }
    drop(incoming);
    open.close();
    open.wait().await;
}

async fn answer(stream: Watched<Stream>, peer: Peer, front: Arc<Front>, stop: CancellationToken) {
    let service = service_fn(move |request: hyper::Request<Content>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        front.answer(request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %peer.0, %error, "a connection broke");
    }
}
