//! The one error at the edge: a status and the body that the plugin reads.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::{Caller, Refusal};
use crate::endpoints::EndpointError;
use crate::runs::StartError;
use crate::store::StoreError;

/// An answer with an error status.
///
/// Its body is `{"message", "detail", "python_exception": null}`: `message` says what failed,
/// `detail` why and what to do. The plugin shows `detail`, and `message` where there is none.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Map<String, Value>,
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
}

impl ApiError {
    /// An error with this status, message and detail.
    pub fn new(status: StatusCode, message: &str, detail: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("message".into(), message.into());
        body.insert("detail".into(), detail.into().into());
        body.insert("python_exception".into(), Value::Null);
        Self { status, body, retry_after: None, allow: None }
    }

    /// 400: what was sent makes no sense.
    pub fn bad_request(message: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, detail)
    }

    /// 502: NetBox or Proxmox did not do their part.
    pub fn bad_gateway(message: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, message, detail)
    }

    /// 404: there is no such object.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// 403: the key is not for this.
    pub fn not_permitted(caller: &Caller, scope: &str) -> Self {
        let detail = format!(
            "The key {} ({}) lacks the scope {scope}; it has: {}.",
            caller.key,
            caller.label,
            caller.scopes.names().join(", ")
        );
        Self::new(StatusCode::FORBIDDEN, "The key is not for this", detail)
    }

    /// The same with a time after which the request may be sent again.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time.as_secs().max(1));
        self
    }

    /// The same with the methods that may be called.
    pub(crate) fn allow(mut self, methods: &str) -> Self {
        self.allow = HeaderValue::from_str(methods).ok();
        self
    }

    /// 500: our fault. The cause is logged, not told.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(error), "request failed");
        let detail = "The server failed; its log says why.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error", detail)
    }

    /// Adds a member to the body.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.into(), value.into());
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// 401 and 429 of the key check: `detail` alone, as the plugin knows it.
    fn refused(status: StatusCode, detail: String) -> Self {
        let body = Map::from_iter([("detail".to_owned(), detail.into())]);
        Self { status, body, retry_after: None, allow: None }
    }
}

/// The whole chain of causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        // Some errors have their cause in their own text, some with advice behind it.
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = ["message", "detail"].map(|name| self.body.get(name).and_then(Value::as_str));
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        f.write_str(&texts.join(": "))
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Value::Object(self.body))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allow {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            // Unreadable is a matter for the operator; a 5xx would make the plugin try again.
            StoreError::DuplicateName(_)
            | StoreError::SecondNetbox
            | StoreError::Unreadable { .. } => StatusCode::BAD_REQUEST,
            StoreError::Leased(run) => return running(*run),
            StoreError::KeysAreGiven => StatusCode::CONFLICT,
            StoreError::WeakKey { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => return Self::internal(&error),
        };
        let message = match &error {
            StoreError::KeysAreGiven | StoreError::WeakKey { .. } => "The key cannot be replaced",
            _ => "The endpoint cannot be used",
        };
        Self::new(status, message, error.to_string())
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Running(run) => running(run),
            StartError::Store(error) => error.into(),
            StartError::Stopping => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "The server is stopping", "Try again when it is back.")
            }
            StartError::Endpoint(EndpointError::Store(error)) => error.into(),
            StartError::Endpoint(error) => {
                Self::bad_request("The endpoint cannot be used", chain(&error))
            }
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => {
                let detail = "API key required. Send it in the header X-Proxbox-API-Key.";
                Self::refused(StatusCode::UNAUTHORIZED, detail.into())
            }
            Refusal::Wrong { remaining } => {
                let detail = format!("Invalid API key. {remaining} attempts remaining.");
                Self::refused(StatusCode::UNAUTHORIZED, detail)
            }
            Refusal::Limited { retry_after } => {
                let detail = "Too many wrong keys from this address. A valid key still works.";
                Self::refused(StatusCode::TOO_MANY_REQUESTS, detail.into()).retry_after(retry_after)
            }
            Refusal::Busy { retry_after } => {
                let detail = "Too many keys wait to be looked at. Please try again.";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::refused(status, detail.into()).retry_after(retry_after)
            }
            Refusal::Hurried { retry_after } => {
                let detail = "Rate limit exceeded. Please try again later.";
                Self::refused(StatusCode::TOO_MANY_REQUESTS, detail.into()).retry_after(retry_after)
            }
            Refusal::Store(error) => error.into(),
        }
    }
}

fn running(run: Uuid) -> ApiError {
    let detail = format!("Run {run} is still writing to this NetBox; wait until it has ended.");
    ApiError::new(StatusCode::CONFLICT, "A full update is already running", detail)
        .with("run_id", run.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    #[test]
    fn each_cause_is_told_once_even_where_advice_follows_it() {
        let cause = |text, source| Some(Box::new(Link { text, source }));
        let source = cause("not trusted", cause("unknown issuer", None));
        let error = Link { text: "no connection: not trusted; give its certificate", source };
        let told = "no connection: not trusted; give its certificate: unknown issuer";
        assert_eq!(chain(&error), told);
    }
}
