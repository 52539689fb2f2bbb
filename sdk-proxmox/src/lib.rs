//! Client for Proxmox VE, typed by its published API description and tolerant of what nodes really
//! send.
//!
//! Every operation of the API is a struct in [`pve`]; [`Client::send`] sends it and decodes the
//! answer. Nothing that a node sends is lost: fields the description does not know are in `extra`,
//! rows that do not fit are in `rejected()`, and both are listed in the answer's `drift`.
//!
//! ```no_run
//! # async fn example() -> Result<(), sdk_proxmox::Error> {
//! use std::time::Duration;
//!
//! use sdk_proxmox::pve::{GetClusterResources, PostNodesNodeQemuVmidStatusStart};
//! use sdk_proxmox::{Client, Outcome};
//!
//! let client = Client::builder("https://pve1.example.org:8006")
//!     .host("https://pve2.example.org:8006")
//!     .token("sync@pve!inventory", "00000000-0000-0000-0000-000000000000")
//!     .fingerprint(&"AB:".repeat(32))
//!     .build()?;
//! let resources = client.send(&GetClusterResources::new()).await?.value;
//! for row in resources.iter().filter(|row| row.status.as_deref() == Some("stopped")) {
//!     println!("{:?} on {:?} is stopped", row.name, row.node);
//! }
//! let start = PostNodesNodeQemuVmidStatusStart::new("pve1", 100);
//! match client.run(&start, Duration::from_secs(60)).await {
//!     Ok(Outcome::Failed(why)) => println!("did not start: {why}"),
//!     Ok(_) => println!("started"),
//!     Err(error) if error.is_not_found() => println!("there is no guest 100"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(()) }
//! ```
//!
//! # Errors
//! One [`Error`] for all calls. Ask it what it means (`is_not_found`, `is_node_unreachable`,
//! `is_locked`, ...) instead of matching on status codes: a missing guest is a 500 with a text, an
//! unreachable node a 595, and before release 8.4 the text is in the reason phrase only.
//!
//! # Features
//! - A feature per group of operations: `pve-nodes-qemu`, `pbs-admin`, `pdm-remotes`. The default ones
//!   are what an inventory reads; `pve`, `pbs` and `pdm` are all groups of a product.
//! - `mock`: an in-process Proxmox that keeps state, for tests and demonstrations.
//! - `blocking`: a client whose calls wait for their answers, for programs without async.

#![deny(missing_docs)]

mod answer;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod client;
mod connect;
mod console;
mod counters;
mod error;
mod files;
mod forward;
mod host;
mod http_transport;
mod link;
mod login;
#[cfg(feature = "mock")]
pub mod mock;
pub mod parse;
mod pending;
mod pool;
pub mod prelude;
mod product;
mod release;
mod retry;
mod task;
mod tls;
mod transport;
mod upid;
mod websocket;
mod wire;

/// What this library calls itself.
const USER_AGENT: &str = concat!("sdk-proxmox/", env!("CARGO_PKG_VERSION"));

pub use builder::ClientBuilder;
pub use client::Client;
pub use console::Console;
pub use counters::Counted;
pub use error::{ApiError, BoxError, CallName, ConnectFailure, Error};
pub use files::{Download, FileStream, Upload};
pub use forward::{Forwarded, ForwardedBody, Passed};
pub use pending::Pending;
pub use product::Product;
pub use task::{LogLine, Outcome, Task, TaskState};
pub use transport::{BoxFuture, ByteStream, Reply, Socket, Transport};
pub use upid::{Upid, UpidError};

#[cfg(feature = "pbs-core")]
pub use generated_proxmox::pbs;
#[cfg(feature = "pdm-core")]
pub use generated_proxmox::pdm;
#[cfg(feature = "pve-core")]
pub use generated_proxmox::pve;

pub use proxbox_runtime::{
    Availability, Decoded, Drift, DriftReason, Indexed, Op, OpenEnum, Operation, Payload,
    Permission, PropertyError, PropertyString, Record, Rejected, Release, Request, Rows,
    Unavailable, Value, Violation,
};
