//! The client: one NetBox, one token, any number of requests.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use proxbox_runtime::Release;
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::builder::{Builder, header};
use crate::counters::{Counters, Counts};
use crate::error::Error;
use crate::retry::Retry;

/// Objects in one bulk request: larger batches gain nothing and hold a worker for longer.
const BATCH: usize = 50;

/// A client for one NetBox. Clones share connections, limits and counters.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) retry: Retry,
    pub(crate) extra: HeaderMap,
    pub(crate) batch: usize,
    pub(crate) lanes: usize,
}

pub(crate) struct Inner {
    pub(crate) address: Address,
    pub(crate) pooled: reqwest::Client,
    pub(crate) fresh: Option<reqwest::Client>,
    pub(crate) headers: HeaderMap,
    pub(crate) gate: Semaphore,
    pub(crate) counters: Counters,
    pub(crate) release: OnceLock<Release>,
    pub(crate) check_release: bool,
}

impl Client {
    /// Starts a client for the NetBox at `url`; a path in it is where NetBox is mounted.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn new(inner: Arc<Inner>, retry: Retry) -> Self {
        Self { inner, retry, extra: HeaderMap::new(), batch: BATCH, lanes: 1 }
    }

    /// This client with one more header: a branch, or `If-Match` with an object's ETag.
    ///
    /// Fails when name or value cannot be sent.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = header(name, value)
            .map_err(|reason| Error::invalid(&http::Method::GET, "/api/", reason))?;
        let mut client = self.clone();
        client.extra.insert(name, value);
        Ok(client)
    }

    /// This client, writing only if the object still has this `last_updated`.
    ///
    /// NetBox 4.6 and later answer 412 when it has not; NetBox 4.5 ignores the condition.
    pub fn if_unchanged(&self, last_updated: &str) -> Result<Self, Error> {
        self.if_all_unchanged([last_updated])
    }

    /// The same for a bulk write: each of its objects has to have one of these `last_updated`.
    ///
    /// Times are the finer the safer: NetBox does not look which object has which of them.
    pub fn if_all_unchanged<'t>(
        &self,
        last_updated: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, Error> {
        // NetBox writes times with Z in bodies and with +00:00 in ETags.
        let etag = |time: &str| match time.strip_suffix('Z') {
            Some(time) => format!("W/\"{time}+00:00\""),
            None => format!("W/\"{time}\""),
        };
        let etags: Vec<String> = last_updated.into_iter().map(etag).collect();
        self.with_header("If-Match", &etags.join(","))
    }

    /// This client, sending PATCH requests again after a failure.
    ///
    /// A PATCH that sets fields to values can be repeated, unless somebody else writes the same
    /// fields in between. Only the caller knows.
    pub fn repeating_patches(&self) -> Self {
        let mut client = self.clone();
        client.retry.patches = true;
        client
    }

    /// This client with `objects` in one bulk request instead of 50.
    pub fn with_batch(&self, objects: usize) -> Self {
        let mut client = self.clone();
        client.batch = objects.max(1);
        client
    }

    /// This client with up to `batches` bulk requests of one call in flight instead of one.
    ///
    /// NetBox gains from as many as it has cores. IP addresses gain nothing: NetBox creates them
    /// under one lock.
    pub fn with_lanes(&self, batches: usize) -> Self {
        let mut client = self.clone();
        client.lanes = batches.max(1);
        client
    }

    /// What this client and its clones have done so far.
    pub fn counters(&self) -> Counts {
        self.inner.counters.snapshot()
    }

    /// The base URL of NetBox, without a trailing slash.
    pub fn url(&self) -> &str {
        self.inner.address.as_str()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.inner.address.as_str()).finish_non_exhaustive()
    }
}
