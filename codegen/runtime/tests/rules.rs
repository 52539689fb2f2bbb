//! What is checked before a call is sent.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use proxbox_runtime::{
    Availability, Field, FieldFlags, Kind, Op, PropertyRules, Release, Rules, Schema, Value,
    unavailable, validate_value,
};
use serde_json::{Map, json};

const NET: Schema = Schema::property(
    "Net",
    &[
        Field::ruled(
            "macaddr",
            Kind::Text,
            0,
            &Rules { pattern: Some("[0-9A-F:]{17}"), ..Rules::NONE },
        ),
        Field::new("model", Kind::Enum(&["e1000", "virtio"]), FieldFlags::REQUIRED),
        Field::ruled("tag", Kind::Int, 0, &Rules { max: Some(4094.0), ..Rules::NONE }),
    ],
    &PropertyRules {
        default_key: Some("model"),
        aliases: &[("mac", "macaddr")],
        key_aliases: &[("virtio", "model", "macaddr")],
    },
);

static SCHEMA: Schema = Schema::new(
    "Thing",
    &[
        Field::ruled(
            "area",
            Kind::Text,
            0,
            &Rules { only_with: Some(("type", &["ospf"])), ..Rules::NONE },
        ),
        Field::ruled(
            "level",
            Kind::Int,
            0,
            &Rules { min: Some(1.0), max: Some(3.0), ..Rules::NONE },
        ),
        Field::ruled(
            "name",
            Kind::Text,
            FieldFlags::REQUIRED,
            &Rules {
                min_length: Some(2),
                max_length: Some(4),
                pattern: Some("[a-z]+"),
                ..Rules::NONE
            },
        ),
        Field::new("net[n]", Kind::Indexed(&Kind::Property(&NET)), 0),
        Field::new("password", Kind::Int, FieldFlags::SECRET),
        Field::new("tags", Kind::List(&Kind::Enum(&["a", "b"])), 0),
        Field::ruled("type", Kind::Text, 0, &Rules { requires: Some("level"), ..Rules::NONE }),
    ],
);

fn broken(members: Value) -> Vec<String> {
    let members: Map<String, Value> = members.as_object().unwrap().clone();
    validate_value(&SCHEMA, &members).iter().map(ToString::to_string).collect()
}

#[test]
fn each_rule_names_field_rule_and_value() {
    let cases = [
        (json!({}), "name is required"),
        (json!({"name": "a"}), "name is shorter than 2 characters, given: a"),
        (json!({"name": "abcde"}), "name is longer than 4 characters, given: abcde"),
        (json!({"name": "ab1"}), "name does not match [a-z]+, given: ab1"),
        (json!({"name": "ab", "level": 0}), "level is less than 1, given: 0"),
        (json!({"name": "ab", "level": "4"}), "level is more than 3, given: 4"),
        (json!({"name": "ab", "level": "x"}), "level is not a whole number, given: x"),
        (json!({"name": "ab", "level": null}), "level may not be null"),
        (json!({"name": "ab", "tags": ["a", "c"]}), "tags is none of a, b, given: c"),
        (json!({"name": "ab", "type": "ospf"}), "type needs level beside it"),
        (
            json!({"name": "ab", "type": "bgp", "level": 1, "area": "0"}),
            "area is there only where type is ospf",
        ),
        (json!({"name": "ab", "password": "hunter2"}), "password is not a whole number"),
        (
            json!({"name": "ab", "net0": "virtio=AA:BB:CC:DD:EE:FF,tag=5000"}),
            "net0.tag is more than 4094, given: 5000",
        ),
        (
            json!({"name": "ab", "net0": "rtl8139"}),
            "net0.model is none of e1000, virtio, given: rtl8139",
        ),
        (json!({"name": "ab", "net1": "e1000,mac=zz"}), "net1.macaddr does not match"),
    ];
    for (members, expected) in cases {
        let found = broken(members);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    }
}

#[test]
fn good_values_break_nothing() {
    let good = json!({"name": "ab", "level": "2", "type": "ospf", "area": "0", "tags": ["b"],
        "net0": "virtio=AA:BB:CC:DD:EE:FF,tag=5", "net1": "e1000", "unknown": {"a": 1}});
    assert_eq!(broken(good), Vec::<String>::new());
}

#[derive(Clone, Default)]
struct Params {
    kind: Option<String>,
    novel: Option<i64>,
    extra: BTreeMap<String, Value>,
}

impl Params {
    const SCHEMA: &'static Schema = &Schema::new(
        "Params",
        &[
            Field::ruled(
                "kind",
                Kind::Text,
                0,
                &Rules {
                    values: &[("bgp", Availability::since(Release(9, 2, 0), Release(9, 1, 3)))],
                    ..Rules::NONE
                },
            ),
            Field::ruled(
                "novel",
                Kind::Int,
                0,
                &Rules {
                    availability: Availability::since(Release(9, 0, 7), Release(8, 4, 0)),
                    ..Rules::NONE
                },
            ),
        ],
    );
}

proxbox_runtime::parameters! { Params { 0 kind, 1 novel } }

#[test]
fn what_a_release_lacks_is_named_with_the_release_that_has_it() {
    let op = |availability| Op { path: "/cluster/ha/rules", availability, ..Op::PLAIN };
    let told = |op: &Op, params: &Params, release| {
        unavailable(op, params, release).map(|missing| missing.told("PVE")).unwrap_or_default()
    };
    let always = op(Availability::ALWAYS);
    let since = op(Availability::since(Release(9, 1, 3), Release(9, 0, 7)));
    let until = op(Availability::until(Release(8, 4, 0), Release(9, 0, 7)));
    let none = Params::default();
    let (old, new) = (Release(8, 4, 1), Release(9, 2, 0));
    assert_eq!(told(&since, &none, old), "GET /cluster/ha/rules needs PVE 9.1, this is 8.4.1");
    assert_eq!(told(&since, &none, Release(9, 1, 0)), "");
    assert_eq!(
        told(&until, &none, new),
        "GET /cluster/ha/rules was there up to PVE 8.4, this is 9.2"
    );
    let novel = Params { novel: Some(1), ..none.clone() };
    assert_eq!(told(&always, &novel, old), "the parameter novel needs PVE 9.0, this is 8.4.1");
    assert_eq!(told(&always, &novel, new), "");
    let bgp = Params { kind: Some("bgp".into()), ..none };
    assert_eq!(told(&always, &bgp, old), "the value bgp of kind needs PVE 9.2, this is 8.4.1");
}
