//! What was asked.

use std::collections::BTreeMap;

/// One request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// HTTP method.
    pub method: String,
    /// Path as it came, still encoded, without `/api2/json`.
    pub path: String,
    /// Parameters of query and body; passwords and tickets as `<redacted>`.
    pub params: BTreeMap<String, serde_json::Value>,
    /// Who sent it, if that was accepted: `user@realm`, or `user@realm!name` for a token.
    pub user: Option<String>,
    /// Status of the answer; 0 where the connection was cut.
    pub status: u16,
}

impl std::fmt::Display for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.status)
    }
}
