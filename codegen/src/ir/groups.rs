//! Which file and which cargo feature each type belongs to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Api, Op, Type};

/// The file of types that several features use.
pub const SHARED: &str = "shared";

/// Gives each operation its feature; a type that only one feature needs is put into that feature's
/// files, every other into those that all features share.
pub(super) fn assign(api: &mut Api, feature: impl Fn(&Op) -> String) {
    api.ops.iter_mut().for_each(|op| op.feature = feature(op));
    let uses = uses(api);
    let features: BTreeMap<&str, &str> =
        api.ops.iter().map(|op| (op.group.as_str(), op.feature.as_str())).collect();
    let place = |name: &str, group: &str| -> String {
        let using: Vec<&str> = uses.get(name).into_iter().flatten().copied().collect();
        match using[..] {
            [one] if features.get(group) == Some(&one) => group.to_owned(),
            [one] => main_file(one, &features),
            _ => SHARED.to_owned(),
        }
    };
    let used: BTreeSet<String> = uses.keys().cloned().collect();
    let records: Vec<String> =
        api.records.iter().map(|record| place(&record.name, &record.group)).collect();
    let enums: Vec<String> = api.enums.iter().map(|one| place(&one.name, &one.group)).collect();
    for (record, group) in api.records.iter_mut().zip(records) {
        record.group = group;
    }
    for (one, group) in api.enums.iter_mut().zip(enums) {
        one.group = group;
    }
    // Upstream describes objects that no operation takes or answers.
    api.records.retain(|record| used.contains(&record.name));
    api.enums.retain(|one| used.contains(&one.name));
    api.aliases.retain(|(_, name)| used.contains(name));
}

/// The file of a feature that its name belongs to, or its first one.
fn main_file(feature: &str, features: &BTreeMap<&str, &str>) -> String {
    let mut files = features.iter().filter(|(_, of)| **of == feature).map(|(file, _)| *file);
    let own = feature.replace('-', "_");
    let found = files.clone().find(|file| *file == own).or_else(|| files.next());
    found.unwrap_or(SHARED).to_owned()
}

/// The features whose operations need each type, directly or inside of others.
fn uses(api: &Api) -> BTreeMap<String, BTreeSet<&str>> {
    let inner: BTreeMap<&str, BTreeSet<&str>> = api
        .records
        .iter()
        .map(|record| {
            (record.name.as_str(), record.fields.iter().filter_map(|f| f.ty.names()).collect())
        })
        .collect();
    let aliases: BTreeMap<&str, &str> =
        api.aliases.iter().map(|(alias, name)| (alias.as_str(), name.as_str())).collect();
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for op in &api.ops {
        let params = op.params.iter().map(|field| &field.ty);
        let types = params.chain(&op.body).chain(&op.returns);
        let mut open: Vec<&str> = types.filter_map(Type::names).collect();
        while let Some(name) = open.pop() {
            let name = aliases.get(name).copied().unwrap_or(name);
            if found.entry(name.to_owned()).or_default().insert(&op.feature) {
                open.extend(inner.get(name).into_iter().flatten());
            }
        }
    }
    found
}
