//! Finds the operation for a path.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use proxbox_runtime::{Method, Op};

use crate::Product;

/// An operation, and the values in its path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matched {
    pub(crate) op: &'static Op,
    pub(crate) values: BTreeMap<&'static str, String>,
}

/// Operations by method and length of their path, split into segments.
type Index = HashMap<(&'static str, usize), Vec<(&'static Op, Vec<&'static str>)>>;

static PVE: LazyLock<Index> = LazyLock::new(|| index(generated_proxmox::pve::ops()));
static PBS: LazyLock<Index> = LazyLock::new(|| index(generated_proxmox::pbs::ops()));
static PDM: LazyLock<Index> = LazyLock::new(|| index(generated_proxmox::pdm::ops()));

fn index(ops: impl Iterator<Item = &'static Op>) -> Index {
    let mut index = Index::new();
    for op in ops {
        let template = split(op.path);
        index.entry((op.method.as_str(), template.len())).or_default().push((op, template));
    }
    index
}

fn index_of(product: Product) -> &'static Index {
    match product {
        Product::Pve => &PVE,
        Product::Pbs => &PBS,
        Product::Pdm => &PDM,
    }
}

/// The operation with exactly this template.
pub(crate) fn op(product: Product, method: Method, template: &str) -> Option<&'static Op> {
    let wanted = split(template);
    let candidates = index_of(product).get(&(method.as_str(), wanted.len()))?;
    candidates.iter().find(|(op, _)| op.path == template).map(|(op, _)| *op)
}

/// The template of what is one level below and told apart by a parameter, and its name.
pub(crate) fn child(product: Product, template: &str) -> Option<(&'static str, &'static str)> {
    let length = split(template).len() + 1;
    let below = METHODS.iter().filter_map(|method| index_of(product).get(&(*method, length)));
    below.flatten().find_map(|(op, _)| {
        let rest = op.path.strip_prefix(template)?.strip_prefix('/')?;
        let name = rest.strip_prefix('{')?.strip_suffix('}')?;
        Some((op.path, name))
    })
}

/// The names of what is one level below.
pub(crate) fn names_below(product: Product, template: &str) -> BTreeSet<&'static str> {
    let all = index_of(product).values().flatten();
    let below = all.filter_map(|(op, _)| {
        let rest = op.path.strip_prefix(template)?.strip_prefix('/')?;
        rest.split('/').next()
    });
    below.filter(|name| !name.starts_with('{')).collect()
}

/// The operation for method and path; names in a path go before parameters.
pub(crate) fn find(product: Product, method: &str, path: &str) -> Option<Matched> {
    let segments = split(path);
    let method = METHODS.iter().find(|known| **known == method)?;
    let exact = index_of(product).get(&(*method, segments.len()));
    let exact = exact
        .into_iter()
        .flatten()
        .filter_map(|(op, template)| Some(Matched { op, values: values(template, &segments)? }))
        .min_by_key(|matched| matched.values.len());
    exact.or_else(|| rest_of_path(product, method, &segments))
}

/// `{volume}` takes the rest of the path: volumes hold slashes, and some clients send them as such.
fn rest_of_path(product: Product, method: &str, segments: &[&str]) -> Option<Matched> {
    let at = segments.iter().position(|segment| *segment == "content")? + 1;
    let volume = segments.get(at..)?.join("/");
    let mut shorter: Vec<&str> = segments[..at].to_vec();
    shorter.push(&volume);
    let (_, candidates) = index_of(product)
        .iter()
        .find(|((of, length), _)| *of == method && *length == shorter.len())?;
    candidates.iter().find_map(|(op, template)| {
        let named = op.path.ends_with("/content/{volume}");
        named.then(|| Some(Matched { op, values: values(template, &shorter)? })).flatten()
    })
}

const METHODS: [&str; 4] = ["DELETE", "GET", "POST", "PUT"];

fn split(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').collect()
}

/// The values for a template's parameters, if the path fits it.
fn values(template: &[&'static str], segments: &[&str]) -> Option<BTreeMap<&'static str, String>> {
    let mut values = BTreeMap::new();
    for (part, segment) in template.iter().zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => {
                let value = percent_decode_str(segment).decode_utf8_lossy().into_owned();
                values.insert(name, value);
            }
            None if part == segment => {}
            None => return None,
        }
    }
    Some(values)
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
