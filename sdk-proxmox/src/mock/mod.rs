//! An in-process Proxmox VE that keeps state, for tests and demonstrations.
//!
//! It listens on a loopback port and speaks plain HTTP/1.1: paths and parameters are checked against
//! the generated description, envelope, error texts, logins and tasks are Proxmox's. Guests, nodes,
//! storages, pools and tasks are modelled; whatever else is created, listed, changed and removed keeps
//! its state by the shape of the API alone. What is neither is answered with what the description
//! allows, and a call that starts a task starts one that does nothing: [`Cluster::strict`] refuses both
//! with 501. [`Cluster::of`] is a Backup Server or a Datacenter Manager.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sdk_proxmox::mock::{Cluster, Mock};
//!
//! let mock = Mock::start(Cluster::demo(3, 20, 1)).await?;
//! let client = mock.client().build()?;
//! mock.with(|cluster| cluster.rename(100, "web-renamed"))?;
//! # drop(client);
//! # Ok(()) }
//! ```

mod access;
mod answer;
mod api;
mod call;
mod cluster;
mod demo;
mod fault;
mod filled;
mod generic;
mod guest;
mod journal;
mod listener;
mod load;
mod node;
mod old;
mod params;
mod program;
mod property;
mod rights;
mod route;
mod serve;
mod shape;
mod task;
mod terminal;
mod tls_front;
mod upload;
mod volumes;
mod words;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use cluster::{Cluster, NoSuch, Pool, User};
pub use fault::{Fault, Trouble};
pub use guest::{Guest, GuestKind, Snapshot};
pub use journal::Recorded;
pub use node::Node;
pub use tls_front::TlsFront;

use crate::{Client, ClientBuilder};

/// State that the server's tasks share with the handle.
pub(crate) struct Shared {
    cluster: Mutex<Cluster>,
    journal: Mutex<Vec<Recorded>>,
    faults: Mutex<Vec<Fault>>,
    load: load::Load,
}

/// A running mock. Dropping it stops it.
pub struct Mock {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Mock {
    /// Starts a mock of `cluster` on a free loopback port.
    pub async fn start(cluster: Cluster) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), cluster).await
    }

    /// Starts a mock of `cluster` on this address.
    pub async fn start_on(address: SocketAddr, cluster: Cluster) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            cluster: Mutex::new(cluster),
            journal: Mutex::default(),
            faults: Mutex::default(),
            load: load::Load::default(),
        });
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve::run(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop: Some(stop), server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of the API token that it takes, `user@realm!name`.
    pub fn token_id(&self) -> String {
        self.with(|cluster| cluster.token_id.clone())
    }

    /// The secret of that token.
    pub fn token_secret(&self) -> String {
        self.with(|cluster| cluster.token_secret.clone())
    }

    /// Settings for a client of this mock, with its token and without retries.
    pub fn client(&self) -> ClientBuilder {
        Client::builder(&self.url()).token(self.token_id(), self.token_secret()).retries(0)
    }

    /// Looks at or changes the cluster between requests.
    pub fn with<T>(&self, change: impl FnOnce(&mut Cluster) -> T) -> T {
        change(&mut lock(&self.shared.cluster))
    }

    /// All requests since the start or the last [`Mock::forget_requests`], in order.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.journal).clone()
    }

    /// Empties the list of requests.
    pub fn forget_requests(&self) {
        lock(&self.shared.journal).clear();
    }

    /// The most requests that were being answered at the same time.
    pub fn busiest(&self) -> usize {
        self.shared.load.most()
    }

    /// Makes requests fail. The first fault that matches a request is used.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// Takes all faults back.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Stops listening and ends open connections; later connections are refused.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // A request held up by a fault must not hold up the end.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.server).await;
        self.server.abort();
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A panic in a test's closure must not hide behind a second one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
