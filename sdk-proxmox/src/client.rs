//! The client: sends operations and decodes their answers.

use std::sync::Arc;
use std::time::Duration;

use proxbox_runtime::{Decoded, OpFlags, Operation, Release, Request, Slot};

use crate::counters::Counters;
use crate::release::Releases;
use crate::{
    CallName, ClientBuilder, Counted, Error, Outcome, Product, Reply, Task, Transport, UpidError,
    answer,
};

/// A connection to a Proxmox VE cluster. Clones share connections, login and counters.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<dyn Transport>,
    counters: Arc<Counters>,
    pub(crate) releases: Arc<Releases>,
    /// Whether an API token is all that requests have to show.
    by_token: bool,
}

impl Client {
    /// Settings for a client of the node at `host`: `https://pve1:8006`, `pve1`, `10.0.0.1`.
    pub fn builder(host: &str) -> ClientBuilder {
        ClientBuilder::new(host)
    }

    /// A client over a transport of your own.
    pub fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self::new(transport, Arc::default(), Releases::new(Product::Pve, true), false)
    }

    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        counters: Arc<Counters>,
        releases: Releases,
        by_token: bool,
    ) -> Self {
        Self { transport, counters, releases: Arc::new(releases), by_token }
    }

    /// The product that is called.
    pub fn product(&self) -> Product {
        self.releases.product
    }

    /// The server's release, asked for once; nothing where it does not tell.
    pub async fn release(&self) -> Option<Release> {
        self.releases.of(self).await
    }

    /// Sends an operation and decodes what `data` holds; other members are in `beside`.
    ///
    /// What the server's release lacks is [`Error::Unavailable`], what is not for API tokens
    /// [`Error::NoToken`], before anything is sent.
    pub async fn send<O: Operation>(&self, operation: &O) -> Result<Decoded<O::Output>, Error> {
        self.admit(operation).await?;
        let request = operation.request();
        let call = CallName::from(&request);
        let reply = self.answer(request).await?;
        self.decode(call, &reply)
    }

    /// Refuses what the server would refuse: calls that are not for tokens, and what its release
    /// lacks.
    pub(crate) async fn admit<O: Operation>(&self, operation: &O) -> Result<(), Error> {
        if self.by_token && O::OP.flags.has(OpFlags::NO_TOKEN) {
            return Err(Error::NoToken { call: CallName::from(&operation.request()) });
        }
        self.releases.check(self, O::OP, operation).await
    }

    /// Sends any request; answers with an error status become errors.
    pub async fn answer(&self, request: Request) -> Result<Reply, Error> {
        let call = CallName::from(&request);
        let reply = self.transport.call(request).await?;
        answer::check(call, reply)
    }

    /// Decodes what `data` of an answer holds, and notes where it differs from the description.
    pub(crate) fn decode<T: Slot + Default>(
        &self,
        call: CallName,
        reply: &Reply,
    ) -> Result<Decoded<T>, Error> {
        let decoded = answer::decode(call.clone(), reply)?;
        self.counters.drift(decoded.drift.len());
        for drift in &decoded.drift {
            // Not what came: it may be a secret.
            tracing::debug!(%call, path = drift.path, reason = ?drift.reason, "drift");
        }
        Ok(decoded)
    }

    /// The task with this identifier, as calls that take long answer it: a text, or the optional
    /// text of an answer.
    pub fn task<'a>(&self, upid: impl Into<Option<&'a str>>) -> Result<Task, Error> {
        let upid = upid.into().ok_or_else(|| Error::Invalid("no task was started".into()))?;
        let upid = upid.parse().map_err(|error: UpidError| Error::Invalid(error.to_string()))?;
        Ok(Task::new(self.clone(), upid))
    }

    /// Sends an operation that answers a task and waits for its end, for at most `limit`.
    ///
    /// A call that was carried out at once, and so started no task, is [`Outcome::Ok`].
    pub async fn run<O>(&self, operation: &O, limit: Duration) -> Result<Outcome, Error>
    where
        O: Operation<Output = Option<String>>,
    {
        match self.send(operation).await?.value {
            Some(upid) => self.task(upid.as_str())?.wait(limit).await,
            None => Ok(Outcome::Ok),
        }
    }

    /// What this client and its clones have sent and received.
    pub fn counters(&self) -> Counted {
        self.counters.snapshot()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("counters", &self.counters()).finish_non_exhaustive()
    }
}
