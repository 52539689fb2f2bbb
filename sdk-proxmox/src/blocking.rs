//! The client for programs without async: the same calls, each of which waits for its answer.
//!
//! ```no_run
//! # fn example() -> Result<(), sdk_proxmox::Error> {
//! use sdk_proxmox::{Client, blocking};
//!
//! let settings = Client::builder("pve1").token("ci@pve!runner", "secret");
//! let client = blocking::Client::new(settings.build()?)?;
//! for node in client.pve().nodes().get().value()? {
//!     println!("{}", node.node);
//! }
//! # Ok(()) }
//! ```

use std::sync::Arc;
use std::time::Duration;

use proxbox_runtime::{Caller, Decoded, Operation};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, LogLine, Outcome, Upload};

/// A [`crate::Client`] whose calls block the thread. Clones share everything.
#[derive(Debug, Clone)]
pub struct Client {
    client: crate::Client,
    handle: Handle,
    /// Ends with the last clone.
    _thread: Arc<Thread>,
}

/// Ends without waiting, so that the last client may go away within an async task too.
#[derive(Debug)]
struct Thread(Option<Runtime>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// An operation that waits to be sent.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before it is asked for its value"]
pub struct Pending<O> {
    client: Client,
    /// The operation, with its parameters as plain fields.
    pub operation: O,
}

impl Client {
    /// Makes a client block. Starts one thread, which ends with the last clone.
    pub fn new(client: crate::Client) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::Invalid(format!("the client's thread cannot start: {error}"))
        })?;
        let handle = runtime.handle().clone();
        Ok(Self { client, handle, _thread: Arc::new(Thread(Some(runtime))) })
    }

    /// The client that does not block.
    pub fn inner(&self) -> &crate::Client {
        &self.client
    }

    /// Waits for any future: a download of [`Client::inner`], or several calls at a time.
    ///
    /// Within an async task this holds up whatever else its thread has to do.
    pub fn wait_for<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        if Handle::try_current().is_err() {
            return self.handle.block_on(future);
        }
        // A thread that runs async tasks, or is for them to block on, must not wait itself.
        let waited =
            std::thread::scope(|scope| scope.spawn(|| self.handle.block_on(future)).join());
        match waited {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// [`crate::Client::send`]
    pub fn send<O: Operation>(&self, operation: &O) -> Result<Decoded<O::Output>, Error> {
        self.wait_for(self.client.send(operation))
    }

    /// [`crate::Client::run`]
    pub fn run<O>(&self, operation: &O, limit: Duration) -> Result<Outcome, Error>
    where
        O: Operation<Output = Option<String>>,
    {
        self.wait_for(self.client.run(operation, limit))
    }

    /// Waits for the end of a task, for at most `limit`, and hands out the lines of its log.
    pub fn wait_with_log<'a>(
        &self,
        upid: impl Into<Option<&'a str>>,
        limit: Duration,
        line: impl FnMut(LogLine) + Send,
    ) -> Result<Outcome, Error> {
        self.wait_for(self.client.task(upid)?.wait_with_log(limit, line))
    }

    /// [`crate::Client::upload`]
    pub fn upload<O: Operation>(
        &self,
        operation: &O,
        file: Upload,
    ) -> Result<Decoded<O::Output>, Error> {
        self.wait_for(self.client.upload(operation, file))
    }

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

impl Caller for Client {
    type Call<O: Operation> = Pending<O>;

    fn call<O: Operation>(&self, operation: O) -> Pending<O> {
        Pending { client: self.clone(), operation }
    }
}

impl<O: Operation> Pending<O> {
    /// Sets parameters: `.with(|get| get.full(true))`.
    pub fn with(mut self, set: impl FnOnce(O) -> O) -> Self {
        self.operation = set(self.operation);
        self
    }

    /// Sends it and gives the answer's value.
    pub fn value(&self) -> Result<O::Output, Error> {
        Ok(self.send()?.value)
    }

    /// Sends it and decodes the answer, with what beside it came and where it differs from the
    /// description.
    pub fn send(&self) -> Result<Decoded<O::Output>, Error> {
        self.client.send(&self.operation)
    }
}

impl<O: Operation<Output = Option<String>>> Pending<O> {
    /// Sends it and waits for the end of the task that it starts, for at most `limit`.
    pub fn run(&self, limit: Duration) -> Result<Outcome, Error> {
        self.client.run(&self.operation, limit)
    }
}
