//! Operations found by walking the paths: `client.pve().nodes().node("pve1").status().get().await`.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use proxbox_runtime::{Caller, Decoded, Operation};

use crate::{Client, Console, Error, Outcome};

/// An operation that waits to be sent. Awaiting it sends it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Pending<O> {
    client: Client,
    /// The operation, with its parameters as plain fields.
    pub operation: O,
}

impl<O: Operation> Pending<O> {
    /// Sets parameters: `.with(|get| get.full(true))`.
    pub fn with(mut self, set: impl FnOnce(O) -> O) -> Self {
        self.operation = set(self.operation);
        self
    }

    /// Sends it and decodes the answer, with what beside it came and where it differs from the
    /// description.
    pub async fn send(&self) -> Result<Decoded<O::Output>, Error> {
        self.client.send(&self.operation).await
    }

    /// Opens the terminal that it gives a ticket for; see [`Client::console`].
    pub async fn console(&self) -> Result<Console, Error> {
        self.client.console(&self.operation).await
    }
}

impl<O: Operation<Output = Option<String>>> Pending<O> {
    /// Sends it and waits for the end of the task that it starts, for at most `limit`.
    pub async fn run(&self, limit: Duration) -> Result<Outcome, Error> {
        self.client.run(&self.operation, limit).await
    }
}

impl<O> IntoFuture for Pending<O>
where
    O: Operation + 'static,
    O::Output: Send,
{
    type Output = Result<O::Output, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.send().await?.value) })
    }
}

impl Caller for Client {
    type Call<O: Operation> = Pending<O>;

    fn call<O: Operation>(&self, operation: O) -> Pending<O> {
        Pending { client: self.clone(), operation }
    }
}

impl Client {
    /// The paths of Proxmox VE.
    #[cfg(feature = "pve-core")]
    pub fn pve(&self) -> crate::pve::places::Root<Self> {
        crate::pve::places::Root::new(self.clone())
    }

    /// The paths of Proxmox Backup Server.
    #[cfg(feature = "pbs-core")]
    pub fn pbs(&self) -> crate::pbs::places::Root<Self> {
        crate::pbs::places::Root::new(self.clone())
    }

    /// The paths of Proxmox Datacenter Manager.
    #[cfg(feature = "pdm-core")]
    pub fn pdm(&self) -> crate::pdm::places::Root<Self> {
        crate::pdm::places::Root::new(self.clone())
    }
}
