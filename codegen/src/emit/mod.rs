//! From the model to Rust files.

mod call;
mod enums;
mod field;
mod filter;
mod netbox;
mod operation;
mod places;
mod print;
mod proxmox;
mod record;
mod routes;
mod rows;

pub use netbox::emit_netbox;
pub use print::EmitError;
pub use proxmox::{emit_proxmox, emit_proxmox_crate};
pub use routes::emit_routes;

/// A file of a generated crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path below `generated/`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}
