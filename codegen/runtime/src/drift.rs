//! Where an answer differs from what upstream published.

use std::fmt;

use serde_json::Value;

/// One difference between an answer and the published description.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Where: `[3].memory`, `cpuinfo.hvm`.
    pub path: String,
    /// What is different.
    pub reason: DriftReason,
    /// What came, cut to its first 200 characters.
    pub came: String,
}

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftReason {
    /// The value is of another kind; it is kept in `extra`.
    Misfit,
    /// A row without the field that tells it from others; it is kept in `rejected`.
    NoIdentity,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            DriftReason::Misfit => "does not fit",
            DriftReason::NoIdentity => "has no identity",
        };
        write!(f, "{} {reason}: {}", self.path, self.came)
    }
}

/// The way to a value, kept on the stack while decoding and only written out for a report.
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

pub(crate) fn report(drift: &mut Vec<Drift>, at: &Path<'_>, reason: DriftReason, came: &Value) {
    let came = came.to_string().chars().take(200).collect();
    drift.push(Drift { path: at.to_string(), reason, came });
}
