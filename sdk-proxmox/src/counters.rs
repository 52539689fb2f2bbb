//! What a client has sent and received.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a client has sent and received since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Requests that left, retries and logins included.
    pub requests: u64,
    /// Bytes of answer bodies.
    pub bytes: u64,
    /// Differences between answers and the published description.
    pub drift: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    bytes: AtomicU64,
    drift: AtomicU64,
}

impl Counters {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn drift(&self, count: usize) {
        self.drift.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counted {
        Counted {
            requests: self.requests.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            drift: self.drift.load(Ordering::Relaxed),
        }
    }
}
