//! The wire contract of the NetBox plugin, translated to runs and reads.

mod about;
pub mod address;
mod body;
mod error;
mod extras;
mod flags;
mod full_update;
mod gate;
mod given;
mod individual;
mod keys;
pub mod netbox_endpoint;
mod patience;
mod proxmox;
pub mod proxmox_endpoints;
mod router;
mod server;
mod socket;
pub(crate) mod sse;
mod stages;

use std::sync::Arc;
use std::time::Duration;

pub use about::CONTRACT_VERSION;
pub(crate) use body::Body;
pub use error::ApiError;
pub(crate) use error::chain;
pub use gate::API_KEY;
pub use router::router;
pub use server::Server;

use crate::auth::Attempts;
use crate::runs::{Lease, Runs};
use crate::store::Store;

/// What handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    /// The state.
    pub store: Store,
    /// The runs.
    pub runs: Runs,
    /// Wrong keys of late.
    pub attempts: Arc<Attempts>,
    /// How long a stream is silent at most.
    pub keepalive: Duration,
}

impl App {
    /// Handlers' state over a store.
    pub fn new(store: Store) -> Self {
        let runs = Runs::new(store.clone(), Lease::default());
        Self { store, runs, attempts: Arc::default(), keepalive: Duration::from_secs(15) }
    }
}
