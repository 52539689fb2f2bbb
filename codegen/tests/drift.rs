//! What counts as a difference between two releases, and which differences break clients.

#![allow(clippy::unwrap_used, clippy::panic)]

use codegen::drift::{Drift, compare, markdown};
use codegen::normalize::normalize_proxmox;
use codegen::product::Product;
use serde_json::{Value, json};

fn spec(info: Value) -> Value {
    let tree = [json!({"path": "/x", "info": {"POST": info}})];
    normalize_proxmox(Product::Pve, &tree, "9").spec
}

fn changes(old: Value, new: Value) -> Vec<(String, String, bool)> {
    let drift: Drift = compare(&spec(old), &spec(new));
    let all = drift.changed.into_iter().flat_map(|one| one.changes);
    all.map(|change| (change.at, change.kind, change.breaking)).collect()
}

fn parameter(schema: Value) -> Value {
    json!({"parameters": {"properties": {"p": schema}}})
}

fn answer(schema: Value) -> Value {
    json!({"returns": {"type": "object", "properties": {"f": schema}}})
}

#[test]
fn each_kind_of_change_is_named_and_judged() {
    let text = || json!({"type": "string", "optional": 1});
    let one = |values: &[&str]| json!({"type": "string", "optional": 1, "enum": values});
    let cases = [
        (json!({}), parameter(text()), "parameter p", "parameter added", false),
        (
            json!({}),
            parameter(json!({"type": "string"})),
            "parameter p",
            "required parameter added",
            true,
        ),
        (parameter(text()), json!({}), "parameter p", "parameter removed", true),
        (
            parameter(text()),
            parameter(json!({"type": "string"})),
            "parameter p",
            "became required",
            true,
        ),
        (
            parameter(json!({"type": "string"})),
            parameter(text()),
            "parameter p",
            "became optional",
            false,
        ),
        (
            parameter(one(&["a"])),
            parameter(one(&["a", "b"])),
            "parameter p",
            "enum value added",
            false,
        ),
        (
            parameter(one(&["a", "b"])),
            parameter(one(&["a"])),
            "parameter p",
            "enum value removed",
            true,
        ),
        (parameter(text()), parameter(one(&["a"])), "parameter p", "enum introduced", true),
        (answer(one(&["a"])), answer(one(&["a", "b"])), "answer f", "enum value added", true),
        (answer(json!({"type": "string"})), answer(text()), "answer f", "became optional", true),
        (
            answer(text()),
            answer(json!({"type": "integer", "optional": 1})),
            "answer f",
            "type changed",
            true,
        ),
        (
            answer(text()),
            json!({"returns": {"type": "object", "properties": {}}}),
            "answer f",
            "field removed",
            true,
        ),
        (
            json!({"protected": 1, "allowtoken": 0}),
            json!({"protected": 1, "allowtoken": 1}),
            "",
            "",
            false,
        ),
    ];
    for (old, new, at, kind, breaking) in cases {
        let found = changes(old, new);
        match at {
            "" => assert!(found.is_empty(), "{found:?}"),
            _ => assert_eq!(found, [(at.to_owned(), kind.to_owned(), breaking)]),
        }
    }
}

#[test]
fn order_and_prose_are_no_difference() {
    let one = parameter(json!({"type": "string", "enum": ["a", "b"], "description": "Old prose."}));
    let other =
        parameter(json!({"type": "string", "enum": ["b", "a"], "description": "New prose."}));
    assert!(changes(one, other).is_empty());
}

#[test]
fn the_report_counts_and_names_operations() {
    let none = json!({"info": {"version": "1"}, "paths": {}});
    let some = spec(json!({}));
    let drift = compare(&none, &some);
    assert_eq!((drift.counts.added, drift.counts.removed), (1, 0));
    let text = markdown(&drift);
    assert!(text.contains("1 added") && text.contains("- `POST /x`"), "{text}");
}

#[test]
fn releases_differ_as_counted_from_their_sources() {
    let read = |release: &str| -> Value {
        let path = format!("{}/../specs/pve/{release}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let steps = [
        ("8.3.0", "8.4.0", 5, 0),
        ("8.4.0", "9.0.7", 24, 1),
        ("9.0.7", "9.1.1", 18, 0),
        ("9.1.1", "9.1.3", 3, 0),
        ("9.1.3", "9.2", 26, 0),
    ];
    for (old, new, added, removed) in steps {
        let counts = compare(&read(old), &read(new)).counts;
        assert_eq!((counts.added, counts.removed), (added, removed), "{old} to {new}");
    }
    let counts = compare(&read("9.1.1"), &read("9.1.3")).counts;
    assert_eq!((counts.changed, counts.breaking), (33, 7));
}
