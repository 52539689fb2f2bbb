//! An in-process NetBox that keeps state and enforces NetBox's rules, for tests and demos.
//!
//! It is driven by the generated descriptions ([`operations`](crate::operations)): every collection has its
//! routes, fields, choices, references and filters. What NetBox does not publish (uniqueness,
//! defaults, what a deletion takes along) is in `models.txt`.
//!
//! Not there: GraphQL (404, as where it is switched off), permissions of users (everyone is an
//! administrator), paths of cables through patch panels, and what runs in the background. What NetBox
//! has and the mock does not is answered 501 by name.
//!
//! ```
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use sdk_netbox::{Client, mock::Mock};
//!
//! let mock = Mock::start().await?;
//! let netbox = Client::builder(mock.url()).token(mock.token()).build()?;
//! assert_eq!(netbox.status().await?.release(), Some((4, 6)));
//! assert_eq!(mock.requests().len(), 1);
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
//! ```

mod addresses;
mod allocate;
mod answer;
mod cables;
mod changelog;
mod check;
mod connection;
mod context;
mod custom_fields;
mod delete;
mod fault;
mod filter;
mod hosts;
mod keep;
mod list;
mod lookup;
mod model;
mod order;
mod racks;
mod reference;
mod relations;
mod render;
mod route;
mod rules;
mod server;
mod service;
mod state;
mod templates;
mod tokens;
mod unique;
mod write;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use fault::{Fault, FaultKind};
pub use server::{Costs, Seen};

use server::World;

/// A NetBox that lives as long as this value.
#[derive(Debug)]
pub struct Mock {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    task: JoinHandle<()>,
}

/// The token that every mock accepts.
const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

impl Mock {
    /// Starts a mock on a free port of the loopback address.
    pub async fn start() -> io::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a mock on the given address.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(Mutex::new(World::new(format!("http://{address}"))));
        let task = tokio::spawn(server::serve(listener, Arc::clone(&world)));
        Ok(Self { address, world, task })
    }

    /// Installs the plugin netbox-proxbox: its collections, and its settings.
    pub fn install_proxbox(&self) {
        let mut world = self.world();
        world.state.plugin = true;
        write::seed_plugin(&mut world.state);
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A v1 token with all permissions.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The name and the password of the administrator, for `/api/users/tokens/provision/`.
    pub fn administrator(&self) -> (&'static str, &'static str) {
        ("admin", tokens::PASSWORD)
    }

    /// Takes an object over as a NetBox answered it, under its own id, with what it refers to as far
    /// as the answer tells; nothing where the collection (`dcim/sites`) or the id is missing.
    pub fn keep(&self, collection: &str, object: &Value) -> Option<i64> {
        let model = model::models().get(collection)?;
        keep::keep(&mut self.world().state, model, object)
    }

    /// Forgets an object without a trace: nothing is checked, and nothing noted in the log.
    pub fn forget(&self, collection: &str, id: i64) -> bool {
        let model = model::models().get(collection);
        model.is_some_and(|model| keep::forget(&mut self.world().state, model, id))
    }

    /// Takes as long as a real NetBox would, or a part of it.
    pub fn set_costs(&self, costs: Costs) {
        self.world().costs = costs;
    }

    /// Keeps what comes with requests from now on.
    pub fn keep_bodies(&self) {
        self.world().keep_bodies = true;
    }

    /// The requests so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Seen> {
        self.world().seen.clone()
    }

    /// How many requests that write came so far.
    pub fn writes(&self) -> usize {
        let world = self.world();
        let reads = ["GET", "HEAD", "OPTIONS"];
        world.seen.iter().filter(|seen| !reads.contains(&seen.method.as_str())).count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.world().seen.clear();
    }

    /// Lets something go wrong.
    pub fn fault(&self, fault: Fault) {
        self.world().faults.push(fault);
    }

    /// The most objects on one page; 1,000 unless set.
    pub fn set_max_page_size(&self, objects: usize) {
        self.world().state.max_page = objects.max(1);
    }

    /// How many objects a collection (`dcim/sites`) holds.
    pub fn count(&self, collection: &str) -> usize {
        self.world().state.table(collection).map_or(0, |table| table.rows.len())
    }

    /// All objects of a collection, as a request would answer them.
    pub fn objects(&self, collection: &str) -> Vec<Value> {
        let world = self.world();
        let Some(model) = model::models().get(collection) else {
            return Vec::new();
        };
        let table = world.state.table(collection);
        let rows = table.into_iter().flat_map(|table| &table.rows);
        rows.map(|(id, row)| render::object(&world.state, model, *id, row)).collect()
    }

    /// Ends the mock: connections break and the port is free.
    pub async fn stop(mut self) {
        self.task.abort();
        // An aborted task ends with an error that says so.
        let _ = (&mut self.task).await;
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.task.abort();
    }
}
