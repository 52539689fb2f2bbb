//! Who may come in: keys that were checked are known for a moment, so that a request costs no look
//! into the state.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::{Attempts, Quota, Refusal, Scopes, Verdict, key, stored_hash};
use crate::store::{ImportedKey, KeyMatch, Store, StoredHash};

/// How long a change of keys by another process may go unnoticed. Changes by this one hold at once.
const KNOWN_FOR: Duration = Duration::from_secs(5);

/// Keys that are known at the same time.
const MOST: usize = 1024;

/// Keys that wait to be compared with what another backend stored.
const QUEUE: usize = 16;

/// How long one has to wait where the queue is full.
const BUSY: Duration = Duration::from_secs(2);

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Number of the key.
    pub key: i64,
    /// What its owner calls it.
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// Checks keys, and counts wrong ones.
#[derive(Debug)]
pub struct Door {
    store: Store,
    attempts: Attempts,
    quota: Quota,
    known: Mutex<HashMap<[u8; 32], Known>>,
    /// bcrypt takes a third of a second: one at a time leaves the other core to those inside.
    slow: Arc<Semaphore>,
    /// Those that wait for it; more are sent away.
    queue: Arc<Semaphore>,
}

#[derive(Debug)]
struct Known {
    caller: Arc<Caller>,
    since: Instant,
    generation: u64,
}

impl Door {
    /// A door to what the keys in `store` open.
    pub fn new(store: Store, quota: Quota) -> Self {
        Self {
            store,
            attempts: Attempts::default(),
            quota,
            known: Mutex::default(),
            slow: Arc::new(Semaphore::new(1)),
            queue: Arc::new(Semaphore::new(QUEUE)),
        }
    }

    /// Lets a request with a valid key pass, and counts wrong ones against `client`.
    ///
    /// The key is looked at first and the count afterwards: whoever guesses from the same address
    /// (a proxy, a shared host) never locks out the owner of a key.
    pub async fn admit(
        &self,
        client: IpAddr,
        key: Option<&SecretString>,
    ) -> Result<Arc<Caller>, Refusal> {
        // No key is no guess, so it is not counted.
        let key = key.ok_or(Refusal::Missing)?;
        let caller = self.find(client, key).await?.ok_or_else(|| self.wrong(client))?;
        self.quota.take(caller.key).map_err(|retry_after| Refusal::Hurried { retry_after })?;
        Ok(caller)
    }

    /// Forgets the keys that were checked of late.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn wrong(&self, client: IpAddr) -> Refusal {
        match self.attempts.wrong(client, Instant::now()) {
            Verdict::Answer { remaining } => Refusal::Wrong { remaining },
            Verdict::Wait(retry_after) => Refusal::Limited { retry_after },
        }
    }

    async fn find(
        &self,
        client: IpAddr,
        key: &SecretString,
    ) -> Result<Option<Arc<Caller>>, Refusal> {
        let presented = stored_hash(key);
        let hash: [u8; 32] = presented.hash.as_slice().try_into().unwrap_or_default();
        let generation = self.store.generation();
        if let Some(caller) = self.recall(&hash, generation) {
            return Ok(Some(caller));
        }
        // In a box: it is large, and seldom needed.
        let found = Box::pin(self.look_up(client, key, &presented)).await?;
        let Some(found) = found else { return Ok(None) };
        let caller = Arc::new(Caller { key: found.id, label: found.label, scopes: found.scopes.0 });
        self.remember(hash, caller.clone(), generation);
        Ok(Some(caller))
    }

    async fn look_up(
        &self,
        client: IpAddr,
        key: &SecretString,
        presented: &StoredHash,
    ) -> Result<Option<KeyMatch>, Refusal> {
        match self.stored(presented).await? {
            Some(found) => Ok(Some(found)),
            None => self.imported(client, key, presented).await,
        }
    }

    /// A key that is stored as we store them.
    async fn stored(&self, presented: &StoredHash) -> Result<Option<KeyMatch>, Refusal> {
        let candidates =
            self.store.active_keys(&presented.public_id).await.map_err(Refusal::Store)?;
        Ok(key::matching(presented, &candidates).cloned())
    }

    /// A key that another backend stored; it is stored anew, so that this happens once.
    async fn imported(
        &self,
        client: IpAddr,
        key: &SecretString,
        presented: &StoredHash,
    ) -> Result<Option<KeyMatch>, Refusal> {
        if self.store.imported_keys().await.map_err(Refusal::Store)?.is_empty() {
            return Ok(None);
        }
        let busy = |_| Refusal::Busy { retry_after: BUSY };
        let place = self.queue.clone().try_acquire_owned().map_err(busy)?;
        let slot = match self.attempts.are_used_up(client, Instant::now()) {
            // Whoever guesses has no place among those who wait.
            true => self.slow.clone().try_acquire_owned().map_err(busy)?,
            // It is never closed.
            false => self.slow.clone().acquire_owned().await.map_err(|_| Refusal::Missing)?,
        };
        // The same key may have been stored anew while this one waited.
        if let Some(found) = self.stored(presented).await? {
            return Ok(Some(found));
        }
        let imported = self.store.imported_keys().await.map_err(Refusal::Store)?;
        let key = key.clone();
        let found = tokio::task::spawn_blocking(move || {
            let opens = |row: &ImportedKey| {
                bcrypt::verify(key.expose_secret(), &row.bcrypt).unwrap_or(false)
            };
            // The work goes on when its client has gone, so it holds its places itself, until what it
            // found is stored.
            (imported.into_iter().find(opens), place, slot)
        })
        .await;
        match found {
            Ok((Some(row), ..)) => {
                self.store.rehash_key(row.id, presented).await.map_err(Refusal::Store)
            }
            _ => Ok(None),
        }
    }

    fn recall(&self, hash: &[u8; 32], generation: u64) -> Option<Arc<Caller>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(hash)?;
        let fresh = entry.generation == generation && entry.since.elapsed() < KNOWN_FOR;
        fresh.then(|| entry.caller.clone())
    }

    fn remember(&self, hash: [u8; 32], caller: Arc<Caller>, generation: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, Known { caller, since: Instant::now(), generation });
    }
}
