//! The specs in `specs/` and the crates in `generated/`: complete, readable, the same every time.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

use codegen::emit::emit_routes;
use codegen::generate::{generate, lower};
use codegen::ir::{Api, Type};
use codegen::normalize::{normalize_netbox, normalize_proxmox};
use codegen::product::Product;
use codegen::spec::{count, print};
use serde_json::{Value, json};

const SPECS: [(Product, &str, usize, usize); 2] = [
    (Product::Pve, "proxmox/pve-9.1.json", 646, 428),
    (Product::Netbox, "netbox/4.6.json", 1193, 308),
];

fn spec(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs").join(path);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/codegen"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_operation_of_the_specs_is_there() {
    for (_, path, operations, paths) in SPECS {
        let counts = count(&spec(path));
        assert_eq!((counts.operations, counts.paths), (operations, paths), "{path}");
    }
    assert_eq!(generated_proxmox::OPS.len(), 646);
    assert_eq!(generated_netbox::OPS.len(), 1193);
    assert_eq!(generated_routes::ROUTES.len(), 646);
}

#[test]
fn every_route_names_its_own_operation() {
    let spec = spec("proxmox/pve-9.1.json");
    for route in &generated_routes::ROUTES {
        let method = route.method.as_str().to_lowercase();
        assert!(spec["paths"][route.path][&method].is_object(), "{} {}", route.method, route.path);
    }
    let distinct: BTreeSet<_> =
        generated_routes::ROUTES.iter().map(|route| (route.path, route.method)).collect();
    assert_eq!(distinct.len(), 646);
}

#[test]
fn the_specs_are_openapi_documents() {
    for (_, path, ..) in SPECS {
        let document: openapiv3::OpenAPI = serde_json::from_value(spec(path)).unwrap();
        assert_eq!(document.openapi, "3.0.3", "{path}");
    }
}

#[test]
fn the_specs_hold_no_prose() {
    for (_, path, ..) in SPECS {
        let mut prose = Vec::new();
        find_prose(&spec(path), &mut prose);
        assert!(prose.is_empty(), "{path}: {prose:?}");
    }
}

/// Descriptions and anything else that reads like a sentence.
fn find_prose(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.split(' ').count() > 8 => found.push(text.clone()),
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get("description")
                && !text.is_empty()
            {
                found.push(text.clone());
            }
            members.values().for_each(|member| find_prose(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| find_prose(item, found)),
        _ => {}
    }
}

#[test]
fn two_generations_are_equal_to_the_byte() {
    for (product, path, ..) in SPECS {
        let spec = spec(path);
        let text = print(&spec);
        let again: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, print(&again), "{path}");
        let (one, two) = (generate(product, path, &spec), generate(product, path, &again));
        assert!(one.unwrap() == two.unwrap(), "{path}");
    }
}

#[test]
fn the_order_of_the_source_does_not_matter() {
    let tree = json!([
        {"path": "/b", "info": {"GET": {"parameters": {"properties": {
            "x": {"type": "string", "enum": ["one", "two"]}, "y": {"type": "integer"}}}}}},
        {"path": "/a", "info": {"PUT": {}, "GET": {"returns": {"type": "object", "properties": {
            "state": {"type": "string", "enum": ["two", "one"]}}}}}},
    ]);
    let tree = tree.as_array().unwrap();
    let reversed: Vec<Value> = tree.iter().rev().cloned().collect();
    let files = |tree: &[Value]| {
        let spec = normalize_proxmox(tree, "9.9").spec;
        (print(&spec), generate(Product::Pve, "proxmox/pve-9.9.json", &spec).unwrap())
    };
    assert!(files(tree) == files(&reversed));
}

#[test]
fn a_property_called_description_survives_the_removal_of_prose() {
    let document = json!({"openapi": "3.0.3", "info": {"title": "t", "version": "4.6"}, "paths": {},
        "components": {"schemas": {"Site": {"type": "object", "description": "A site.",
            "properties": {"description": {"type": "string", "description": "Text."}}}}}});
    let spec = normalize_netbox(&document, "4.6").spec;
    let site = &spec["components"]["schemas"]["Site"];
    assert_eq!(site["properties"], json!({"description": {"type": "string"}}));
    assert_eq!(site["description"], Value::Null);
}

const TELLING: [(Product, &str); 10] = [
    (Product::Pve, "get_cluster_resources"),
    (Product::Pve, "get_nodes"),
    (Product::Pve, "get_nodes_node_lxc_vmid_config"),
    (Product::Pve, "get_nodes_node_lxc_vmid_interfaces"),
    (Product::Pve, "post_access_ticket"),
    (Product::Pve, "post_nodes_node_storage_storage_upload"),
    (Product::Pve, "delete_nodes_node_lxc_vmid"),
    (Product::Netbox, "extras_tags_list"),
    (Product::Netbox, "virtualization_virtual_disks_create"),
    (Product::Netbox, "ipam_ip_addresses_bulk_partial_update"),
];

#[test]
fn the_model_of_ten_telling_operations() {
    for (product, path, ..) in SPECS {
        let api = lower(product, &spec(path));
        for (_, id) in TELLING.iter().filter(|(of, _)| *of == product) {
            snapshot(&format!("ir_{id}"), &listing(&api, id));
        }
    }
}

/// An operation and the objects that it is made of, a fact a line.
fn listing(api: &Api, id: &str) -> String {
    let op = api.ops.iter().find(|op| op.id == id).unwrap();
    let mut lines = vec![format!("{} {} {:?}", op.method, op.path, op.flags)];
    let mut open: Vec<&str> = Vec::new();
    for field in &op.params {
        lines.push(format!("  param {}", fact(field)));
        open.extend(field.ty.names());
    }
    lines.extend(
        op.filters.iter().map(|filter| format!("  filter {} {}", filter.name, filter.lookups)),
    );
    for (word, ty) in [("body", &op.body), ("returns", &op.returns)] {
        if let Some(ty) = ty {
            lines.push(format!("  {word} {}", show(ty)));
            open.extend(ty.names());
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let alias = api.aliases.iter().find(|(alias, _)| alias == name);
        let name = alias.map_or(name, |(_, name)| name.as_str());
        if !seen.insert(name) {
            continue;
        }
        if let Some(one) = api.enums.iter().find(|one| one.name == name) {
            lines.push(format!("enum {name} {}", one.values.join(" ")));
        }
        let Some(record) = api.records.iter().find(|record| record.name == name) else {
            continue;
        };
        lines.push(format!("record {name} of {} {:?}", record.origin, record.property));
        for field in &record.fields {
            lines.push(format!("  {}", fact(field)));
            open.extend(field.ty.names());
        }
    }
    lines.join("\n")
}

fn fact(field: &codegen::ir::Field) -> String {
    let rules = serde_json::to_value(&field.rules).unwrap();
    let rules = rules.as_object().unwrap().iter().filter(|(_, rule)| !rule.is_null());
    let rules: Vec<String> = rules.map(|(name, rule)| format!("{name}={rule}")).collect();
    let (ty, flags) = (show(&field.ty), field.flags.join("|"));
    format!("{} {:?} {ty} {flags} {}", field.wire, field.presence, rules.join(" "))
}

fn show(ty: &Type) -> String {
    format!("{ty:?}").replace('"', "")
}

#[test]
fn the_code_of_one_subtree_of_each_api() {
    let shown = [
        (Product::Pve, "proxmox/pve-9.1.json", "proxmox/src/nodes_hosts.rs"),
        (Product::Netbox, "netbox/4.6.json", "netbox/src/types/tenancy.rs"),
        (Product::Netbox, "netbox/4.6.json", "netbox/src/ops/tenancy.rs"),
        (Product::Netbox, "netbox/4.6.json", "netbox/src/filters/wireless.rs"),
    ];
    for (product, path, file) in shown {
        let files = generate(product, path, &spec(path)).unwrap();
        let text = &files.iter().find(|one| one.path == file).unwrap().text;
        snapshot(&file.replace("/src", "").replace(['/', '.'], "_"), text);
    }
}

#[test]
fn the_table_of_routes() {
    let path = "proxmox/pve-9.1.json";
    let api = lower(Product::Pve, &spec(path));
    snapshot("routes", &emit_routes(&api, path).text);
}
