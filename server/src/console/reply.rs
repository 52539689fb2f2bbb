//! One URL answers once, or as a stream: server-sent events where they are asked for, a WebSocket where
//! the connection is to be one.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::frame::Frame;
use crate::edge::{ApiError, App};

/// A socket that says nothing is asked whether it is there.
const PING: Duration = Duration::from_secs(20);

/// Who has not read a frame by then is sent away.
const SLOW: Duration = Duration::from_secs(30);

/// Nobody says more to a stream.
const LONGEST: usize = 4 * 1024;

/// How the answer is wanted.
pub(super) enum Form {
    Once,
    Events {
        /// Where the client was.
        after: Option<String>,
    },
    Socket(Box<WebSocketUpgrade>),
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.headers.contains_key(header::UPGRADE) {
            let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
            let message = "The connection cannot become a WebSocket";
            let refused = upgrade.map_err(|why| ApiError::bad_request(message, why.body_text()));
            return refused.map(|upgrade| Self::Socket(Box::new(upgrade)));
        }
        if !wants_events(&parts.headers) {
            return Ok(Self::Once);
        }
        let after = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self::Events { after: after.map(str::to_owned) })
    }
}

impl Form {
    /// Where the client was.
    pub(super) fn after(&self) -> Option<&str> {
        match self {
            Self::Events { after } => after.as_deref(),
            Self::Once | Self::Socket(_) => None,
        }
    }
}

/// Whether a client asks for server-sent events.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    let mut accepted =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/event-stream"))
}

/// How messages of a socket look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Each frame as JSON.
    Frames,
    /// Each line as it is, and nothing else.
    Lines,
}

/// The frames as they come, until they end, the client goes away, or the server does.
pub(super) fn streamed(
    app: &App,
    kind: &'static str,
    form: Form,
    words: Words,
    frames: impl Stream<Item = Frame> + Send + 'static,
) -> Response {
    let open = app.metrics.stream(kind);
    let closing = app.runs.closing();
    let frames = async_stream::stream! {
        let _open = open;
        tokio::pin!(closing);
        let mut frames = std::pin::pin!(frames);
        loop {
            tokio::select! {
                frame = frames.next() => match frame {
                    Some(frame) => yield frame,
                    None => break,
                },
                () = &mut closing => {
                    yield Frame::shutdown();
                    break;
                }
            }
        }
    };
    match form {
        Form::Socket(upgrade) => upgrade
            .max_message_size(LONGEST)
            .on_upgrade(async move |socket| over_socket(socket, words, frames).await),
        Form::Once | Form::Events { .. } => events(app.settings.keepalive, frames),
    }
}

fn events(keepalive: Duration, frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
    let bytes = async_stream::stream! {
        let mut frames = std::pin::pin!(frames);
        loop {
            match timeout(keepalive, frames.next()).await {
                Ok(Some(frame)) => yield Ok::<Bytes, Infallible>(frame.event()),
                Ok(None) => break,
                Err(_) => yield Ok(Bytes::from_static(b": keepalive\n\n")),
            }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(bytes)).into_response()
}

async fn over_socket(
    mut socket: WebSocket,
    words: Words,
    frames: impl Stream<Item = Frame> + Send,
) {
    let mut frames = std::pin::pin!(frames);
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    loop {
        let message = tokio::select! {
            frame = frames.next() => match frame {
                Some(frame) => match words {
                    Words::Frames => frame.message(),
                    Words::Lines => match frame.text() {
                        Some(text) => text,
                        None => continue,
                    },
                }.into(),
                None => break,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) if text.as_str() == "ping" => {
                    Message::Text(Utf8Bytes::from_static("pong"))
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = ping.tick() => Message::Ping(Bytes::new()),
        };
        if !matches!(timeout(SLOW, socket.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
    let end = CloseFrame { code: 1000, reason: Utf8Bytes::from_static("") };
    let _ = timeout(SLOW, socket.send(Message::Close(Some(end)))).await;
}
