//! What the specs leave open: units nobody states, patterns that no engine here reads, answers
//! without a description, and formats whose syntax is the server's alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::generate::{Surface, lower};
use crate::ir::{Field, Type, is_readable};
use crate::normalize::in_rust;

/// The report over all products, as Markdown.
pub fn report(surfaces: &[Surface]) -> String {
    let mut text = String::from(
        "# What the specs leave open\n\nWritten by `cargo xtask regen`. A client sends and reads all of this; \
         it only knows less about it.\n",
    );
    for surface in surfaces {
        text.push_str(&format!("\n## {}\n", surface.product.title()));
        of_product(surface, &mut text);
    }
    text
}

fn of_product(surface: &Surface, text: &mut String) {
    let api = lower(surface.product, &surface.spec);
    let untyped: Vec<String> = api
        .ops
        .iter()
        .filter(|op| op.method == "GET" && is_untyped(op.returns.as_ref()))
        .map(|op| format!("{} {}", op.method, op.path))
        .collect();
    section(text, "Answers of GETs without a description", &untyped);

    let patterns = unreadable_patterns(&surface.spec);
    section(text, "Patterns that are not checked", &patterns);

    let fields =
        api.ops.iter().flat_map(|op| op.params.iter().map(|field| (op.path.as_str(), field)));
    let members = api
        .records
        .iter()
        .flat_map(|record| record.fields.iter().map(|field| (record.name.as_str(), field)));
    let mut units: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (of, field) in fields.chain(members).filter(|(_, field)| lacks_unit(field)) {
        units.entry(&field.wire).or_default().insert(of);
    }
    let units: Vec<String> = units
        .into_iter()
        .map(|(name, of)| {
            format!("{name} ({} places, {} say)", of.len(), of.first().unwrap_or(&""))
        })
        .collect();
    section(text, "Numbers that no unit is stated for", &units);
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    text.push_str(&format!("\n{title}: {}\n\n", lines.len()));
    lines.iter().for_each(|line| text.push_str(&format!("- `{line}`\n")));
}

fn is_untyped(returns: Option<&Type>) -> bool {
    match returns {
        Some(Type::Any | Type::Map) => true,
        Some(Type::List(inner)) => is_untyped(Some(inner)),
        _ => false,
    }
}

/// A number that counts or names something has no unit; what is left has one that nobody states.
fn lacks_unit(field: &Field) -> bool {
    matches!(field.ty, Type::Int | Type::Float)
        && field.rules.unit.is_none()
        && !field.flags.contains(&"PATH")
        && !is_bare(&field.wire)
}

/// Names that say that the number is an identifier or a count.
fn is_bare(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    let ends = [
        "id",
        "vlan",
        "port",
        "count",
        "index",
        "priority",
        "version",
        "prio",
        "asn",
        "tag",
        "number",
        "num",
        "pos",
        "order",
        "mode",
        "total",
        "level",
        "metric",
        "hops",
        "pid",
        "mask",
        "prefix",
        "max",
        "min",
        "limit",
        "start",
        "slots",
        "positions",
        "cores",
        "sockets",
        "vcpus",
        "cpus",
        "threads",
        "workers",
        "quorum",
        "weight",
        "retries",
        "digits",
        "votes",
    ];
    ends.iter().any(|end| name.ends_with(end))
}

/// Upstream's patterns that the engine does not read.
fn unreadable_patterns(spec: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect_patterns(spec, &mut found);
    found.into_iter().filter(|pattern| !is_readable(&in_rust(pattern))).collect()
}

fn collect_patterns(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get("x-proxmox-pattern") {
                found.insert(pattern.clone());
            }
            members.values().for_each(|member| collect_patterns(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, found)),
        _ => {}
    }
}
