//! Rows of schemas that many records share: each is printed, and checked by the compiler, once.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::field::schema_row;
use super::print::Items;
use crate::ir::{Field, Type};
use crate::names::const_name;

/// Rows that occur more than once, by their text.
pub(super) struct SharedRows {
    names: BTreeMap<String, String>,
    types: BTreeSet<String>,
}

impl SharedRows {
    /// The rows that occur more than once among these fields and need only types that are always
    /// compiled.
    pub(super) fn of<'a>(fields: impl Iterator<Item = &'a Field>, always: &BTreeSet<&str>) -> Self {
        let mut counts: BTreeMap<String, (usize, &Field)> = BTreeMap::new();
        for field in fields {
            if Type::names(&field.ty).is_some_and(|name| !always.contains(name)) {
                continue;
            }
            counts.entry(schema_row(field)).or_insert((0, field)).0 += 1;
        }
        let mut taken = BTreeSet::new();
        let mut names = BTreeMap::new();
        let mut types = BTreeSet::new();
        for (row, (count, field)) in counts {
            if count < 2 {
                continue;
            }
            let base = const_name(field.wire.trim_end_matches("[n]"));
            let numbered = (2..).map(|number| format!("{base}_{number}"));
            let name = std::iter::once(base.clone()).chain(numbered).find(|n| !taken.contains(n));
            let Some(name) = name else { continue };
            taken.insert(name.clone());
            types.extend(Type::names(&field.ty).map(str::to_owned));
            names.insert(row, name);
        }
        Self { names, types }
    }

    /// The row of a field: by name where it is shared.
    pub(super) fn row(&self, field: &Field) -> String {
        let row = schema_row(field);
        match self.names.get(&row) {
            Some(name) => format!("        rows::{name},\n"),
            None => row,
        }
    }

    /// The file of the shared rows.
    pub(super) fn file(&self, path: &str, spec: &str, siblings: &str) -> File {
        let mut items = Items::default();
        for (row, name) in &self.names {
            let row = row.trim().trim_end_matches(',').replace("\n        ", "\n");
            items.push(&format!("pub(crate) const {name}: Field = {row};\n"));
        }
        items.mentioned = self.types.clone();
        items.file(path.to_owned(), "Rows that several schemas share.", spec, siblings)
    }
}
