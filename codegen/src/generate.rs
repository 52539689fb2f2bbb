//! The whole way from specs to the files of the generated crates.

use serde_json::Value;
use thiserror::Error;

use crate::emit::{EmitError, File, emit_netbox, emit_proxmox, emit_routes};
use crate::ir::{Api, lower_netbox, lower_proxmox};
use crate::normalize::VIEWER;
use crate::product::Product;
use crate::spec::count;

/// Why a spec did not become Rust.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// An operation of the spec is missing in the model: never skipped silently.
    #[error("specs/{spec} has {expected} operations, the model {found}")]
    Lost {
        /// The spec.
        spec: String,
        /// Operations in it.
        expected: usize,
        /// Operations in the model.
        found: usize,
    },
    /// Printing failed.
    #[error("specs/{spec}: {source}")]
    Emit {
        /// The spec.
        spec: String,
        /// Why.
        source: EmitError,
    },
}

/// The files that one spec becomes, sorted by path.
pub fn generate(product: Product, path: &str, spec: &Value) -> Result<Vec<File>, GenerateError> {
    let api = lower(product, spec);
    let (expected, found) = (count(spec).operations, api.ops.len());
    if expected != found {
        return Err(GenerateError::Lost { spec: path.to_owned(), expected, found });
    }
    let mut files = match product {
        Product::Netbox => emit_netbox(&api, path),
        Product::Pve => emit_proxmox(&api, path, VIEWER).map(|mut files| {
            files.push(emit_routes(&api, path));
            files
        }),
    }
    .map_err(|source| GenerateError::Emit { spec: path.to_owned(), source })?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The model of one spec.
pub fn lower(product: Product, spec: &Value) -> Api {
    match product {
        Product::Netbox => lower_netbox(spec),
        Product::Pve => lower_proxmox(spec),
    }
}
