//! The crate of NetBox's API: types, operations and filters per app.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::call::{collection, emit_call, handle_name};
use super::enums::emit_enum;
use super::filter::emit_filters;
use super::print::{EmitError, Items};
use super::proxmox::{manifest, shared_types};
use super::record::{Shape, emit_record};
use super::rows::SharedRows;
use crate::ir::{Api, Field, Presence, SHARED, Type};

/// Prints `generated/netbox`.
pub fn emit_netbox(api: &Api, spec: &str) -> Result<Vec<File>, EmitError> {
    let mut files = vec![lib(api, spec), cargo(api)];
    files.extend(types(api, spec)?);
    files.extend(ops(api, spec));
    files.extend(filters(api, spec)?);
    Ok(files)
}

fn cargo(api: &Api) -> File {
    let groups: BTreeSet<&str> = api.ops.iter().map(|op| op.feature.as_str()).collect();
    let mut features = String::from("all = [\n");
    groups.iter().for_each(|group| features.push_str(&format!("    \"{group}\",\n")));
    features.push_str("]\n");
    groups.iter().for_each(|group| features.push_str(&format!("{group} = []\n")));
    let text = manifest("generated-netbox", "NetBox API, generated", &features);
    File { path: "netbox/Cargo.toml".to_owned(), text }
}

fn types(api: &Api, spec: &str) -> Result<Vec<File>, EmitError> {
    let shared =
        SharedRows::of(api.records.iter().flat_map(|record| &record.fields), &shared_types(api));
    let mut groups: BTreeMap<&str, Items> = BTreeMap::new();
    for record in &api.records {
        let fields = &record.fields;
        let required: Vec<&Field> =
            fields.iter().filter(|field| field.flags.contains(&"REQUIRED")).collect();
        let has_setters = is_written(fields);
        let shape = Shape {
            name: &record.name,
            docs: vec![format!("{} of the schema.", record.origin)],
            fields,
            property: None,
            is_request: false,
            has_setters,
            required: has_setters.then_some(required),
        };
        emit_record(&shape, &shared, groups.entry(&record.group).or_default())?;
    }
    for one in &api.enums {
        let items = groups.entry(&one.group).or_default();
        items.verbatim(&emit_enum(one));
        items.defined.insert(one.name.clone());
    }
    for (alias, name) in &api.aliases {
        let Some(record) = api.records.iter().find(|record| record.name == *name) else { continue };
        let items = groups.entry(&record.group).or_default();
        items.verbatim(&format!(
            "/// The same members as [`{name}`].\npub type {alias} = {name};\n"
        ));
        items.defined.insert(alias.clone());
    }
    let modules: Vec<&str> = groups.keys().copied().collect();
    let rows = shared.file("netbox/src/rows.rs", spec, "crate::types");
    let mut files = vec![rows, index("types", "Objects and enums.", &modules, true, spec)];
    for (group, items) in groups {
        let title = match group {
            SHARED => "Types that several apps share.".to_owned(),
            group => format!("Types of `{group}`."),
        };
        files.push(items.file(format!("netbox/src/types/{group}.rs"), &title, spec, "super"));
    }
    Ok(files)
}

/// Objects of requests have fields that must be given, or that may be cleared.
fn is_written(fields: &[Field]) -> bool {
    let request =
        |field: &Field| field.flags.contains(&"REQUIRED") || field.presence == Presence::Patch;
    let response = |field: &Field| field.flags.contains(&"READ_ONLY");
    fields.iter().any(request) || !fields.iter().any(response)
}

fn ops(api: &Api, spec: &str) -> Vec<File> {
    let mut groups: BTreeMap<&str, Items> = BTreeMap::new();
    let mut tables: BTreeMap<&str, String> = BTreeMap::new();
    for op in &api.ops {
        let items = groups.entry(&op.group).or_default();
        emit_call(op, items);
        let mentioned = op.body.iter().chain(&op.returns).filter_map(Type::names);
        items.mentioned.extend(mentioned.map(str::to_owned));
        tables.entry(&op.group).or_default().push_str(&format!("    {}.op,\n", handle_name(op)));
    }
    let modules: Vec<&str> = groups.keys().copied().collect();
    let mut files = vec![index("ops", "Operations, by app.", &modules, false, spec)];
    for (group, mut items) in groups {
        if let Some(rows) = tables.get(group) {
            items.verbatim(&format!(
                "/// Every operation of this app.\npub const OPS: &[&Op] = &[\n{rows}];\n"
            ));
        }
        let title = format!("Operations of `{group}`.");
        let path = format!("netbox/src/ops/{group}.rs");
        files.push(items.file(path, &title, spec, "crate::types"));
    }
    files
}

fn filters(api: &Api, spec: &str) -> Result<Vec<File>, EmitError> {
    let mut groups: BTreeMap<&str, Items> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for op in api.ops.iter().filter(|op| !op.filters.is_empty()) {
        if seen.insert((&op.group, collection(op))) {
            groups.entry(&op.group).or_default().tokens(emit_filters(op))?;
        }
    }
    let modules: Vec<&str> = groups.keys().copied().collect();
    let mut files = vec![index("filters", "Filters of lists, by app.", &modules, false, spec)];
    for (group, items) in groups {
        let title = format!("Filters of `{group}`.");
        // Each module inside imports what it needs.
        let text = items.file(String::new(), &title, spec, "super").text;
        let text = without_imports(&text);
        files.push(File { path: format!("netbox/src/filters/{group}.rs"), text });
    }
    Ok(files)
}

fn without_imports(text: &str) -> String {
    let Some((head, rest)) = text.split_once("\nuse proxbox_runtime::{") else {
        return text.to_owned();
    };
    let body = rest.split_once("};\n").map_or(rest, |(_, body)| body);
    format!("{head}{body}")
}

fn index(name: &str, title: &str, modules: &[&str], flat: bool, spec: &str) -> File {
    let mut text = format!(
        "// @generated by `cargo xtask regen` from specs/{spec}. Do not edit.\n//! {title}\n\n"
    );
    let mut modules = modules.to_vec();
    modules.sort_unstable();
    let public = if flat { "" } else { "pub " };
    for module in &modules {
        text.push_str(&format!("{}{public}mod {module};\n", gate(module)));
    }
    if flat {
        text.push('\n');
        for module in &modules {
            text.push_str(&format!("{}pub use {module}::*;\n", gate(module)));
        }
    }
    File { path: format!("netbox/src/{name}/mod.rs"), text }
}

/// What several apps share is always compiled.
fn gate(group: &str) -> String {
    match group {
        SHARED => String::new(),
        group => format!("#[cfg(feature = \"{}\")]\n", group.replace('_', "-")),
    }
}

fn lib(api: &Api, spec: &str) -> File {
    let mut text = format!(
        "// @generated by `cargo xtask regen` from specs/{spec}. Do not edit.\n\
         //! NetBox's API: types, operations and filters. Each app is a cargo feature; `all` is all of \
         them.\n\n\
         #![deny(missing_docs)]\n#![allow(clippy::module_inception, clippy::too_many_arguments)]\n\n\
         #[rustfmt::skip]\npub mod filters;\n#[rustfmt::skip]\npub mod ops;\n\
         #[allow(dead_code)]\n#[rustfmt::skip]\nmod rows;\n#[rustfmt::skip]\npub mod types;\n\n\
         use proxbox_runtime::{{Field, FieldFlags, Kind, Op, Schema}};\n\n\
         #[allow(dead_code)]\nconst ID: &Schema =\n    &Schema::new(\"Path\", \
         &[Field::new(\"id\", Kind::Int, FieldFlags::PATH | FieldFlags::REQUIRED)]);\n\
         #[allow(dead_code)]\nconst NO_PARAMS: &Schema = &Schema::new(\"Path\", &[]);\n\n\
         /// Operations of the apps that are compiled; {} in all.\n#[rustfmt::skip]\n\
         pub static TABLES: &[&[&Op]] = &[\n",
        api.ops.len()
    );
    let groups: BTreeSet<&str> = api.ops.iter().map(|op| op.group.as_str()).collect();
    for group in groups {
        text.push_str(&format!("{}ops::{group}::OPS,\n", gate(group)));
    }
    text.push_str(
        "];\n\n/// Every operation of the apps that are compiled.\n\
         pub fn operations() -> impl Iterator<Item = &'static Op> {\n    \
         TABLES.iter().flat_map(|table| table.iter().copied())\n}\n",
    );
    File { path: "netbox/src/lib.rs".to_owned(), text }
}
