//! Objects of which nothing is foreseen.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Schema;

/// An object that keeps every member as it came.
///
/// In an operation's place for bodies and answers it reads and writes what has no types, or all
/// kinds of objects alike: `Call::<Untyped, Untyped>::new(op)`.
#[derive(Clone, Default)]
pub struct Untyped {
    /// The members by name.
    pub extra: BTreeMap<String, Value>,
}

impl Untyped {
    /// No field is known.
    pub const SCHEMA: &'static Schema = &Schema::new("Untyped", &[]);
}

crate::record! { Untyped {} }

impl From<serde_json::Map<String, Value>> for Untyped {
    fn from(members: serde_json::Map<String, Value>) -> Self {
        Self { extra: members.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_kept_and_given_back() {
        let json = r#"{"id":7,"name":"a","tags":[{"slug":"x"}]}"#;
        let object = crate::decode::<Untyped>(json.as_bytes()).unwrap();
        assert!(object.drift.is_empty());
        assert_eq!(serde_json::to_string(&object.value).unwrap(), json);
    }
}
