//! API keys: what they look like, who may pass, and how often one may guess.

mod attempts;
mod key;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use secrecy::SecretString;

pub use attempts::{Attempts, Verdict};
pub use key::{MINIMUM_LENGTH, generate, stored_hash};

use crate::store::{Store, StoreError};

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
    /// The keys cannot be read.
    Store(StoreError),
}

/// Lets a request with a valid key pass, and counts wrong ones against `client`.
///
/// The key is looked at first and the count afterwards: whoever guesses from the same address
/// (a proxy, a shared host) never locks out the owner of a key.
pub async fn authenticate(
    store: &Store,
    attempts: &Attempts,
    client: IpAddr,
    key: Option<&SecretString>,
) -> Result<(), Refusal> {
    // No key is no guess, so it is not counted.
    let key = key.ok_or(Refusal::Missing)?;
    let presented = stored_hash(key);
    let known = store.active_hashes(&presented.public_id).await.map_err(Refusal::Store)?;
    if key::matches_any(&presented, &known) {
        return Ok(());
    }
    match attempts.wrong(client, Instant::now()) {
        Verdict::Answer { remaining } => Err(Refusal::Wrong { remaining }),
        Verdict::Wait(retry_after) => Err(Refusal::Limited { retry_after }),
    }
}
