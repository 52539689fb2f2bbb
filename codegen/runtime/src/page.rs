//! A page of a NetBox list.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Field, FieldFlags, Kind, Record, Rows, Schema, Slot};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page<T> {
    /// How many objects match; absent with cursor paging.
    pub count: Option<i64>,
    /// Address of the next page.
    pub next: Option<String>,
    /// Address of the page before.
    pub previous: Option<String>,
    /// The objects.
    pub results: Rows<T>,
    /// Other members of the page.
    pub extra: BTreeMap<String, Value>,
}

static SCHEMA: Schema = Schema::new(
    "Page",
    &[
        Field::new("count", Kind::Int, FieldFlags::NONE),
        Field::new("next", Kind::Text, FieldFlags::NONE),
        Field::new("previous", Kind::Text, FieldFlags::NONE),
        Field::new("results", Kind::List(&Kind::Any), FieldFlags::NONE),
    ],
);

impl<T: Slot + Default> Record for Page<T> {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
    fn slot(&mut self, index: usize) -> &mut dyn Slot {
        match index {
            0 => &mut self.count,
            1 => &mut self.next,
            2 => &mut self.previous,
            3 => &mut self.results,
            _ => &mut self.extra,
        }
    }
    fn view(&self, index: usize) -> &dyn Slot {
        match index {
            0 => &self.count,
            1 => &self.next,
            2 => &self.previous,
            3 => &self.results,
            _ => &self.extra,
        }
    }
}
