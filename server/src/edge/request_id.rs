//! The name of a request: in its answer, in the log and in the audit.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header with the name, of requests and answers.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

/// The name of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// The name that a client gave, where it is one, and a new one otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let usable = |text: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !text.is_empty() && text.len() <= LONGEST && text.chars().all(plain)
        };
        match given.filter(usable) {
            Some(text) => Self(text.into()),
            None => {
                let text = Uuid::now_v7().simple();
                Self((&*text.encode_lower(&mut Uuid::encode_buffer())).into())
            }
        }
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}
