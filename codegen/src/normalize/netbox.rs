//! NetBox's schema without its prose.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Normalized, unit};
use crate::product::Product;

/// Normalises a NetBox schema: prose goes, and of several request media types JSON stays.
pub fn normalize_netbox(document: &Value, release: &str) -> Normalized {
    normalize(document, Product::Netbox, release)
}

/// Normalises the schema of a NetBox with a plugin to what the plugin adds to it.
pub fn normalize_plugin(document: &Value, release: &str) -> Normalized {
    let mut normalized = normalize(document, Product::NetboxProxbox, release);
    let spec = &mut normalized.spec;
    if let Some(paths) = spec["paths"].as_object_mut() {
        paths.retain(|path, _| path.starts_with("/api/plugins/"));
    }
    let mut needed = BTreeSet::new();
    let mut open = BTreeSet::new();
    references(&spec["paths"], &mut open);
    while let Some(name) = open.pop_first() {
        if needed.insert(name.clone()) {
            let mut inner = BTreeSet::new();
            references(&spec["components"]["schemas"][&name], &mut inner);
            open.extend(inner.difference(&needed).cloned());
        }
    }
    if let Some(schemas) = spec["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| needed.contains(name));
    }
    normalized
}

fn normalize(document: &Value, product: Product, release: &str) -> Normalized {
    let mut spec = document.clone();
    strip(&mut spec, Position::Document);
    settle_types(&mut spec);
    pair_labels(&mut spec);
    spec["openapi"] = "3.0.3".into();
    spec["info"] = json!({"title": product.title(), "version": release});
    for operation in operations(&mut spec) {
        keep_json(operation);
    }
    Normalized { spec, unknown_keywords: BTreeSet::new() }
}

/// OpenAPI 3.1 writes `["string", "null"]` where 3.0 has `nullable`.
fn settle_types(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get("type") {
                let (nulls, others): (Vec<_>, Vec<_>) =
                    types.iter().cloned().partition(|ty| ty == "null");
                match &others[..] {
                    [one] => members.insert("type".into(), one.clone()),
                    _ => members.remove("type"),
                };
                if !nulls.is_empty() {
                    members.insert("nullable".into(), true.into());
                }
            }
            members.values_mut().for_each(settle_types);
        }
        Value::Array(items) => items.iter_mut().for_each(settle_types),
        _ => {}
    }
}

/// A choice is described by two lists, of values and of their labels. One map of both keeps them
/// together, whatever becomes of the order.
fn pair_labels(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut)
                && properties.len() == 2
                && let Some(labels) = labels(properties)
            {
                properties["value"]["x-enum-labels"] = labels.into();
                if let Some(label) = properties["label"].as_object_mut() {
                    label.remove("enum");
                }
            }
            members.values_mut().for_each(pair_labels);
        }
        Value::Array(items) => items.iter_mut().for_each(pair_labels),
        _ => {}
    }
}

fn labels(choice: &Map<String, Value>) -> Option<Map<String, Value>> {
    let values = choice.get("value")?["enum"].as_array()?;
    let labels = choice.get("label")?["enum"].as_array()?;
    // Nothing chosen has a label in some places only.
    let named = values.iter().filter(|value| !value.is_null() && **value != "");
    let pairs: Vec<_> = match named.clone().count() == labels.len() {
        true => named.zip(labels).collect(),
        false if values.len() == labels.len() => values.iter().zip(labels).collect(),
        false => return None,
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = pairs.into_iter().filter(|(value, _)| !value.is_null());
    Some(pairs.map(|(value, label)| (text(value), label.clone())).collect())
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            found.extend(
                target.and_then(|t| t.strip_prefix("#/components/schemas/")).map(str::to_owned),
            );
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Whether the members of an object are keywords of OpenAPI or names that upstream chose.
#[derive(Clone, Copy, PartialEq)]
enum Position {
    Document,
    Names,
    Responses,
}

/// Takes out `description`, `summary` and `externalDocs` where they are keywords; a property that
/// is called `description` stays.
fn strip(value: &mut Value, position: Position) {
    match value {
        Value::Object(members) => {
            if position == Position::Document {
                add_unit(members);
                for prose in ["description", "summary", "externalDocs", "example"] {
                    members.remove(prose);
                }
            }
            for (name, member) in members.iter_mut() {
                strip(member, below(position, name));
            }
            if position == Position::Responses {
                // OpenAPI wants a description here.
                for response in members.values_mut().filter_map(Value::as_object_mut) {
                    response.insert("description".into(), "".into());
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, position)),
        _ => {}
    }
}

/// The unit of a number that its description states.
fn add_unit(schema: &mut Map<String, Value>) {
    let number = schema.get("type").is_some_and(|ty| ty == "integer" || ty == "number");
    let unit = schema.get("description").and_then(Value::as_str).and_then(unit::of_prose);
    if number && let Some(unit) = unit {
        schema.insert("x-unit".into(), unit.into());
    }
    for (name, property) in
        schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
    {
        unit::add_by_name(name, property);
    }
}

fn below(position: Position, name: &str) -> Position {
    match (position, name) {
        (Position::Document, "properties" | "schemas" | "paths" | "securitySchemes") => {
            Position::Names
        }
        (Position::Document, "responses") => Position::Responses,
        _ => Position::Document,
    }
}

fn operations(spec: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = spec["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
}

/// Every body is offered as JSON and as multipart with the same schema; files alone need the
/// latter, so that it is offered is kept as a flag.
fn keep_json(operation: &mut Map<String, Value>) {
    let Some(content) = operation.get_mut("requestBody").and_then(|b| b["content"].as_object_mut())
    else {
        return;
    };
    if !content.contains_key("application/json") {
        return;
    }
    let multipart = content.remove("multipart/form-data").is_some();
    content.retain(|media_type, _| media_type == "application/json");
    if multipart {
        operation.insert("x-netbox-multipart".into(), true.into());
    }
}
