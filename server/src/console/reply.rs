//! One URL answers once, or as a stream: server-sent events where they are asked for, a WebSocket where
//! the connection is to be one.

use std::convert::Infallible;
use std::sync::Arc;
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
use super::permit;
use crate::auth::{Caller, Refusal};
use crate::edge::{ApiError, App};
use crate::endpoints::Session;

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
        caller: Arc<Caller>,
    },
    Socket {
        upgrade: Box<WebSocketUpgrade>,
        caller: Arc<Caller>,
    },
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        let caller = caller.ok_or_else(|| ApiError::from(Refusal::Missing));
        if wants_socket(&parts.headers) {
            let caller = caller?;
            let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
            let message = "The connection cannot become a WebSocket";
            let refused = upgrade.map_err(|why| ApiError::bad_request(message, why.body_text()));
            return refused.map(|upgrade| Self::Socket { upgrade: Box::new(upgrade), caller });
        }
        if !wants_events(&parts.headers) {
            return Ok(Self::Once);
        }
        let after = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self::Events { after: after.map(str::to_owned), caller: caller? })
    }
}

impl Form {
    /// Who wants it, where it is a stream.
    fn caller(&self) -> Option<&Arc<Caller>> {
        match self {
            Self::Once => None,
            Self::Events { caller, .. } | Self::Socket { caller, .. } => Some(caller),
        }
    }

    /// Where the client was.
    pub(super) fn after(&self) -> Option<&str> {
        match self {
            Self::Events { after, .. } => after.as_deref(),
            Self::Once | Self::Socket { .. } => None,
        }
    }
}

/// Whether a connection is to become a WebSocket; it may also be asked to become something else.
fn wants_socket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|wanted| wanted.eq_ignore_ascii_case("websocket"))
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
    /// Each line as it is, and nothing else; why it ended is in the last frame of the socket itself.
    Lines,
}

/// The frames as they come, until they end, the client or the server goes away, or what permits them is
/// taken back.
pub(super) fn streamed(
    app: &App,
    kind: &'static str,
    form: Form,
    words: Words,
    session: &Arc<Session>,
    frames: impl Stream<Item = Frame> + Send + 'static,
) -> Response {
    let open = app.metrics.stream(kind);
    let closing = app.runs.closing();
    let (app_of_stream, session) = (app.clone(), session.clone());
    let caller = form.caller().cloned();
    let taken_back = async move {
        match caller {
            Some(caller) => permit::taken_back(app_of_stream, caller, Some(session)).await,
            None => std::future::pending().await,
        }
    };
    let frames = async_stream::stream! {
        let _open = open;
        tokio::pin!(closing, taken_back);
        let mut frames = std::pin::pin!(frames);
        loop {
            tokio::select! {
                // What is streamed may end for the same reason, and says less of it.
                biased;
                () = &mut closing => {
                    yield Frame::shutdown();
                    break;
                }
                reason = &mut taken_back => {
                    yield Frame::taken_back(reason);
                    break;
                }
                frame = frames.next() => match frame {
                    Some(frame) => yield frame,
                    None => break,
                },
            }
        }
    };
    match form {
        Form::Socket { upgrade, .. } => upgrade
            .max_message_size(LONGEST)
            .max_frame_size(LONGEST)
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
    let mut end = CloseFrame { code: 1000, reason: Utf8Bytes::from_static("") };
    loop {
        let message = tokio::select! {
            frame = frames.next() => match frame {
                Some(frame) => {
                    if let Some((code, reason)) = frame.closes_with() {
                        end = CloseFrame { code, reason: reason.into() };
                    }
                    match words {
                        Words::Frames => frame.message(),
                        Words::Lines => match frame.text() {
                            Some(text) => text,
                            None => continue,
                        },
                    }.into()
                }
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
    let _ = timeout(SLOW, socket.send(Message::Close(Some(end)))).await;
}
