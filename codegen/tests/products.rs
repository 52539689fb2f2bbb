//! The specs in `specs/` and the crates in `generated/`: complete, readable, the same every time.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use codegen::emit::File;
use codegen::fixups::{Stale, apply};
use codegen::generate::{Surface, generate, lower, surfaces};
use codegen::ir::{Api, Type};
use codegen::manifest::Manifest;
use codegen::normalize::{normalize_netbox, normalize_proxmox};
use codegen::product::Product;
use codegen::spec::{count, print};
use proxbox_runtime::{Op, Release};
use serde_json::{Value, json};

/// Every spec that is kept, with its operations and paths.
const SPECS: [(Product, &str, usize, usize); 11] = [
    (Product::Netbox, "netbox/4.5.5.json", 1166, 300),
    (Product::Netbox, "netbox/4.6.8.json", 1193, 308),
    (Product::NetboxProxbox, "netbox-proxbox/4.6.8.json", 539, 158),
    (Product::Pbs, "pbs/4.json", 367, 246),
    (Product::Pdm, "pdm/1.json", 318, 246),
    (Product::Pve, "pve/8.3.0.json", 600, 396),
    (Product::Pve, "pve/8.4.0.json", 605, 398),
    (Product::Pve, "pve/9.0.7.json", 628, 410),
    (Product::Pve, "pve/9.1.1.json", 646, 428),
    (Product::Pve, "pve/9.1.3.json", 649, 431),
    (Product::Pve, "pve/9.2.json", 675, 444),
];

fn spec(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs").join(path);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What is generated: each product's releases joined.
fn all_surfaces() -> &'static [Surface] {
    static SURFACES: LazyLock<Vec<Surface>> = LazyLock::new(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/manifest.toml");
        let manifest = Manifest::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        surfaces(&manifest, |path| Ok::<_, ()>(spec(path))).unwrap()
    });
    &SURFACES
}

fn all_files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| generate(all_surfaces()).unwrap());
    &FILES
}

fn surface(product: Product) -> &'static Surface {
    all_surfaces().iter().find(|surface| surface.product == product).unwrap()
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
    // Every release's operations together, in the tables and in the joined documents.
    let tables = [
        (Product::Pve, generated_proxmox::pve::ops().count()),
        (Product::Pbs, generated_proxmox::pbs::ops().count()),
        (Product::Pdm, generated_proxmox::pdm::ops().count()),
        (Product::Netbox, generated_netbox::operations().count()),
    ];
    for (product, operations) in tables {
        assert_eq!(operations, count(&surface(product).spec).operations, "{product}");
    }
}

#[test]
fn every_release_has_its_own_operations() {
    for (product, path, operations, _) in SPECS {
        let release: Release = path.rsplit_once('/').unwrap().1.parse().unwrap();
        let ops: Vec<&Op> = match product {
            Product::Pve => generated_proxmox::pve::ops().collect(),
            Product::Pbs => generated_proxmox::pbs::ops().collect(),
            Product::Pdm => generated_proxmox::pdm::ops().collect(),
            Product::Netbox | Product::NetboxProxbox => generated_netbox::operations()
                .filter(|op| op.path.contains("/plugins/proxbox") == (product != Product::Netbox))
                .collect(),
        };
        let there = ops.iter().filter(|op| op.availability.has(release)).count();
        // Three operations came with 9.1.3: patches of a release are not told apart.
        let expected = if path == "pve/9.1.1.json" { 649 } else { operations };
        assert_eq!(there, expected, "{path}");
    }
}

#[test]
fn every_route_names_its_own_operation() {
    let routes = [
        (Product::Pve, &generated_routes::pve::ROUTES[..]),
        (Product::Pbs, &generated_routes::pbs::ROUTES[..]),
        (Product::Pdm, &generated_routes::pdm::ROUTES[..]),
    ];
    for (product, routes) in routes {
        let spec = &surface(product).spec;
        let expected = count(spec).operations;
        for route in routes {
            let method = route.method.as_str().to_lowercase();
            assert!(
                spec["paths"][route.path][&method].is_object(),
                "{} {}",
                route.method,
                route.path
            );
        }
        let distinct: BTreeSet<_> = routes.iter().map(|route| (route.path, route.method)).collect();
        assert_eq!(distinct.len(), expected, "{product}");
    }
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
    for (_, path, ..) in SPECS {
        let text = print(&spec(path));
        let again: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, print(&again), "{path}");
    }
    assert!(generate(all_surfaces()).unwrap() == all_files());
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
        let spec = normalize_proxmox(Product::Pve, tree, "9.9").spec;
        let text = print(&spec);
        let surface = Surface {
            product: Product::Pve,
            releases: vec!["9.9".to_owned()],
            path: "pve/9.9.json".into(),
            spec,
            stale: None,
        };
        (text, generate(&[surface]).unwrap())
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
    for product in [Product::Pve, Product::Netbox] {
        let api = lower(product, &surface(product).spec);
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
        "proxmox/src/pve/nodes_hosts.rs",
        "proxmox/src/pbs/ping.rs",
        "proxmox/src/pdm/ping.rs",
        "netbox/src/types/tenancy.rs",
        "netbox/src/ops/tenancy.rs",
        "netbox/src/filters/wireless.rs",
    ];
    for path in shown {
        let text = &all_files().iter().find(|file| file.path == path).unwrap().text;
        snapshot(&path.replace("/src", "").replace(['/', '.'], "_"), text);
    }
}

#[test]
fn the_table_of_routes() {
    for product in ["pve", "pbs", "pdm"] {
        let path = format!("routes/src/{product}.rs");
        let text = &all_files().iter().find(|file| file.path == path).unwrap().text;
        snapshot(&format!("routes_{product}"), text);
    }
}

#[test]
fn a_correction_that_lost_its_reason_stops_the_generator() {
    let mut spec = json!({"paths": {"/api/x/": {"get": {"parameters": [
        {"name": "fields", "schema": {"type": "string", "x-since": "4.6"}}]}}}});
    assert!(apply(Product::Netbox, &mut spec, 2).is_ok());
    let told = apply(Product::Netbox, &mut spec, 2).unwrap_err().to_string();
    assert!(told.contains("no longer applies"), "{told}");
    let surface = Surface {
        product: Product::Netbox,
        releases: Vec::new(),
        path: "x".into(),
        spec,
        stale: Some(Stale { name: "x", product: Product::Netbox }),
    };
    assert!(generate(&[surface]).is_err());
}
