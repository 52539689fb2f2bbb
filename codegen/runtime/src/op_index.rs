//! Finds the operation for a method and a path.

use std::collections::BTreeMap;

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
    by_method: BTreeMap<&'static str, BTreeMap<usize, Vec<Template>>>,
}

/// An operation with its path split into segments.
type Template = (&'static Op, Vec<Segment>);

/// A segment of an operation's path.
#[derive(Debug, Clone, Copy)]
enum Segment {
    Name(&'static str),
    Parameter(&'static str),
}

impl OpIndex {
    /// An index of these operations.
    pub fn new(ops: impl IntoIterator<Item = &'static Op>) -> Self {
        let mut by_method: BTreeMap<_, BTreeMap<usize, Vec<Template>>> = BTreeMap::new();
        for op in ops {
            let template: Vec<Segment> = split(op.path).into_iter().map(Segment::of).collect();
            let by_length = by_method.entry(op.method.as_str()).or_default();
            by_length.entry(template.len()).or_default().push((op, template));
        }
        Self { by_method }
    }

    /// All operations, by method and length of their path.
    pub fn ops(&self) -> impl Iterator<Item = &'static Op> {
        self.by_method.values().flat_map(BTreeMap::values).flatten().map(|(op, _)| *op)
    }

    /// The operation for method and path; names in a path go before parameters.
    pub fn find(&self, method: &str, path: &str) -> Option<Matched> {
        let segments = split(path);
        let best = self
            .of_shape(method, segments.len())
            .filter_map(|(op, template)| Some((op, template, fits(template, &segments)?)))
            .min_by_key(|(.., parameters)| *parameters);
        match best {
            Some((op, template, _)) => Some(Matched { op, values: values(template, &segments) }),
            None => self.rest_of_path(method, &segments),
        }
    }

    /// The methods that a path takes.
    pub fn methods(&self, path: &str) -> Vec<&'static str> {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        known.into_iter().filter(|method| self.find(method, path).is_some()).collect()
    }

    fn of_shape(&self, method: &str, length: usize) -> impl Iterator<Item = &Template> {
        self.by_method.get(method).and_then(|of| of.get(&length)).into_iter().flatten()
    }

    /// `{volume}` takes the rest of the path: volumes hold slashes, and some clients send them as such.
    fn rest_of_path(&self, method: &str, segments: &[&str]) -> Option<Matched> {
        let at = segments.iter().position(|segment| *segment == "content")? + 1;
        let volume = segments.get(at..).filter(|rest| !rest.is_empty())?.join("/");
        let mut shorter: Vec<&str> = segments[..at].to_vec();
        shorter.push(&volume);
        let mut candidates = self.of_shape(method, shorter.len());
        let (op, template) = candidates.find(|(op, template)| {
            op.path.ends_with("/content/{volume}") && fits(template, &shorter).is_some()
        })?;
        Some(Matched { op, values: values(template, &shorter) })
    }
}

fn split(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').collect()
}

impl Segment {
    fn of(text: &'static str) -> Self {
        let parameter = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        parameter.map_or(Self::Name(text), Self::Parameter)
    }
}

/// The number of parameters in a template, if the path fits it.
fn fits(template: &[Segment], segments: &[&str]) -> Option<usize> {
    let mut parameters = 0;
    for (part, segment) in template.iter().zip(segments) {
        match part {
            Segment::Name(name) if name == segment => {}
            Segment::Parameter(_) if !segment.is_empty() => parameters += 1,
            _ => return None,
        }
    }
    Some(parameters)
}

fn values(template: &[Segment], segments: &[&str]) -> BTreeMap<&'static str, String> {
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let of_parameter = |(part, segment): (&Segment, &&str)| match part {
        Segment::Parameter(name) => Some((*name, decoded(segment))),
        Segment::Name(_) => None,
    };
    template.iter().zip(segments).filter_map(of_parameter).collect()
}
