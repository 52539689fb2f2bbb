//! Requests as a Perl server reads them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proxbox_runtime::{
    Field, FieldFlags, Indexed, Kind, OpFlags, Operation, Payload, Permission, Rows, Schema, Value,
};

/// Parameters with names that are easily confused.
#[derive(Clone, Default)]
pub struct PutThing {
    /// `body`
    pub body: Option<String>,
    /// `force`
    pub force: Option<bool>,
    /// `list`
    pub list: Option<Rows<String>>,
    /// `net[n]`
    pub net: Indexed<String>,
    /// `volume`
    pub volume: String,
    /// Parameters that are not foreseen.
    pub extra: BTreeMap<String, Value>,
}

impl PutThing {
    const SCHEMA: &'static Schema = &Schema::new(
        "PutThing",
        &[
            Field::new("body", Kind::Text, 0),
            Field::new("force", Kind::Bool, 0),
            Field::new("list", Kind::List(&Kind::Text), 0),
            Field::new("net[n]", Kind::Indexed(&Kind::Text), 0),
            Field::new("volume", Kind::Text, FieldFlags::PATH | FieldFlags::REQUIRED),
        ],
    );
}

proxbox_runtime::record! { PutThing { 0 body, 1 force, 2 list, 3 net, 4 volume } }
proxbox_runtime::operation! { PutThing -> Value; Put "/content/{volume}/x", Kind::Null, OpFlags::NONE; Permission::World }

fn form(op: &PutThing) -> Vec<(String, String)> {
    match op.request().payload {
        Payload::Form(pairs) => pairs,
        _ => panic!("not a form"),
    }
}

#[test]
fn values_of_a_path_are_one_segment_each() {
    for (volume, path) in [
        ("local:iso/a b.iso", "/content/local%3Aiso%2Fa%20b.iso/x"),
        ("ü", "/content/%C3%BC/x"),
        ("%2F", "/content/%252F/x"),
        ("..", "/content/%252E%252E/x"),
    ] {
        let op = PutThing { volume: volume.into(), ..PutThing::default() };
        assert_eq!(op.request().path, path);
    }
}

/// A parameter without slashes.
#[derive(Clone, Default)]
pub struct GetPool {
    /// `poolid`
    pub poolid: String,
    /// Parameters that are not foreseen.
    pub extra: BTreeMap<String, Value>,
}

impl GetPool {
    const SCHEMA: &'static Schema = &Schema::new(
        "GetPool",
        &[Field::new("poolid", Kind::Text, FieldFlags::PATH | FieldFlags::REQUIRED)],
    );
}

proxbox_runtime::record! { GetPool { 0 poolid } }
proxbox_runtime::operation! { GetPool -> Value; Get "/pools/{poolid}", Kind::Null, OpFlags::NONE; Permission::World }

#[test]
fn a_slash_in_a_value_that_has_none_ends_no_segment() {
    let op = GetPool { poolid: "a/b".into(), ..GetPool::default() };
    assert_eq!(op.request().path, "/pools/a%252Fb");
}

#[test]
fn truth_is_sent_as_one_and_zero_and_families_by_their_members() {
    let mut op = PutThing { force: Some(false), volume: "v".into(), ..PutThing::default() };
    op.net.insert(3, "virtio".into());
    op.extra.insert("novel".into(), 7.into());
    let expected = [("force", "0"), ("net3", "virtio"), ("novel", "7")];
    assert_eq!(form(&op), expected.map(|(name, value)| (name.into(), value.into())));
}

#[test]
fn what_a_form_cannot_carry_goes_as_json() {
    let empty = PutThing { body: Some(String::new()), ..PutThing::default() };
    let list = PutThing {
        list: Some(vec!["a".to_owned()].into()),
        force: Some(true),
        ..PutThing::default()
    };
    for (op, expected) in [
        (empty, serde_json::json!({"body": ""})),
        (list, serde_json::json!({"list": ["a"], "force": 1})),
    ] {
        assert!(op.request().payload == Payload::Json(expected));
    }
}

/// How `decode_urlencoded` of pve-http-server reads a form.
fn perl_decode(form: &str) -> Vec<(String, Option<String>)> {
    let text = |part: &str| {
        percent_decode_str(&part.replace('+', " ")).decode_utf8().unwrap().into_owned()
    };
    form.split(['&', ';'])
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (text(name), (!value.is_empty()).then(|| text(value))),
            None => (text(pair), None),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_perl_server_reads_what_was_meant(body in ".{1,20}", net in "[ -~\n]{1,20}") {
        let mut op = PutThing { body: Some(body.clone()), volume: "v".into(), ..PutThing::default() };
        op.net.insert(0, net.clone());
        let read = perl_decode(&Payload::encode_form(&form(&op)));
        prop_assert_eq!(read, [("body".into(), Some(body)), ("net0".into(), Some(net))]);
    }
}
