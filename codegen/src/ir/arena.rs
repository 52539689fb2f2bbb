//! Structurally equal objects and enums are one type, whose name comes from where it occurs.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::{Enum, Field, Property, Record, Type};

/// A place where a type occurs: names it could have there, from short to unmistakable, and the file
/// and origin that go with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Names to try, best first.
    pub(super) names: Vec<String>,
    /// File to print into.
    pub(super) group: String,
    /// Where upstream describes it.
    pub(super) origin: String,
}

impl Place {
    /// The place of a field inside this one.
    pub(super) fn inner(&self, field: &str) -> Self {
        let field = crate::names::type_name(field.trim_end_matches("[n]"));
        let names = self.names.iter().map(|name| format!("{name}{field}")).collect();
        Self { names, ..self.clone() }
    }
}

type Shape = (Vec<Field>, Option<Property>);

/// Where a record occurs, and its fields with the names that their types have there.
type Occurrences = BTreeMap<Place, Vec<Field>>;

/// All types met so far. Until the end a type is called by its number: `#12`.
#[derive(Default)]
pub(super) struct Arena {
    records: IndexMap<Shape, Occurrences>,
    enums: IndexMap<Vec<String>, BTreeSet<Place>>,
    /// What upstream shows for the values of an enum.
    labels: BTreeMap<Vec<String>, BTreeMap<String, String>>,
}

impl Arena {
    /// The record of this shape.
    pub(super) fn record(
        &mut self,
        mut fields: Vec<Field>,
        property: Option<Property>,
        place: &Place,
    ) -> String {
        super::finish_fields(&mut fields);
        let here = fields.clone();
        // Equal objects are equal whatever name their members' types were met under.
        fields.iter_mut().for_each(|field| field.ty.rename(&|id| number(id).to_owned()));
        let entry = self.records.entry((fields, property));
        let id = format!("#{}", entry.index());
        entry.or_default().insert(place.clone(), here);
        id
    }

    /// The enum of these values, or plain text where they are no real enum.
    pub(super) fn text(&mut self, values: &[String], place: &Place) -> Type {
        if values.is_empty() || is_expansion(values) {
            return Type::Text;
        }
        let entry = self.enums.entry(sorted(values));
        let id = format!("@{}", entry.index());
        entry.or_default().insert(place.clone());
        Type::Enum(id)
    }

    /// Keeps what upstream shows for values. Of two labels for one value the first in order counts,
    /// so that the order of the source does not.
    pub(super) fn label(
        &mut self,
        values: &[String],
        labels: impl Iterator<Item = (String, String)>,
    ) {
        for (value, label) in labels {
            let known = self.labels.entry(sorted(values)).or_default();
            let entry = known.entry(value).or_insert_with(|| label.clone());
            if label < *entry {
                *entry = label;
            }
        }
    }

    /// Names everything. `reserved` are names that are taken already.
    pub(super) fn finish(self, reserved: &BTreeSet<String>) -> Finished {
        let records = self.records.values().map(|places| places.keys().collect());
        let records = records.enumerate().map(|(index, places)| (format!("#{index}"), places));
        let enums = self.enums.values().map(|places| places.iter().collect());
        let enums = enums.enumerate().map(|(index, places)| (format!("@{index}"), places));
        let places: Vec<(String, Vec<&Place>)> = records.chain(enums).collect();
        let reserved =
            reserved.iter().cloned().chain(RESERVED.iter().map(|name| (*name).to_owned()));
        let names = assign(&places, &reserved.collect());
        let place_of: BTreeMap<&str, &Place> = places
            .iter()
            .filter_map(|(id, places)| Some((id.as_str(), best_place(places, names.get(id)?)?)))
            .collect();

        let mut records = Vec::new();
        for (index, ((_, property), occurrences)) in self.records.iter().enumerate() {
            let id = format!("#{index}");
            let (Some(name), Some(place)) = (names.get(&id), place_of.get(id.as_str())) else {
                continue;
            };
            let mut fields = occurrences.get(place).cloned().unwrap_or_default();
            fields.iter_mut().for_each(|field| resolve(&mut field.ty, &names));
            records.push(Record {
                name: name.clone(),
                group: place.group.clone(),
                origin: place.origin.clone(),
                fields,
                property: property.clone(),
            });
        }
        let mut enums = Vec::new();
        for (index, values) in self.enums.keys().enumerate() {
            let id = format!("@{index}");
            if let (Some(name), Some(place)) = (names.get(&id), place_of.get(id.as_str())) {
                let (name, group) = (name.clone(), place.group.clone());
                let labels = self.labels.get(values).cloned().unwrap_or_default();
                enums.push(Enum { name, group, values: values.clone(), labels });
            }
        }
        records.sort_by(|a, b| a.name.cmp(&b.name));
        enums.sort_by(|a, b| a.name.cmp(&b.name));
        Finished { records, enums, names }
    }
}

fn sorted(values: &[String]) -> Vec<String> {
    let mut values = values.to_vec();
    values.sort();
    values.dedup();
    values
}

/// Names that generated code means something else by: the prelude's, and what files import.
const RESERVED: [&str; 41] = [
    "Availability",
    "BTreeMap",
    "Box",
    "Call",
    "Choice",
    "Clone",
    "Debug",
    "Default",
    "Err",
    "Field",
    "FieldFlags",
    "From",
    "IdOr",
    "Indexed",
    "Into",
    "Kind",
    "Method",
    "None",
    "Ok",
    "Op",
    "OpFlags",
    "Operation",
    "Option",
    "Page",
    "PartialEq",
    "Patch",
    "Permission",
    "PropertyRules",
    "PropertyString",
    "Recode",
    "Record",
    "Release",
    "Result",
    "Rows",
    "Rules",
    "Schema",
    "Self",
    "Some",
    "String",
    "Value",
    "Vec",
];

/// The outcome: types with their names, and the name for each number.
pub(super) struct Finished {
    pub(super) records: Vec<Record>,
    pub(super) enums: Vec<Enum>,
    names: BTreeMap<String, String>,
}

impl Finished {
    /// Puts names for numbers into a type. `#12=Tenant` keeps its own name.
    pub(super) fn resolve(&self, ty: &mut Type) {
        resolve(ty, &self.names);
    }

    /// The name for a number.
    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.names.get(number(id)).map(String::as_str)
    }
}

fn resolve(ty: &mut Type, names: &BTreeMap<String, String>) {
    ty.rename(&|id| match id.split_once('=') {
        Some((_, own)) => own.to_owned(),
        None => names.get(id).cloned().unwrap_or_default(),
    });
}

/// `#12=Tenant` without the name it was met under.
fn number(id: &str) -> &str {
    id.split('=').next().unwrap_or(id)
}

/// Some enums list every member of an indexed family (`unused0` to `unused255`).
fn is_expansion(values: &[String]) -> bool {
    let stem = |value: &String| value.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let stems: BTreeSet<String> = values.iter().map(stem).collect();
    values.len() > 30 && stems.len() * 3 < values.len()
}

/// Gives each type the best name that no other wants; who loses takes its next, longer one.
fn assign(
    places: &[(String, Vec<&Place>)],
    reserved: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut taken = reserved.clone();
    let levels = places.iter().flat_map(|(_, places)| places).map(|place| place.names.len()).max();
    for level in 0..levels.unwrap_or(0) {
        let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, places) in places.iter().filter(|(id, _)| !names.contains_key(id)) {
            let free = places.iter().filter_map(|place| place.names.get(level));
            let best = free.filter(|name| !taken.contains(*name)).min_by_key(|n| (n.len(), *n));
            if let Some(name) = best {
                wanted.entry(name).or_default().push(id);
            }
        }
        for (name, ids) in wanted {
            if let [id] = ids[..] {
                names.insert(id.to_owned(), name.to_owned());
                taken.insert(name.to_owned());
            }
        }
    }
    // Two shapes in one place (two answers of one operation): the longest name and a number.
    for (id, places) in places {
        if names.contains_key(id) {
            continue;
        }
        let Some(name) = places.iter().next().and_then(|place| place.names.last()) else {
            continue;
        };
        let numbered = (2..).map(|number| format!("{name}{number}"));
        if let Some(name) = numbered.into_iter().find(|name| !taken.contains(name)) {
            taken.insert(name.clone());
            names.insert(id.clone(), name);
        }
    }
    names
}

/// The place that gave the name, so that file and name belong together.
fn best_place<'a>(places: &[&'a Place], name: &String) -> Option<&'a Place> {
    let named = places.iter().find(|place| place.names.contains(name));
    named.or_else(|| places.first()).copied()
}
