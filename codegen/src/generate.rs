//! The whole way from specs to the files of the generated crates.

use serde_json::Value;
use thiserror::Error;

use crate::emit::{EmitError, File, emit_netbox, emit_proxmox, emit_proxmox_crate, emit_routes};
use crate::fixups::{self, Stale};
use crate::history::{Release, add_plugin, join};
use crate::ir::{Api, lower_netbox, lower_proxmox};
use crate::manifest::Manifest;
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
    /// A correction has lost its reason.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// Printing failed.
    #[error("specs/{spec}: {source}")]
    Emit {
        /// The spec.
        spec: String,
        /// Why.
        source: EmitError,
    },
}

/// The specs of one product, oldest release first, joined.
#[derive(Debug)]
pub struct Surface {
    /// The product.
    pub product: Product,
    /// Where its newest spec lies below `specs/`.
    pub path: String,
    /// The releases, oldest first.
    pub releases: Vec<String>,
    /// All releases as one document.
    pub spec: Value,
    /// A correction of the document that no longer applies.
    pub stale: Option<Stale>,
}

/// Each product's releases joined; a plugin's endpoints become part of NetBox. `read` gives the
/// document at a path below `specs/`.
pub fn surfaces<E>(
    manifest: &Manifest,
    mut read: impl FnMut(&str) -> Result<Value, E>,
) -> Result<Vec<Surface>, E> {
    let mut surfaces: Vec<Surface> = Vec::new();
    for product in Product::ALL {
        let releases = manifest.releases(product);
        let Some((newest, _)) = releases.last() else { continue };
        let mut documents = Vec::new();
        for (path, entry) in &releases {
            documents.push((entry.release.as_str(), read(path)?));
        }
        let documents: Vec<Release<'_>> =
            documents.iter().map(|(number, spec)| Release { number, spec }).collect();
        let mut spec = join(&documents);
        let stale = fixups::apply(product, &mut spec, documents.len()).err();
        match surfaces.iter_mut().find(|surface| surface.product == Product::Netbox) {
            Some(netbox) if product == Product::NetboxProxbox => {
                add_plugin(&mut netbox.spec, &spec)
            }
            _ => {
                let releases = releases.iter().map(|(_, entry)| entry.release.clone()).collect();
                let path = (*newest).to_owned();
                surfaces.push(Surface { product, path, releases, spec, stale });
            }
        }
    }
    Ok(surfaces)
}

/// The files of the generated crates, sorted by path.
pub fn generate(surfaces: &[Surface]) -> Result<Vec<File>, GenerateError> {
    let mut files = Vec::new();
    let (mut proxmox, mut releases) = (Vec::new(), Vec::new());
    for surface in surfaces {
        if let Some(stale) = &surface.stale {
            return Err(stale.clone().into());
        }
        let api = lower(surface.product, &surface.spec);
        let (expected, found) = (count(&surface.spec).operations, api.ops.len());
        let spec = || surface.path.clone();
        if expected != found {
            return Err(GenerateError::Lost { spec: spec(), expected, found });
        }
        let emitted = match surface.product {
            Product::Netbox | Product::NetboxProxbox => emit_netbox(&api, &surface.path),
            product => {
                let emitted = emit_proxmox(&api, product, &surface.path);
                proxmox.push((product, api));
                releases.push(surface.releases.as_slice());
                emitted
            }
        };
        files.extend(emitted.map_err(|source| GenerateError::Emit { spec: spec(), source })?);
    }
    if !proxmox.is_empty() {
        files.extend(emit_proxmox_crate(&proxmox));
        files.extend(emit_routes(&proxmox, &releases));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The model of one document.
pub fn lower(product: Product, spec: &Value) -> Api {
    match product {
        Product::Netbox | Product::NetboxProxbox => lower_netbox(spec),
        Product::Pbs | Product::Pdm | Product::Pve => lower_proxmox(spec),
    }
}
