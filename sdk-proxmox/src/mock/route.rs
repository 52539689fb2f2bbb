//! Finds the operation for a path.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use proxbox_runtime::Op;

/// An operation, and the values in its path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matched {
    pub(crate) op: &'static Op,
    pub(crate) values: BTreeMap<&'static str, String>,
}

/// Operations by method and length of their path, split into segments.
type Index = HashMap<(&'static str, usize), Vec<(&'static Op, Vec<&'static str>)>>;

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::new();
    for op in generated_proxmox::pve::ops() {
        let template = split(op.path);
        index.entry((op.method.as_str(), template.len())).or_default().push((op, template));
    }
    index
});

/// The operation for method and path; names in a path go before parameters.
pub(crate) fn find(method: &str, path: &str) -> Option<Matched> {
    let segments = split(path);
    let method = METHODS.iter().find(|known| **known == method)?;
    let candidates = INDEX.get(&(*method, segments.len()))?;
    candidates
        .iter()
        .filter_map(|(op, template)| Some(Matched { op, values: values(template, &segments)? }))
        .min_by_key(|matched| matched.values.len())
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
        let path = |method, path| find(method, path).map(|matched| matched.op.path);
        assert_eq!(path("GET", "/nodes/pve01/qemu"), Some("/nodes/{node}/qemu"));
        assert_eq!(path("GET", "/cluster/resources/"), Some("/cluster/resources"));
        assert_eq!(path("GET", "/nodes//qemu"), None);
        assert_eq!(path("HEAD", "/nodes"), None);
        let matched = find("GET", "/nodes/a/storage/b/content/b%3Aiso%2Fc.iso");
        let matched = matched.expect("a volume");
        assert_eq!(matched.values["volume"], "b:iso/c.iso");
    }
}
