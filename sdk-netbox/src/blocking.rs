//! The client for programs without async: the same calls, each of which waits for its answer.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sdk_netbox::{Client, blocking, ops};
//!
//! let settings = Client::builder("https://netbox.example.org").token("...");
//! let netbox = blocking::Client::new(settings.build()?)?;
//! for site in netbox.wait_for(netbox.inner().list(&ops::dcim::SITES_LIST, []).all())? {
//!     println!("{:?}", site.name);
//! }
//! # Ok(()) }
//! ```

use std::io;
use std::sync::Arc;

use proxbox_runtime::{Call, Record, Slot};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Bulk, Error};

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

impl Client {
    /// Makes a client block. Starts one thread, which ends with the last clone.
    pub fn new(client: crate::Client) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self { client, handle, _thread: Arc::new(Thread(Some(runtime))) })
    }

    /// The client that does not block.
    pub fn inner(&self) -> &crate::Client {
        &self.client
    }

    /// Waits for any future, a list of [`Client::inner`] for instance.
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

    /// [`crate::Client::get`]
    pub fn get<R: Slot + Default + Send>(&self, call: &Call<(), R>, id: i64) -> Result<R, Error> {
        self.wait_for(self.client.get(call, id))
    }

    /// [`crate::Client::create`]
    pub fn create<B, R>(&self, call: &Call<B, R>, body: &B) -> Result<R, Error>
    where
        B: Record,
        R: Slot + Default + Send,
    {
        self.wait_for(self.client.create(call, body))
    }

    /// [`crate::Client::update`]
    pub fn update<B, R>(&self, call: &Call<B, R>, id: i64, body: &B) -> Result<R, Error>
    where
        B: Record,
        R: Slot + Default + Send,
    {
        self.wait_for(self.client.update(call, id, body))
    }

    /// [`crate::Client::delete`]
    pub fn delete<B, R>(&self, call: &Call<B, R>, id: i64) -> Result<(), Error> {
        self.wait_for(self.client.delete(call, id))
    }

    /// [`crate::Client::create_all`]
    pub fn create_all<B, R>(&self, call: &Call<B, R>, bodies: &[B]) -> Result<Bulk<R>, Error>
    where
        B: Record,
        R: Slot + Default + Send,
    {
        self.wait_for(self.client.create_all(call, bodies))
    }

    /// [`crate::Client::delete_all`]
    pub fn delete_all<'a, B, R>(
        &self,
        call: &Call<B, R>,
        ids: &[i64],
        message: impl Into<Option<&'a str>> + Send,
    ) -> Result<Bulk<()>, Error> {
        self.wait_for(self.client.delete_all(call, ids, message))
    }
}
