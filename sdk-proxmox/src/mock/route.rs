//! Finds the operation for a path.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proxbox_runtime::{Matched, Method, Op, OpIndex};

use crate::Product;

static PVE: LazyLock<OpIndex> = LazyLock::new(|| OpIndex::new(generated_proxmox::pve::ops()));
static PBS: LazyLock<OpIndex> = LazyLock::new(|| OpIndex::new(generated_proxmox::pbs::ops()));
static PDM: LazyLock<OpIndex> = LazyLock::new(|| OpIndex::new(generated_proxmox::pdm::ops()));

fn index_of(product: Product) -> &'static OpIndex {
    match product {
        Product::Pve => &PVE,
        Product::Pbs => &PBS,
        Product::Pdm => &PDM,
    }
}

/// The operation with exactly this template.
pub(crate) fn op(product: Product, method: Method, template: &str) -> Option<&'static Op> {
    index_of(product).ops().find(|op| op.method == method && op.path == template)
}

/// The template of what is one level below and told apart by a parameter, and its name.
pub(crate) fn child(product: Product, template: &str) -> Option<(&'static str, &'static str)> {
    index_of(product).ops().find_map(|op| {
        let rest = op.path.strip_prefix(template)?.strip_prefix('/')?;
        let name = rest.strip_prefix('{')?.strip_suffix('}')?;
        (!name.contains('/')).then_some((op.path, name))
    })
}

/// The names of what is one level below.
pub(crate) fn names_below(product: Product, template: &str) -> BTreeSet<&'static str> {
    let below = index_of(product).ops().filter_map(|op| {
        let rest = op.path.strip_prefix(template)?.strip_prefix('/')?;
        rest.split('/').next()
    });
    below.filter(|name| !name.starts_with('{')).collect()
}

/// The operation for method and path; names in a path go before parameters.
pub(crate) fn find(product: Product, method: &str, path: &str) -> Option<Matched> {
    index_of(product).find(method, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_before_parameters_and_values_are_decoded() {
        let path = |method, path| find(Product::Pve, method, path).map(|matched| matched.op.path);
        assert_eq!(path("GET", "/nodes/pve01/qemu"), Some("/nodes/{node}/qemu"));
        assert_eq!(path("GET", "/cluster/resources/"), Some("/cluster/resources"));
        assert_eq!(path("GET", "/nodes//qemu"), None);
        assert_eq!(path("HEAD", "/nodes"), None);
        let matched = find(Product::Pve, "GET", "/nodes/a/storage/b/content/b%3Aiso%2Fc.iso");
        let matched = matched.expect("a volume");
        assert_eq!(matched.values["volume"], "b:iso/c.iso");
        let raw = find(Product::Pve, "GET", "/nodes/a/storage/b/content/b:iso/c.iso");
        assert_eq!(raw.expect("a volume").values["volume"], "b:iso/c.iso");
    }
}
