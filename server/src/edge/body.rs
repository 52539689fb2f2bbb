//! Reads JSON bodies.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::ApiError;

/// A body that has not arrived by then is given up.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A JSON body; an empty one counts as `{}`.
///
/// Errors are 408, 413, 415 and 422 with a `detail` that names the field.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json = is_json(&request);
        let bytes = read_body(Bytes::from_request(request, state)).await?;
        if bytes.is_empty() {
            return parse(b"{}");
        }
        // A form on a foreign page can send text, but not this type without being asked first.
        if !json {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(ApiError::new(status, "Not JSON", "Send Content-Type: application/json."));
        }
        parse(&bytes)
    }
}

/// The bytes of a body, if they arrive in time and are not too many.
pub(crate) async fn read_body(
    arriving: impl Future<Output = Result<Bytes, BytesRejection>>,
) -> Result<Bytes, ApiError> {
    tokio::time::timeout(ARRIVAL, arriving).await.map_err(|_| late())?.map_err(|error| {
        ApiError::new(error.status(), "The body cannot be read", error.body_text())
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Body<T>, ApiError> {
    // serde would take a list for an object, too, and fill in what it lacks.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::new(status, "The body is not valid", "expected a JSON object"));
    }
    serde_json::from_slice(bytes).map(Body).map_err(|error| {
        // Without the values: one of them may be a password.
        let detail = match error.classify() {
            serde_json::error::Category::Data => describe(&error),
            _ => format!("not JSON, see line {} column {}", error.line(), error.column()),
        };
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "The body is not valid", detail)
    })
}

/// serde quotes what it found (`invalid type: string "hunter2", expected u16`): the rest will do.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if text.starts_with("missing field") => text,
        None => {
            format!("a field does not fit, see line {} column {}", error.line(), error.column())
        }
    }
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn late() -> ApiError {
    let detail = "The body did not arrive within 30 seconds.";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "Too slow", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let start = tokio::time::Instant::now();
        let error = read_body(std::future::pending()).await.unwrap_err();
        assert_eq!((error.status().as_u16(), start.elapsed()), (408, ARRIVAL));
    }
}
