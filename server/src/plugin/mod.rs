//! The wire contract of the NetBox plugin, translated to runs and reads.

mod about;
mod admin;
mod cache;
pub mod endpoints;
mod extras;
mod flags;
mod full_update;
mod given;
mod individual;
mod keys;
pub mod netbox_endpoint;
mod netbox_reads;
mod proxmox;
mod routes;
mod socket;
mod stages;

pub use about::CONTRACT_VERSION;
pub(crate) use routes::routes;
