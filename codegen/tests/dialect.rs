//! Each construct of the Proxmox dialect, from a viewer's node to OpenAPI and the model.

#![allow(clippy::unwrap_used, clippy::panic)]

use codegen::generate::lower;
use codegen::ir::{Api, Op, Presence, Type};
use codegen::normalize::normalize_proxmox;
use codegen::product::Product;
use serde_json::{Value, json};

/// The normalised operation for one viewer's node with one method.
fn operation(path: &str, method: &str, info: Value) -> Value {
    let tree = [json!({"path": path, "info": {method: info}})];
    let normalized = normalize_proxmox(Product::Pve, &tree, "9.9");
    normalized.spec["paths"][path][method.to_lowercase()].clone()
}

fn model(path: &str, method: &str, info: Value) -> Api {
    let tree = [json!({"path": path, "info": {method: info}})];
    lower(Product::Pve, &normalize_proxmox(Product::Pve, &tree, "9.9").spec)
}

fn param<'a>(op: &'a Op, wire: &str) -> &'a codegen::ir::Field {
    op.params.iter().find(|field| field.wire == wire).unwrap()
}

#[test]
fn limits_written_as_text_are_numbers() {
    let info = json!({"parameters": {"properties": {
        "n": {"type": "integer", "minimum": "0", "maximum": 10, "optional": "1"}}}});
    let schema = &operation("/x", "GET", info)["parameters"][0]["schema"];
    assert_eq!(schema, &json!({"type": "integer", "minimum": 0, "maximum": 10}));
}

#[test]
fn prose_is_left_out_and_its_unit_kept() {
    let info = json!({"description": "Some prose.", "parameters": {"properties": {
        "memory": {"type": "integer", "description": "Memory in MiB.", "title": "Memory"}}}});
    let operation = operation("/x", "GET", info);
    assert_eq!(operation["parameters"][0]["schema"], json!({"type": "integer", "x-unit": "MiB"}));
    assert!(!operation.to_string().contains("prose"), "{operation}");
}

#[test]
fn path_parameters_that_are_not_declared_are_there_all_the_same() {
    let op = operation("/nodes/{node}/x/{id}", "GET", json!({"parameters": {}}));
    let names: Vec<_> = op["parameters"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["node", "id"]);
    assert!(op["parameters"].as_array().unwrap().iter().all(|p| p["in"] == "path"));
}

#[test]
fn parameters_of_writes_are_a_form_and_those_of_deletes_a_query() {
    let info = json!({"parameters": {"properties": {"force": {"type": "boolean", "optional": 1}}}});
    let put = operation("/x", "PUT", info.clone());
    let form = &put["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    assert_eq!(form["properties"]["force"]["type"], "boolean");
    let delete = operation("/x", "DELETE", info);
    assert_eq!(delete["parameters"][0]["in"], "query");
    assert_eq!(delete["requestBody"], Value::Null);
}

#[test]
fn an_inline_format_becomes_a_property_string_with_its_key_aliases() {
    let format = json!({
        "model": {"type": "string", "enum": ["virtio", "e1000"], "default_key": 1},
        "macaddr": {"type": "string", "optional": 1},
        "virtio": {"alias": "macaddr", "keyAlias": "model"},
        "nic": {"alias": "model"},
    });
    let info = json!({"parameters": {"properties": {
        "net[n]": {"type": "string", "optional": 1, "format": format}}}});
    let api = model("/nodes/{node}/qemu", "POST", info);
    let Type::Indexed(inner) = &param(&api.ops[0], "net[n]").ty else { panic!("not indexed") };
    let Type::Property(name) = &**inner else { panic!("not a property string") };
    let record = api.records.iter().find(|record| record.name == *name).unwrap();
    let property = record.property.as_ref().unwrap();
    assert_eq!(property.default_key.as_deref(), Some("model"));
    assert_eq!(property.key_aliases, [("virtio".into(), "model".into(), "macaddr".into())]);
    assert_eq!(property.aliases, [("nic".into(), "model".into())]);
    assert_eq!(record.fields.len(), 2, "aliases are no fields");
}

#[test]
fn the_field_of_a_child_link_tells_rows_apart() {
    let info = json!({"returns": {"type": "array",
        "links": [{"href": "{vmid}", "rel": "child"}],
        "items": {"type": "object", "properties": {
            "vmid": {"type": "integer"}, "name": {"type": "string", "optional": 1}}}}});
    let api = model("/guests", "GET", info);
    let presence = |wire: &str| {
        api.records[0].fields.iter().find(|field| field.wire == wire).unwrap().presence
    };
    assert_eq!(presence("vmid"), Presence::Plain);
    assert_eq!(presence("name"), Presence::Optional);
}

#[test]
fn branches_of_a_tagged_union_are_one_record() {
    let info = json!({"returns": {"type": "object", "type-property": "protocol", "oneOf": [
        {"instance-types": ["ospf"], "properties": {"area": {"type": "string"}}},
        {"instance-types": ["openfabric"], "properties": {"hello": {"type": "integer"}}}]}});
    let api = model("/fabric", "GET", info);
    let names: Vec<_> = api.records[0].fields.iter().map(|field| field.wire.as_str()).collect();
    assert_eq!(names, ["area", "hello"]);
}

#[test]
fn an_enum_that_lists_the_members_of_a_family_is_text() {
    let members: Vec<String> = (0..60).map(|n| format!("unused{n}")).collect();
    let info = json!({"parameters": {"properties": {
        "disk": {"type": "string", "enum": members},
        "mode": {"type": "string", "enum": ["b", "a"]}}}});
    let api = model("/x", "GET", info);
    assert_eq!(param(&api.ops[0], "disk").ty, Type::Text);
    assert_eq!(api.enums[0].values, ["a", "b"]);
}

#[test]
fn keywords_that_no_rule_knows_are_reported() {
    let tree = [json!({"path": "/x", "info": {"GET": {
        "novel": 1, "parameters": {"properties": {"a": {"type": "string", "newer": true}}}}}})];
    let unknown = normalize_proxmox(Product::Pve, &tree, "9.9").unknown_keywords;
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["newer", "novel"]);
}

#[test]
fn secrets_are_marked() {
    let info = json!({"parameters": {"properties": {
        "password": {"type": "string"}, "comment": {"type": "string"}}}});
    let api = model("/access/ticket", "POST", info);
    assert!(param(&api.ops[0], "password").flags.contains(&"SECRET"));
    assert!(!param(&api.ops[0], "comment").flags.contains(&"SECRET"));
}

#[test]
fn a_union_of_pbs_and_pdm_has_its_tag_as_a_member() {
    let info = json!({"returns": {"type": "array", "items": {
        "typeProperty": "type", "typeSchema": {"type": "string", "enum": ["lxc", "qemu"]},
        "oneOf": [
            {"title": "lxc", "properties": {"swap": {"type": "integer"}}},
            {"title": "qemu", "properties": {"bios": {"type": "string"}},
             "oneOf": [{"title": "deep", "properties": {"inner": {"type": "boolean"}}}]}]}}});
    let api = model("/resources", "GET", info.clone());
    let names: Vec<_> = api.records[0].fields.iter().map(|field| field.wire.as_str()).collect();
    assert_eq!(names, ["bios", "inner", "swap", "type"]);
    let operation = operation("/resources", "GET", info);
    let items = &operation["responses"]["200"]["content"]["application/json"]["schema"]["items"];
    assert_eq!(items["x-proxmox-one-of"][0]["x-proxmox-instance-types"], json!(["lxc"]));
}

#[test]
fn a_whole_schema_in_a_format_is_a_property_string() {
    let format = json!({"type": "object", "default_key": "name", "properties": {
        "name": {"type": "string"}, "size": {"type": "integer", "optional": 1}}});
    let info = json!({"parameters": {"properties": {
        "mp0": {"type": "string", "format": format, "optional": 1},
        "hosts": {"type": "string", "optional": 1,
            "format": {"type": "array", "items": {"type": "string"}}}}}});
    let api = model("/x", "POST", info);
    let Type::Property(name) = &param(&api.ops[0], "mp0").ty else { panic!("no property string") };
    let record = api.records.iter().find(|record| record.name == *name).unwrap();
    assert_eq!(record.property.as_ref().unwrap().default_key.as_deref(), Some("name"));
    assert_eq!(param(&api.ops[0], "hosts").ty, Type::Text);
}

#[test]
fn patterns_lose_their_slashes_and_perls_spellings() {
    let info = json!({"parameters": {"properties": {
        "a": {"type": "string", "pattern": "/^[a-z]+$/"},
        "b": {"type": "string", "pattern": "(?^i:x){,3}"},
        "c": {"type": "string", "pattern": "(unreadable"}}}});
    let api = model("/x", "GET", info);
    let pattern = |name| param(&api.ops[0], name).rules.pattern.as_deref();
    assert_eq!(pattern("a"), Some("^[a-z]+$"));
    assert_eq!(pattern("b"), Some("(?i:x){0,3}"));
    assert_eq!(pattern("c"), None, "what no engine reads is not checked");
}

#[test]
fn keys_of_a_format_are_known_wherever_the_format_is_named() {
    let parameter = json!({"type": "string", "format": "pve-qm-watchdog", "optional": 1,
        "typetext": "[[model=]<i6300esb|ib700>] [,action=<enum>]"});
    let tree = [
        json!({"path": "/write", "info": {"PUT": {"parameters": {"properties": {"watchdog": parameter}}}}}),
        json!({"path": "/read", "info": {"GET": {"returns": {"type": "object", "properties": {
            "watchdog": {"type": "string", "format": "pve-qm-watchdog"}}}}}}),
    ];
    let api = lower(Product::Pve, &normalize_proxmox(Product::Pve, &tree, "9.9").spec);
    let read = api.records.iter().find(|record| record.origin == "GET /read").unwrap();
    assert!(matches!(read.fields[0].ty, Type::Property(_)), "{:?}", read.fields[0].ty);
}

#[test]
fn a_parameter_for_some_types_only_is_not_required() {
    let info = json!({"parameters": {"properties": {
        "type": {"type": "string", "enum": ["bgp", "ospf"]},
        "area": {"type": "string", "type-property": "type", "instance-types": ["ospf"]}}}});
    let api = model("/x", "POST", info);
    assert!(param(&api.ops[0], "type").flags.contains(&"REQUIRED"));
    let area = param(&api.ops[0], "area");
    assert!(!area.flags.contains(&"REQUIRED"));
    assert_eq!(area.rules.only_with, Some(("type".into(), vec!["ospf".into()])));
}

#[test]
fn an_operation_without_permissions_is_for_root() {
    let api = model("/x", "GET", json!({}));
    assert_eq!(api.ops[0].permission, Some(codegen::ir::Permission::Root));
}
