//! An endpoint that did not do its part, in an answer of our own.

use std::time::Duration;

use axum::http::StatusCode;
use sdk_proxmox::Error;

use crate::edge::{ApiError, chain};
use crate::endpoints::NodesError;
use crate::runs::StartError;

/// 502 where the endpoint cannot be reached, 504 where it does not answer in time. A refusal of
/// Proxmox keeps its status, but for 401: it is about the endpoint's credentials, not the client's key.
pub(crate) fn fault(endpoint: &str, error: &Error) -> ApiError {
    let told = error.status();
    let status = match (error, told) {
        (Error::Timeout { .. }, _) => StatusCode::GATEWAY_TIMEOUT,
        (Error::Unavailable { .. }, _) => StatusCode::NOT_IMPLEMENTED,
        (_, Some(status)) => passed(status),
        _ => StatusCode::BAD_GATEWAY,
    };
    let detail = format!("Proxmox endpoint {endpoint}: {}", chain(error));
    let answer = ApiError::new(status, "Proxmox did not do it", detail);
    match told {
        Some(told) => answer.with("proxmox_status", told),
        None => answer,
    }
}

/// 503 where the endpoint is not asked for a while.
pub(super) fn left_alone(endpoint: &str, wait: Duration) -> ApiError {
    let detail = format!(
        "Proxmox endpoint {endpoint} did not answer again and again; it is tried again in {} s.",
        wait.as_secs().max(1)
    );
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "The endpoint is left alone", detail).retry_after(wait)
}

/// Why the nodes of an endpoint are not known.
pub(crate) fn nodes_fault(endpoint: &str, error: NodesError) -> ApiError {
    match error {
        NodesError::Endpoint(error) => StartError::from(error).into(),
        NodesError::LeftAlone(wait) => left_alone(endpoint, wait),
        NodesError::Proxmox(error) => fault(endpoint, &error),
    }
}

/// What a status of Proxmox is here.
pub(super) fn passed(status: u16) -> StatusCode {
    match status {
        300..=399 | 401 | 595 => StatusCode::BAD_GATEWAY,
        596..=599 => StatusCode::GATEWAY_TIMEOUT,
        other => StatusCode::from_u16(other).unwrap_or(StatusCode::BAD_GATEWAY),
    }
}

/// What a status means that is not passed on.
pub(super) fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => "it redirects, which is not followed; give the endpoint the address of a node",
        401 => "it does not accept the credentials that are stored for it",
        595 => "the node that the call is for cannot be connected to",
        596 => "the node that the call is for did not answer in time, or its TLS failed",
        _ => "the node that the call is for ended the connection",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_pveproxy_alone_are_told_in_common_ones() {
        for (status, expected) in [
            (200, 200),
            (400, 400),
            (401, 502),
            (403, 403),
            (500, 500),
            (501, 501),
            (302, 502),
            (595, 502),
            (596, 504),
            (597, 504),
            (599, 504),
        ] {
            assert_eq!(passed(status).as_u16(), expected, "{status}");
        }
    }
}
