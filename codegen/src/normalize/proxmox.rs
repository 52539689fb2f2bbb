//! The API viewer's tree as an OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::schema::{convert, truthy};
use super::{Normalized, formats, permission};
use crate::product::Product;
use crate::spec::METHODS;

/// Normalises the viewer's tree of one release.
pub fn normalize_proxmox(product: Product, tree: &[Value], release: &str) -> Normalized {
    let mut unknown = BTreeSet::new();
    let mut paths = Map::new();
    for node in tree {
        add_node(node, &mut paths, &mut unknown);
    }
    declare_path_parameters(&mut paths);
    name_operations(&mut paths);
    let mut spec = json!({
        "openapi": "3.0.3",
        "info": {"title": product.title(), "version": release},
        "servers": [{"url": "/api2/json"}],
        "externalDocs": {"url": product.viewer().unwrap_or_default()},
        "paths": paths,
    });
    formats::share(&mut spec);
    Normalized { spec, unknown_keywords: unknown }
}

fn add_node(node: &Value, paths: &mut Map<String, Value>, unknown: &mut BTreeSet<String>) {
    if let (Some(path), Some(methods)) = (node["path"].as_str(), node["info"].as_object()) {
        let operations: Map<String, Value> = methods
            .iter()
            .filter(|(method, _)| METHODS.contains(&method.to_lowercase().as_str()))
            .map(|(method, info)| (method.to_lowercase(), operation(path, method, info, unknown)))
            .collect();
        // Nodes that only group others have no operation.
        if !operations.is_empty() {
            paths.insert(path.to_owned(), operations.into());
        }
    }
    for child in node["children"].as_array().into_iter().flatten() {
        add_node(child, paths, unknown);
    }
}

fn operation(path: &str, method: &str, info: &Value, unknown: &mut BTreeSet<String>) -> Value {
    let declared = convert(&info["parameters"], unknown);
    let properties = declared["properties"].as_object().cloned().unwrap_or_default();
    let required: BTreeSet<&str> =
        declared["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let in_path = path_parameters(path);
    let in_body = matches!(method, "POST" | "PUT");

    let mut parameters: Vec<Value> = Vec::new();
    for name in &in_path {
        // Some operations use a parameter of their path without declaring it.
        let schema =
            properties.get(*name).cloned().unwrap_or_else(|| json!({"x-undeclared": true}));
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    let flat = properties.iter().filter(|(name, _)| !in_path.contains(&name.as_str()));
    let mut body = Map::new();
    for (name, schema) in flat {
        if in_body {
            body.insert(name.clone(), schema.clone());
        } else {
            let required = required.contains(name.as_str());
            let parameter =
                json!({"name": name, "in": "query", "required": required, "schema": schema});
            parameters.push(parameter);
        }
    }
    let mut out = extensions(info, unknown);
    out.insert("parameters".into(), parameters.into());
    out.insert("responses".into(), responses(&info["returns"], unknown));
    if !body.is_empty() {
        let wanted: Vec<&String> =
            body.keys().filter(|name| required.contains(name.as_str())).collect();
        let mut schema = json!({"type": "object", "properties": body});
        if !wanted.is_empty() {
            schema["required"] = json!(wanted);
        }
        let content = json!({"application/x-www-form-urlencoded": {"schema": schema}});
        out.insert("requestBody".into(), json!({"content": content}));
    }
    if truthy(&info["parameters"]["additionalProperties"]) {
        out.insert("x-proxmox-additional".into(), true.into());
    }
    Value::Object(out)
}

fn responses(returns: &Value, unknown: &mut BTreeSet<String>) -> Value {
    let schema = convert(returns, unknown);
    // `data` of the envelope; an absent schema says that anything may come.
    json!({"200": {"description": "", "content": {"application/json": {"schema": schema}}}})
}

/// What OpenAPI has no word for.
fn extensions(info: &Value, unknown: &mut BTreeSet<String>) -> Map<String, Value> {
    let mut out = Map::new();
    for (keyword, value) in info.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "protected" | "download_allowed" | "download" | "expose_credentials" | "unstable" => {
                if truthy(value) {
                    let name = keyword.trim_end_matches("_allowed").replace('_', "-");
                    out.insert(format!("x-proxmox-{name}"), true.into());
                }
            }
            "allowtoken" => {
                if !truthy(value) {
                    out.insert("x-proxmox-no-token".into(), true.into());
                }
            }
            "proxyto" => {
                // A callback instead of a parameter's name was dropped on export.
                let target = value.as_str().unwrap_or("(computed)");
                out.insert("x-proxmox-proxyto".into(), target.into());
            }
            "permissions" => {
                out.insert("x-proxmox-permissions".into(), permission::convert(value));
            }
            "method" | "name" | "path" | "description" | "parameters" | "returns" => {}
            other => {
                unknown.insert(other.to_owned());
            }
        }
    }
    out
}

fn path_parameters(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// Gives a parameter of a path that an operation does not declare what others say of it: those on
/// the same path, or else all that have one of its name and agree. What nobody declares is text.
fn declare_path_parameters(paths: &mut Map<String, Value>) {
    let mut here: BTreeMap<String, Value> = BTreeMap::new();
    let mut anywhere: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for_path_parameters(paths, &mut |prefix, name, schema| {
        if schema.get("x-undeclared").is_none() {
            here.entry(prefix.to_owned()).or_insert_with(|| schema.clone());
            let all = anywhere.entry(name.to_owned()).or_default();
            if !all.contains(schema) {
                all.push(schema.clone());
            }
        }
    });
    for_path_parameters(paths, &mut |prefix, name, schema| {
        if schema.get("x-undeclared").is_some() {
            let agreed = anywhere.get(name).filter(|all| all.len() == 1).map(|all| &all[0]);
            let known = here.get(prefix).or(agreed).cloned();
            *schema = known.unwrap_or_else(|| json!({"type": "string"}));
        }
    });
}

/// Visits each parameter of each path with the path up to it.
fn for_path_parameters(
    paths: &mut Map<String, Value>,
    visit: &mut dyn FnMut(&str, &str, &mut Value),
) {
    for (path, item) in paths {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten().filter(|one| one["in"] == "path") {
                let name = parameter["name"].as_str().unwrap_or_default().to_owned();
                let end = path.find(&format!("{{{name}}}")).unwrap_or(path.len());
                if let Some(schema) = parameter.get_mut("schema") {
                    visit(&path[..end], &name, schema);
                }
            }
        }
    }
}

/// Method and path: upstream's own names repeat. Paths that differ in punctuation alone get a
/// number.
fn name_operations(paths: &mut Map<String, Value>) {
    let mut taken = BTreeSet::new();
    let sorted: BTreeSet<String> = paths.keys().cloned().collect();
    for path in sorted {
        let words =
            path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(str::to_lowercase).collect();
        for (method, operation) in
            paths.get_mut(&path).and_then(Value::as_object_mut).into_iter().flatten()
        {
            let name = format!("{method}_{}", words.join("_"));
            let numbered = (2..).map(|number| format!("{name}_{number}"));
            let free = std::iter::once(name.clone()).chain(numbered).find(|id| !taken.contains(id));
            let id = free.unwrap_or(name);
            taken.insert(id.clone());
            operation["operationId"] = id.into();
        }
    }
}
