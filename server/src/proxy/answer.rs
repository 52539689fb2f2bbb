//! An answer of Proxmox, passed on: status, reason, the headers that belong to the body, and the body
//! as it comes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::Response;
use hyper::ext::ReasonPhrase;
use sdk_proxmox::Forwarded;

use super::fault::{meaning, passed};
use crate::edge::ApiError;

/// Headers that say what the body is. Cookies and whatever is between two hosts stay there.
const PASSED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_DISPOSITION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
];

/// Room for the headers of an answer, those of this server's own among them.
const ROOM: usize = 16;

/// The answer as it came; what would be taken for an answer of this server is told in its own words.
pub(super) fn passed_on(endpoint: &str, forwarded: Forwarded) -> Result<Response, ApiError> {
    let status = forwarded.status();
    let told = passed(status.as_u16());
    if told != status {
        let told = ApiError::new(
            told,
            "Proxmox did not do it",
            format!("Proxmox endpoint {endpoint} answered {status}: {}.", meaning(status.as_u16())),
        );
        return Err(told.with("proxmox_status", status.as_u16()));
    }
    let (mut parts, body) = forwarded.into_parts();
    let mut headers = HeaderMap::with_capacity(ROOM);
    for (name, value) in parts.headers.drain() {
        // Without a name it is another value of the last header; these have one.
        if let Some(name) = name.filter(|name| PASSED.contains(name)) {
            headers.insert(name, value);
        }
    }
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    // All that releases before 8.4 say about an error.
    if let Some(reason) = parts.extensions.remove::<ReasonPhrase>() {
        response.extensions_mut().insert(reason);
    }
    Ok(response)
}
