//! How much a client has asked of NetBox.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a client has done since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests that read, repeats included.
    pub reads: u64,
    /// Requests that write, repeats included.
    pub writes: u64,
    /// Requests that were sent again after a failure.
    pub retries: u64,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Bytes of answers.
    pub bytes_received: u64,
    /// Differences between answers and NetBox's published description.
    pub drift: u64,
}

impl Counts {
    /// What was done since an earlier count.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            reads: self.reads.saturating_sub(earlier.reads),
            writes: self.writes.saturating_sub(earlier.writes),
            retries: self.retries.saturating_sub(earlier.retries),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            drift: self.drift.saturating_sub(earlier.drift),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    retries: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    drift: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, method: &http::Method, bytes: usize) {
        let kind = if method.is_safe() { &self.reads } else { &self.writes };
        kind.fetch_add(1, Relaxed);
        self.bytes_sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn drifted(&self, differences: usize) {
        self.drift.fetch_add(differences as u64, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counts {
        Counts {
            reads: self.reads.load(Relaxed),
            writes: self.writes.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            drift: self.drift.load(Relaxed),
        }
    }
}
