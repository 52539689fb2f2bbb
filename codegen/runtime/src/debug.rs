//! `Debug` for records: set fields only, secrets masked.

use std::fmt;

use crate::{FieldFlags, Record, View};

/// Formats a record by its schema. Secret fields show as `<redacted>`.
pub fn debug(record: &dyn Record, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(record.schema().name);
    for (index, field) in record.schema().fields.iter().enumerate() {
        match record.view(index).shown() {
            View::Absent => {}
            View::Indexed(members) if members.is_empty() => {}
            _ if field.flags.has(FieldFlags::SECRET) => {
                shown.field(field.name, &format_args!("<redacted>"));
            }
            view => {
                shown.field(field.name, &Shown(&view));
            }
        }
    }
    if !record.extra().is_empty() {
        shown.field("extra", record.extra());
    }
    shown.finish()
}

struct Shown<'a>(&'a View<'a>);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            View::Absent | View::Null => f.write_str("null"),
            View::Bool(value) => value.fmt(f),
            View::Int(value) => value.fmt(f),
            View::Float(value) => value.fmt(f),
            View::Text(text) => text.fmt(f),
            View::Json(value) => value.fmt(f),
            View::Map(entries) => entries.fmt(f),
            View::Record(record) => debug(*record, f),
            View::List(items) => f.debug_list().entries(items.iter().map(Shown)).finish(),
            View::Indexed(members) => {
                let members = members.iter().map(|(number, member)| (number, Shown(member)));
                f.debug_map().entries(members).finish()
            }
        }
    }
}
