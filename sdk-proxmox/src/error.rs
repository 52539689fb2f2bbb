//! Why a call failed, and what that means.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use proxbox_runtime::{Method, Request, Unavailable};

use crate::Product;

/// The cause below an [`Error`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection: nothing was sent.
    #[error("{call}: no connection to {host}: {why}")]
    Connect {
        /// What was called.
        call: CallName,
        /// The host tried last.
        host: Arc<str>,
        /// What stood in the way.
        why: ConnectFailure,
        /// The cause.
        source: BoxError,
    },
    /// No answer in time.
    #[error(
        "{call}: no answer from {host} in time; raise the time limit or look at the node's load"
    )]
    Timeout {
        /// What was called.
        call: CallName,
        /// The host asked.
        host: Arc<str>,
        /// The cause.
        source: BoxError,
    },
    /// The connection ended before the whole answer was there.
    #[error("{call}: {host} ended the connection before the whole answer was there")]
    Lost {
        /// What was called.
        call: CallName,
        /// The host asked.
        host: Arc<str>,
        /// The cause.
        source: BoxError,
    },
    /// Proxmox refused or failed.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The login was refused.
    #[error("login of {user} was refused: {why}; check user, realm and password")]
    Auth {
        /// The user, with realm.
        user: String,
        /// What Proxmox said.
        why: String,
    },
    /// The login needs a second factor that could not be given.
    #[error("login of {user} needs a second factor: {why}")]
    Tfa {
        /// The user, with realm.
        user: String,
        /// What is missing.
        why: String,
    },
    /// The call is not for API tokens; nothing was sent.
    #[error("{call}: not for API tokens; log in with user and password")]
    NoToken {
        /// What was called.
        call: CallName,
    },
    /// A terminal did not open.
    #[error("{call}: the terminal did not open: {why}")]
    Console {
        /// What was called.
        call: CallName,
        /// What stood in the way.
        why: String,
    },
    /// The answer is not what Proxmox sends.
    #[error("{call}: the answer cannot be read: {source}; it starts with `{start}`")]
    Decode {
        /// What was called.
        call: CallName,
        /// The first characters of the answer.
        start: String,
        /// Where and why reading failed.
        source: serde_json::Error,
    },
    /// The server's release lacks what the call uses; nothing was sent.
    #[error("{}", missing.told(&product.to_string()))]
    Unavailable {
        /// The product that was called.
        product: Product,
        /// What it lacks, and which releases have it.
        missing: Box<Unavailable>,
    },
    /// A setting or argument is wrong; nothing was sent.
    #[error("{0}")]
    Invalid(String),
}

/// What stood in the way of a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The name does not resolve.
    #[error("the host is unknown; check its name and the resolver")]
    UnknownHost,
    /// Nobody listens.
    #[error("the connection was refused; check the port (8006) and whether pveproxy runs")]
    Refused,
    /// The connection was not there in time.
    #[error("it did not answer in time; check the address and firewalls")]
    Timeout,
    /// The certificate or the protocol was not accepted.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// Anything else, a missing route for instance.
    #[error("{0}")]
    Other(String),
}

/// Method and path of a call, without query and body: these may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// HTTP method.
    pub method: Method,
    /// Path below `/api2/json`, with all values in place.
    pub path: Box<str>,
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl From<&Request> for CallName {
    fn from(request: &Request) -> Self {
        Self { method: request.op.method, path: request.path.as_str().into() }
    }
}

/// An answer with an error status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What was called.
    pub call: CallName,
    /// HTTP status; 595 to 599 are pveproxy's own for nodes it cannot reach.
    pub status: u16,
    /// Reason phrase, where it is not the standard one.
    pub reason: String,
    /// The text that explains most: `message`, else the reason phrase, else the body.
    pub message: String,
    /// Text for each parameter that was refused.
    pub errors: BTreeMap<String, String>,
    /// The first characters of the body.
    pub raw: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.call, self.status, self.message)?;
        for (index, (field, text)) in self.errors.iter().enumerate() {
            f.write_str(if index == 0 { " (" } else { "; " })?;
            write!(f, "{field}: {text}")?;
        }
        if !self.errors.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// Whether the message or one of the parameters' texts contains one of `needles`.
    fn says(&self, needles: &[&str]) -> bool {
        let says = |text: &String| needles.iter().any(|needle| text.contains(needle));
        says(&self.message) || self.errors.values().any(says)
    }
}

/// Proxmox has hardly any 404: what is missing shows in these texts.
const MISSING: &[&str] = &["does not exist", "do not exist", "o such ", "not found"];
const EXISTS: &[&str] = &[
    "already exist",
    "already defined",
    "already in use",
    "already used",
    "detected modified configuration",
];
const LOCKED: &[&str] =
    &["is locked", "can't lock file", "got lock request timeout", "acquire lock"];
/// A node's name is resolved by DNS before the call is forwarded to it.
const LOOKUP: &str = "hostname lookup";

impl Error {
    fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    fn api_is(&self, test: impl FnOnce(&ApiError) -> bool) -> bool {
        self.api().is_some_and(test)
    }

    /// HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.api().map(|error| error.status)
    }

    /// Text for each parameter that was refused.
    pub fn field_errors(&self) -> Option<&BTreeMap<String, String>> {
        self.api().map(|error| &error.errors).filter(|errors| !errors.is_empty())
    }

    /// The object does not exist: 404, or 400 or 500 with a text that says so.
    pub fn is_not_found(&self) -> bool {
        self.api_is(|error| match error.status {
            404 => true,
            400 | 500 => error.says(MISSING) && !error.says(&[LOOKUP]),
            _ => false,
        })
    }

    /// The node could not be reached, directly or through another one.
    pub fn is_node_unreachable(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Api(error) => match error.status {
                595 | 596 | 597 | 599 => true,
                500 => error.says(&[LOOKUP]),
                _ => false,
            },
            _ => false,
        }
    }

    /// The credentials were not accepted: 401, or a failed login.
    pub fn is_auth(&self) -> bool {
        matches!(self, Self::Auth { .. } | Self::Tfa { .. }) || self.status() == Some(401)
    }

    /// A privilege is missing.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// The path is unknown to this release.
    pub fn is_not_implemented(&self) -> bool {
        self.status() == Some(501)
    }

    /// The object exists already, or was changed by somebody else meanwhile.
    pub fn is_conflict(&self) -> bool {
        self.api_is(|error| match error.status {
            409 => true,
            400 | 500 => error.says(EXISTS),
            _ => false,
        })
    }

    /// The object is locked by another task.
    pub fn is_locked(&self) -> bool {
        self.api_is(|error| error.status >= 400 && error.says(LOCKED))
    }

    /// The endpoint itself did not answer; it is not about what it was asked.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Timeout { .. } | Self::Lost { .. })
    }

    /// Nothing was sent but perhaps a login, so even a call that changes something can be made again.
    pub fn is_not_sent(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Auth { .. }
                | Self::Tfa { .. }
                | Self::Invalid(_)
                | Self::NoToken { .. }
                | Self::Unavailable { .. }
        )
    }

    /// The call may or may not have been carried out: look before making it again.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Timeout { call, .. } | Self::Lost { call, .. } | Self::Decode { call, .. } => {
                call.method != Method::Get
            }
            Self::Api(error) => {
                error.call.method != Method::Get
                    && matches!(error.status, 502 | 504 | 596 | 597 | 599)
            }
            _ => false,
        }
    }

    /// The same call may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { why, .. } => !matches!(why, ConnectFailure::Tls(_)),
            Self::Timeout { .. } | Self::Lost { .. } => true,
            Self::Api(error) => {
                matches!(error.status, 429 | 502 | 503 | 504 | 595..=599)
                    || self.is_locked()
                    || (error.status == 500 && error.says(&["got timeout"]))
            }
            _ => false,
        }
    }
}
