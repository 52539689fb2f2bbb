//! From a published description to an OpenAPI document that holds facts only.

mod formats;
mod netbox;
mod pattern;
mod permission;
mod proxmox;
mod schema;
mod typetext;
mod unit;

pub use netbox::{normalize_netbox, normalize_plugin};
pub use pattern::in_rust;
pub use proxmox::normalize_proxmox;

use std::collections::BTreeSet;

use serde_json::Value;

/// A normalised description.
#[derive(Debug)]
pub struct Normalized {
    /// The OpenAPI 3.0 document.
    pub spec: Value,
    /// Keywords of the source that no rule here knows; what they said is left out.
    pub unknown_keywords: BTreeSet<String>,
}
