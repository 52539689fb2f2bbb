//! A run's events as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::timeout;

use crate::runs::Subscription;

/// Sent when nothing else was, so that nothing in between takes the connection for dead.
const KEEPALIVE: &str = ": keepalive\n\n";

/// Streams a run from its first event to its last. Dropping the answer leaves the run alone.
pub(super) fn response(subscription: Subscription, keepalive: Duration) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::HeaderName::from_static("x-accel-buffering"), "no".to_owned()),
        (header::HeaderName::from_static("x-proxbox-run-id"), subscription.run().to_string()),
    ];
    (headers, Body::from_stream(frames(subscription, keepalive))).into_response()
}

fn frames(
    mut subscription: Subscription,
    keepalive: Duration,
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    async_stream::stream! {
        loop {
            match timeout(keepalive, subscription.next()).await {
                Ok(Some(event)) => yield Ok(frame(&event.event, &event.data)),
                Ok(None) => break,
                Err(_) => yield Ok(Bytes::from_static(KEEPALIVE.as_bytes())),
            }
        }
    }
}

/// JSON has no line breaks outside of strings, and escapes them inside: one line of data.
fn frame(event: &str, data: &str) -> Bytes {
    format!("event: {event}\ndata: {data}\n\n").into()
}
