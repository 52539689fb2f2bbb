//! The OpenAPI document is what it was, and says of generated operations what the tables say.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use insta::Settings;
use serde_json::{Map, Value, json};

fn snapshot(name: &str, content: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/openapi");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, content));
}

fn is_generated(path: &str) -> bool {
    ["/proxmox/api2/", "/pbs/api2/", "/pdm/api2/"].iter().any(|prefix| path.starts_with(prefix))
}

#[test]
fn the_routes_that_are_written_by_hand_are_these() {
    let mut document = proxbox::edge::described();
    let paths = document["paths"].as_object().unwrap().clone();
    let own: Map<String, Value> =
        paths.into_iter().filter(|(path, _)| !is_generated(path)).collect();
    document["paths"] = own.into();
    snapshot("own", &format!("{document:#}"));
}

#[test]
fn the_generated_operations_are_these() {
    let document = proxbox::edge::described();
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|_| is_generated(path)) {
            let names = |value: &Value| {
                let rows = value.as_array().cloned().unwrap_or_default();
                rows.iter()
                    .filter_map(|row| row["name"].as_str().map(str::to_owned))
                    .collect::<Vec<_>>()
            };
            let body = operation["requestBody"]["content"].as_object();
            let schema = body
                .and_then(|kinds| kinds.values().next())
                .map(|kind| &kind["schema"]["properties"]);
            let fields: Vec<&str> = schema
                .and_then(Value::as_object)
                .map(|fields| fields.keys().map(String::as_str).collect())
                .unwrap_or_default();
            let scope = &operation["security"][0]["key"][0];
            lines.push(format!(
                "{method} {path} {} {} {}",
                json!(names(&operation["parameters"])),
                json!(fields),
                scope.as_str().unwrap_or_default()
            ));
        }
    }
    assert!(lines.len() > 1200, "{}", lines.len());
    snapshot("generated", &lines.join("\n"));
}
