//! Things that go wrong on demand.

use std::time::Duration;

/// A request that goes wrong: which one, and how.
#[derive(Debug, Clone)]
pub struct Fault {
    method: Option<String>,
    writes: bool,
    prefix: String,
    skip: u32,
    times: u32,
    kind: FaultKind,
}

/// How a request goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// Answered with this status; nothing is stored.
    Status(u16),
    /// Answered with 429 and `Retry-After`; nothing is stored.
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Answered as when the database ends a request that blocks another: 500 with the exception;
    /// nothing is stored.
    Deadlock,
    /// The connection breaks before the request is looked at.
    ResetBefore,
    /// The connection breaks when all is stored and nothing answered.
    ResetAfterCommit,
    /// Answered late.
    Delay(Duration),
    /// Stored, and answered with half of the body.
    Truncate,
}

impl Fault {
    /// A fault for the next request.
    pub fn new(kind: FaultKind) -> Self {
        Self { method: None, writes: false, prefix: String::new(), skip: 0, times: 1, kind }
    }

    /// Only for requests with this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_uppercase());
        self
    }

    /// Only for requests that write, whatever their method.
    pub fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Only for paths that start so: `/api/dcim/`.
    pub fn path(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    /// From the `nth` fitting request on, counted from 1.
    pub fn nth(mut self, nth: u32) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// For this many requests instead of one.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// What happens to this request, which is counted.
    pub(super) fn strike(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        let writes = !matches!(method, "GET" | "HEAD" | "OPTIONS");
        let fits =
            self.method.as_deref().is_none_or(|own| own == method) && (writes || !self.writes);
        if !fits || !path.starts_with(&self.prefix) || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        Some(self.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_the_requests_it_is_meant_for_and_no_others() {
        let mut fault =
            Fault::new(FaultKind::Status(500)).method("post").path("/api/dcim/").nth(2).times(2);
        let requests = [
            ("GET", "/api/dcim/sites/", false),
            ("POST", "/api/ipam/roles/", false),
            ("POST", "/api/dcim/sites/", false),
            ("POST", "/api/dcim/sites/", true),
            ("POST", "/api/dcim/devices/", true),
            ("POST", "/api/dcim/sites/", false),
        ];
        for (method, path, struck) in requests {
            assert_eq!(fault.strike(method, path).is_some(), struck, "{method} {path}");
        }
    }
}
