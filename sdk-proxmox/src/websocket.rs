//! Turning an HTTP connection into a WebSocket, and the bytes of that connection.

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL};
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue};
use proxbox_runtime::Request;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::{ByteStream, Error};

/// A key for one handshake.
pub(crate) fn new_key() -> String {
    generate_key()
}

/// What a request carries that asks for a WebSocket.
pub(crate) fn headers(key: &str) -> Result<HeaderMap, Error> {
    let key = HeaderValue::from_str(key).map_err(|error| Error::Invalid(error.to_string()))?;
    let fixed = HeaderValue::from_static;
    Ok(HeaderMap::from_iter([
        (CONNECTION, fixed("Upgrade")),
        (UPGRADE, fixed("websocket")),
        (SEC_WEBSOCKET_VERSION, fixed("13")),
        // pveproxy serves no other.
        (SEC_WEBSOCKET_PROTOCOL, fixed("binary")),
        (SEC_WEBSOCKET_KEY, key),
    ]))
}

/// The connection, if the server agreed.
pub(crate) async fn connection(
    request: &Request,
    key: &str,
    response: reqwest::Response,
) -> Result<ByteStream, Error> {
    let agreed = response.status() == http::StatusCode::SWITCHING_PROTOCOLS
        && response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| {
            accept.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes()
        });
    if !agreed {
        return Err(Error::Console {
            call: request.into(),
            why: "the server, or a proxy before it, opens no WebSocket".into(),
        });
    }
    let refused =
        |error: reqwest::Error| Error::Console { call: request.into(), why: error.to_string() };
    Ok(Box::pin(response.upgrade().await.map_err(refused)?))
}
