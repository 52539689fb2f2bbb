//! A client for NetBox: typed operations, paging, bulk writes with an error per object, and a mock.
//!
//! The types, filters and operations are generated from NetBox's own API description
//! ([`types`], [`filters`], [`ops`]); the [`Client`] sends them.
//!
//! - [`Client::list`] pages through a list, [`List::stream`] as a stream.
//! - [`Client::create_all`], [`Client::update_all`] and [`Client::delete_all`] write in batches. One
//!   bad object does not cost its batch: each object has its own answer or error.
//! - [`Client::get_or_create`] survives another writer that creates the same object.
//! - [`Error`] tells what failed, on which address, and whether the write may have happened.
//! - [`Client::raw`] and [`Client::graphql`] reach what has no types: plugins and GraphQL.
//!
//! - The feature `blocking` adds a client for code that does not wait asynchronously, the feature
//!   `mock` a NetBox to test against.
//!
//! NetBox ignores a filter that it does not know and then answers with *everything*, so the client
//! refuses filters that the operation does not declare.
//!
//! ```no_run
//! use sdk_netbox::{Client, Error, filters, ops};
//!
//! # async fn run() -> Result<(), Error> {
//! let netbox = Client::builder("https://netbox.example.com")
//!     .token("nbt_key.secret")
//!     .build()?;
//! let web_servers = netbox
//!     .list(&ops::dcim::DEVICES_LIST, [filters::dcim::devices::NAME.isw("web-")])
//!     .fields(["name", "rack"])
//!     .all()
//!     .await?;
//! for device in web_servers {
//!     println!("{} {:?}", device.id, device.name);
//! }
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod address;
mod api_error;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod bulk;
mod changes;
mod client;
mod counters;
mod error;
mod list;
mod objects;
mod raw;
mod release;
mod retry;
mod token;
mod transport;

#[cfg(feature = "mock")]
pub mod mock;

pub use api_error::{ApiError, FieldErrors, RowError, RowKey};
pub use builder::Builder;
pub use bulk::{Bulk, ItemError};
pub use changes::changes;
pub use client::Client;
pub use counters::Counts;
pub use error::{Error, ErrorKind};
pub use list::List;
#[doc(hidden)]
pub use list::cursor_of;
pub use objects::Ensured;
pub use raw::Status;

pub use generated_netbox::{filters, operations, ops, types};
/// Records, requests, queries: what the generated types are made of.
pub use proxbox_runtime as runtime;
pub use proxbox_runtime::{Availability, Release, Unavailable};
