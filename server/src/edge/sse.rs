//! A run's events as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use crate::runs::Subscription;
use crate::store::StoredEvent;

/// Sent when nothing else was, so that nothing in between takes the connection for dead.
const KEEPALIVE: &str = ": keepalive\n\n";

/// Streams a run from its first event to its last. Dropping the answer leaves the run alone.
pub(crate) fn response(subscription: Subscription, keepalive: Duration) -> Response {
    let run = subscription.run();
    answer(run, Body::from_stream(frames(subscription, keepalive, false, |_| true)))
}

/// The same of a stage. What it stands on is told only where it is not there: of the frames of a moment
/// the plugin logs one, and that should say what is done.
pub(crate) fn stage(subscription: Subscription, keepalive: Duration) -> Response {
    let run = subscription.run();
    let shown = |event: &StoredEvent| event.event != "bootstrap_done" || !is_well(&event.data);
    answer(run, Body::from_stream(frames(subscription, keepalive, false, shown)))
}

fn is_well(data: &str) -> bool {
    let said: Value = serde_json::from_str(data).unwrap_or_default();
    said["ok"] == true
}

/// The same with the number of each event, so that a client can go on where it was.
pub(crate) fn numbered(subscription: Subscription, keepalive: Duration) -> Response {
    let run = subscription.run();
    answer(run, Body::from_stream(frames(subscription, keepalive, true, |_| true)))
}

/// Events of a run that has ended.
pub(crate) fn replayed(run: Uuid, events: Vec<StoredEvent>) -> Response {
    let frames = events.into_iter().map(|event| Ok::<_, Infallible>(frame(&event, true)));
    answer(run, Body::from_stream(futures_util::stream::iter(frames)))
}

fn answer(run: Uuid, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::HeaderName::from_static("x-accel-buffering"), "no".to_owned()),
        (header::HeaderName::from_static("x-proxbox-run-id"), run.to_string()),
    ];
    (headers, body).into_response()
}

fn frames(
    mut subscription: Subscription,
    keepalive: Duration,
    numbered: bool,
    shown: fn(&StoredEvent) -> bool,
) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        loop {
            match timeout(keepalive, subscription.next()).await {
                Ok(Some(event)) if shown(&event) => yield Ok(frame(&event, numbered)),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => yield Ok(Bytes::from_static(KEEPALIVE.as_bytes())),
            }
        }
    }
}

/// JSON has no line breaks outside of strings, and escapes them inside: one line of data.
fn frame(event: &StoredEvent, numbered: bool) -> Bytes {
    let StoredEvent { seq, event, data } = event;
    match numbered {
        true => format!("id: {seq}\nevent: {event}\ndata: {data}\n\n").into(),
        false => format!("event: {event}\ndata: {data}\n\n").into(),
    }
}
