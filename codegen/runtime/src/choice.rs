//! NetBox's choice fields: read as value and label, written as the value.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Field, FieldFlags, Kind, Record, Scalar, Schema, Slot};

/// A choice: `{"value": "active", "label": "Active"}` in answers, `"active"` in requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice<E> {
    /// The value that the API works with.
    pub value: E,
    /// What NetBox shows for it.
    pub label: Option<String>,
    /// Other members of the object.
    pub extra: BTreeMap<String, Value>,
}

impl<E> From<E> for Choice<E> {
    fn from(value: E) -> Self {
        Self { value, label: None, extra: BTreeMap::new() }
    }
}

static SCHEMA: Schema = Schema::new(
    "Choice",
    &[
        Field::new("label", Kind::Text, FieldFlags::NONE),
        Field::new("value", Kind::Any, FieldFlags::REQUIRED),
    ],
);

impl<E: Slot + Default> Record for Choice<E> {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
    fn slot(&mut self, index: usize) -> &mut dyn Slot {
        match index {
            0 => &mut self.label,
            1 => &mut self.value,
            _ => &mut self.extra,
        }
    }
    fn view(&self, index: usize) -> &dyn Slot {
        match index {
            0 => &self.label,
            1 => &self.value,
            _ => &self.extra,
        }
    }
    fn bare(&mut self, scalar: Scalar<'_>) -> bool {
        self.value.scalar(scalar)
    }
}
