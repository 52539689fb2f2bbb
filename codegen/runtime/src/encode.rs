//! One writer for every record.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use crate::{Record, Slot, View};

/// Writes a record: its fields, then what is kept in `extra`.
pub fn encode<S: Serializer>(record: &dyn Record, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    for (index, field) in record.schema().fields.iter().enumerate() {
        match record.view(index).shown() {
            View::Absent => {}
            View::Indexed(members) => {
                let prefix = field.name.trim_end_matches("[n]");
                for (number, member) in members {
                    map.serialize_entry(&format!("{prefix}{number}"), &member)?;
                }
            }
            view => map.serialize_entry(field.name, &view)?,
        }
    }
    for (name, value) in record.extra() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// A record as a JSON value.
pub fn record_to_value(record: &dyn Record) -> Value {
    view_to_value(&View::Record(record))
}

/// What a slot holds as a JSON value; nothing is `null`.
pub fn to_value(slot: &dyn Slot) -> Value {
    view_to_value(&slot.shown())
}

fn view_to_value(view: &View<'_>) -> Value {
    // Keys are text and numbers finite, so nothing here can fail.
    serde_json::to_value(view).unwrap_or_default()
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            View::Absent | View::Null => to.serialize_unit(),
            View::Bool(value) => to.serialize_bool(*value),
            View::Int(value) => to.serialize_i64(*value),
            View::Float(value) => to.serialize_f64(*value),
            View::Text(text) => to.serialize_str(text),
            View::Json(value) => value.serialize(to),
            View::Record(record) => encode(*record, to),
            View::Map(entries) => entries.serialize(to),
            View::List(items) => {
                let mut seq = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            View::Indexed(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for (number, member) in members {
                    map.serialize_entry(number, member)?;
                }
                map.end()
            }
        }
    }
}
