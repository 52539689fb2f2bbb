//! Finds the operation for a method and a path.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::percent_decode_str;

use crate::Op;

/// An operation, and the values in its path, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// The operation.
    pub op: &'static Op,
    /// The values for its path parameters.
    pub values: BTreeMap<&'static str, String>,
}

/// Operations by method and length of their path.
#[derive(Debug)]
pub struct OpIndex {
    by_shape: HashMap<(&'static str, usize), Vec<Template>>,
}

/// An operation with its path split into segments.
type Template = (&'static Op, Vec<&'static str>);

impl OpIndex {
    /// An index of these operations.
    pub fn new(ops: impl IntoIterator<Item = &'static Op>) -> Self {
        let mut by_shape: HashMap<_, Vec<Template>> = HashMap::new();
        for op in ops {
            let template = split(op.path);
            by_shape.entry((op.method.as_str(), template.len())).or_default().push((op, template));
        }
        Self { by_shape }
    }

    /// All operations, in no order.
    pub fn ops(&self) -> impl Iterator<Item = &'static Op> {
        self.by_shape.values().flatten().map(|(op, _)| *op)
    }

    /// The operation for method and path; names in a path go before parameters.
    pub fn find(&self, method: &str, path: &str) -> Option<Matched> {
        let segments = split(path);
        let best = self
            .of_shape(method, segments.len())
            .filter_map(|(op, template)| Some((op, fits(template, &segments)?)))
            .min_by_key(|(_, parameters)| *parameters);
        match best {
            Some((op, _)) => Some(Matched { op, values: values(op, &segments) }),
            None => self.rest_of_path(method, &segments),
        }
    }

    /// The methods that a path takes.
    pub fn methods(&self, path: &str) -> Vec<&'static str> {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        known.into_iter().filter(|method| self.find(method, path).is_some()).collect()
    }

    fn of_shape(&self, method: &str, length: usize) -> impl Iterator<Item = &Template> {
        // The key wants a name that lives for ever; the five of them do.
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let method = known.into_iter().find(|known| *known == method);
        method.and_then(|method| self.by_shape.get(&(method, length))).into_iter().flatten()
    }

    /// `{volume}` takes the rest of the path: volumes hold slashes, and some clients send them as such.
    fn rest_of_path(&self, method: &str, segments: &[&str]) -> Option<Matched> {
        let at = segments.iter().position(|segment| *segment == "content")? + 1;
        let volume = segments.get(at..).filter(|rest| !rest.is_empty())?.join("/");
        let mut shorter: Vec<&str> = segments[..at].to_vec();
        shorter.push(&volume);
        let mut candidates = self.of_shape(method, shorter.len());
        let (op, _) = candidates.find(|(op, template)| {
            op.path.ends_with("/content/{volume}") && fits(template, &shorter).is_some()
        })?;
        Some(Matched { op, values: values(op, &shorter) })
    }
}

fn split(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').collect()
}

fn parameter(part: &str) -> Option<&str> {
    part.strip_prefix('{').and_then(|part| part.strip_suffix('}'))
}

/// The number of parameters in a template, if the path fits it.
fn fits(template: &[&'static str], segments: &[&str]) -> Option<usize> {
    let mut parameters = 0;
    for (part, segment) in template.iter().zip(segments) {
        match parameter(part) {
            Some(_) if segment.is_empty() => return None,
            Some(_) => parameters += 1,
            None if part == segment => {}
            None => return None,
        }
    }
    Some(parameters)
}

fn values(op: &'static Op, segments: &[&str]) -> BTreeMap<&'static str, String> {
    let pairs = split(op.path).into_iter().zip(segments);
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    pairs.filter_map(|(part, segment)| Some((parameter(part)?, decoded(segment)))).collect()
}
