//! NetBox objects as the planner sees them: fields, and references between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::{Fields, Kind, OUR_TAG};

/// Names an object within one plan, whether NetBox has it yet or not: kind and a readable path,
/// `lab/100/net0` for an interface of guest 100.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The object's kind.
    pub kind: Kind,
    /// The path, unique within the kind.
    pub path: String,
}

impl Key {
    /// The key with this path.
    pub fn new(kind: Kind, path: impl Into<String>) -> Self {
        let mut path = path.into();
        // There are a hundred thousand of them.
        path.shrink_to_fit();
        Self { kind, path }
    }

    /// The path of what the object belongs to: `lab/100` for `lab/100/scsi0`.
    pub fn parent(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(parent, _)| parent)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path)
    }
}

/// A reference to an object that exists, or that an earlier operation of the plan creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// NetBox has it under this id.
    Id(i64),
    /// The plan creates it.
    New(Key),
}

impl Ref {
    /// The id, if NetBox has the object already.
    pub const fn id(&self) -> Option<i64> {
        match self {
            Self::Id(id) => Some(*id),
            Self::New(_) => None,
        }
    }
}

/// A field's value in the form in which values are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Not set.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with two digits after the point, counted in hundredths: NetBox keeps vCPUs so.
    Hundredths(i64),
    /// Text, or the value of a choice.
    Text(String),
    /// Another object.
    Ref(Ref),
    /// Several other objects.
    Refs(BTreeSet<Ref>),
    /// A set of names: slugs of tags, model names.
    Set(Arc<BTreeSet<String>>),
    /// Custom fields by name.
    Custom(BTreeMap<String, serde_json::Value>),
    /// Any JSON.
    Json(serde_json::Value),
}

/// A set with our tag alone.
pub fn only_our_tag() -> Value {
    static OURS: LazyLock<Arc<BTreeSet<String>>> =
        LazyLock::new(|| BTreeSet::from([OUR_TAG.to_owned()]).into());
    Value::Set(OURS.clone())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Ref> for Value {
    fn from(value: Ref) -> Self {
        Self::Ref(value)
    }
}

/// Nothing is null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An object that NetBox holds, with the fields that the planner looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// NetBox's id.
    pub id: i64,
    /// What NetBox holds; fields that are not set are absent.
    pub fields: Fields,
}

impl Existing {
    /// The text in a field; empty when it is not set.
    pub fn text(&self, field: &str) -> &str {
        match self.fields.get(field) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The id that a field refers to.
    pub fn reference(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            Some(Value::Ref(reference)) => reference.id(),
            _ => None,
        }
    }

    /// The whole number in a field.
    pub fn int(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A whole number out of the custom fields.
    pub fn custom_int(&self, name: &str) -> Option<i64> {
        match self.fields.get("custom_fields") {
            Some(Value::Custom(values)) => values.get(name).and_then(serde_json::Value::as_i64),
            _ => None,
        }
    }

    /// Whether the object carries the tag with this slug.
    pub fn has_tag(&self, slug: &str) -> bool {
        matches!(self.fields.get("tags"), Some(Value::Set(slugs)) if slugs.contains(slug))
    }
}
