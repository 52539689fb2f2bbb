//! What can go wrong with a request, and what it means for the one who sent it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::Method;
use proxbox_runtime::Unavailable;

use crate::api_error::{ApiError, FieldErrors};

/// A request that failed: which one, and why.
#[derive(Debug, Clone)]
pub struct Error {
    method: Method,
    path: String,
    kind: Arc<ErrorKind>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: nothing was sent.
    #[error("{reason}")]
    Connect {
        /// What is wrong and where to look.
        reason: String,
        /// The failure below.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No answer in time.
    #[error("no answer within the time-out; what was asked for may still happen")]
    Timeout {
        /// The failure below.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The connection broke after the request went out.
    #[error("the connection broke before the whole answer came")]
    Interrupted {
        /// The failure below.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// NetBox, or a proxy before it, said no.
    #[error("{0}")]
    Api(ApiError),
    /// The answer is not what the operation returns.
    #[error("the answer cannot be read; is this address a NetBox? It starts: {start}")]
    Decode {
        /// First characters of the answer.
        start: String,
        /// The failure below.
        #[source]
        source: serde_json::Error,
    },
    /// The answer lacks an object that was asked for.
    #[error("{0}")]
    Missing(String),
    /// NetBox's release lacks what the request uses; it was not sent.
    #[error("{}", .0.told("NetBox"))]
    Unavailable(Box<Unavailable>),
    /// The request makes no sense and was not sent.
    #[error("{0}")]
    Invalid(String),
    /// Not sent, because one before it failed.
    #[error("not sent, because an earlier batch failed: {0}")]
    Skipped(#[source] Box<Error>),
}

impl Error {
    pub(crate) fn new(method: &Method, path: &str, kind: ErrorKind) -> Self {
        Self { method: method.clone(), path: path.to_owned(), kind: Arc::new(kind) }
    }

    pub(crate) fn invalid(method: &Method, path: &str, reason: impl Into<String>) -> Self {
        Self::new(method, path, ErrorKind::Invalid(reason.into()))
    }

    /// The same request, failed for another reason.
    pub(crate) fn with_kind(&self, kind: ErrorKind) -> Self {
        Self::new(&self.method, &self.path, kind)
    }

    /// Why it failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Path of the request, without its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What NetBox answered.
    pub fn api(&self) -> Option<&ApiError> {
        match &*self.kind {
            ErrorKind::Api(error) => Some(error),
            _ => None,
        }
    }

    /// HTTP status of the answer, if one came.
    pub fn status(&self) -> Option<u16> {
        self.api().map(|error| error.status)
    }

    /// What is wrong with which field.
    pub fn field_errors(&self) -> Option<&FieldErrors> {
        self.api().map(|error| &error.fields).filter(|fields| !fields.is_empty())
    }

    /// The token is missing, wrong, or lacks a permission.
    pub fn is_auth(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// There is no such object, or no such path.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Nothing reached NetBox, so the request may be sent again whatever it does.
    pub fn is_not_sent(&self) -> bool {
        let kind = &*self.kind;
        matches!(
            kind,
            ErrorKind::Connect { .. }
                | ErrorKind::Unavailable(_)
                | ErrorKind::Invalid(_)
                | ErrorKind::Skipped(_)
        )
    }

    /// A write that may or may not have happened: look before sending it again.
    pub fn is_ambiguous(&self) -> bool {
        if self.method.is_safe() {
            return false;
        }
        match &*self.kind {
            ErrorKind::Timeout { .. } | ErrorKind::Interrupted { .. } => true,
            // The write was accepted; only its answer is lost.
            ErrorKind::Decode { .. } => true,
            ErrorKind::Api(error) => match error.status {
                502 | 504 => true,
                // NetBox rolls back a request that it reports an exception for.
                500 => error.exception.is_none(),
                _ => false,
            },
            _ => false,
        }
    }

    /// A later try may succeed. For a write, see [`Error::is_ambiguous`] first.
    pub fn is_retryable(&self) -> bool {
        match &*self.kind {
            ErrorKind::Connect { .. } | ErrorKind::Timeout { .. } => true,
            ErrorKind::Interrupted { .. } => true,
            ErrorKind::Api(error) => {
                matches!(error.status, 429 | 502 | 503 | 504) || error.is_deadlock()
            }
            ErrorKind::Skipped(cause) => cause.is_retryable(),
            _ => false,
        }
    }

    /// Sorts a failure of the transport by what it means.
    pub(crate) fn transport(
        method: &Method,
        path: &str,
        host: &str,
        error: reqwest::Error,
    ) -> Self {
        // The URL is in the message already, and its query is nobody's business.
        let error = error.without_url();
        let kind = if error.is_builder() {
            ErrorKind::Invalid(format!("the request cannot be built: {error}"))
        } else if error.is_connect() {
            ErrorKind::Connect { reason: connect_reason(host, &error), source: error.into() }
        } else if error.is_timeout() {
            ErrorKind::Timeout { source: error.into() }
        } else {
            ErrorKind::Interrupted { source: error.into() }
        };
        Self::new(method, path, kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.method, self.path, self.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The kind is part of the message already; the chain goes on below it.
        StdError::source(&*self.kind)
    }
}

fn connect_reason(host: &str, error: &reqwest::Error) -> String {
    let below = causes(error);
    if error.is_timeout() {
        return format!("{host} does not answer; check the address and firewalls");
    }
    if let Some(io) = below.iter().find_map(|cause| cause.downcast_ref::<std::io::Error>())
        && io.kind() == std::io::ErrorKind::ConnectionRefused
    {
        return format!("{host} refuses connections; is NetBox running there?");
    }
    let text = below.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let lower = text.to_lowercase();
    if lower.contains("dns error") || lower.contains("failed to lookup") {
        return format!("the host name of {host} is unknown; check the address and DNS");
    }
    match below.iter().find_map(|cause| tls_error(*cause)) {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            format!(
                "the certificate of {host} is not trusted: {reason:?}; give the CA that signed it"
            )
        }
        Some(other) => format!("no encrypted connection to {host}: {other}; is it https there?"),
        None => format!("no connection to {host}: {text}"),
    }
}

/// The failure of the encryption, which is passed on inside of I/O errors inside of others.
fn tls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(io) = cause.downcast_ref::<std::io::Error>() {
        cause = io.get_ref()?;
    }
    cause.downcast_ref()
}

/// An error's causes, outermost first, without itself.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}
