//! One request as the handlers see it.

use std::collections::BTreeMap;

use proxbox_runtime::Op;
use serde_json::{Map, Value};

use super::GuestKind;

/// One request as the handlers see it: known operation, checked parameters, known sender.
pub(crate) struct Call {
    pub(crate) op: &'static Op,
    /// Values in the path.
    pub(crate) path: BTreeMap<&'static str, String>,
    /// Parameters of query and body.
    pub(crate) params: Map<String, Value>,
    /// `user@realm`, or `user@realm!name` for a token; empty where none is needed.
    pub(crate) user: String,
}

impl Call {
    /// The segments of the path, with all values in place.
    pub(crate) fn place(&self) -> Vec<String> {
        let value =
            |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                Some(name) => self.at(name).to_owned(),
                None => segment.to_owned(),
            };
        self.op.path.split('/').filter(|part| !part.is_empty()).map(value).collect()
    }

    /// A value of the path.
    pub(crate) fn at(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A parameter as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.params.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(truth) => Some(u8::from(*truth).to_string()),
            other => Some(other.to_string()),
        }
    }

    /// A parameter as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// Whether a parameter is given and true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).as_deref() == Some("1")
    }

    /// The guest number in the path.
    pub(crate) fn vmid(&self) -> u32 {
        self.at("vmid").parse().unwrap_or(0)
    }

    /// Which kind of guest the path is about.
    pub(crate) fn kind(&self) -> GuestKind {
        match self.op.path.contains("/lxc") {
            true => GuestKind::Lxc,
            false => GuestKind::Qemu,
        }
    }
}
