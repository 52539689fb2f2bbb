//! API keys: what they look like, who may pass, what they may do, and how often one may guess.

mod attempts;
mod door;
mod key;
mod quota;
mod scope;

use std::time::Duration;

pub use attempts::{Attempts, Verdict};
pub use door::{Caller, Door};
pub use key::{MINIMUM_LENGTH, generate, stored_hash};
pub use quota::Quota;
pub use scope::{NoScope, Scope, Scopes};

use crate::store::StoreError;

/// Why a request may not pass.
#[derive(Debug)]
pub enum Refusal {
    /// No key was sent.
    Missing,
    /// The key is unknown or switched off.
    Wrong {
        /// Wrong keys that are still answered before the client has to wait.
        remaining: u32,
    },
    /// Too many wrong keys.
    Limited {
        /// How long the client has to wait.
        retry_after: Duration,
    },
    /// Too many keys wait to be compared with what another backend stored.
    Busy {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// Too many requests with a valid key.
    Hurried {
        /// How long its owner has to wait.
        retry_after: Duration,
    },
    /// The keys cannot be read.
    Store(StoreError),
}
