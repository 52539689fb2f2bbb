//! Property strings: parsing, printing, and that one undoes the other.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proxbox_runtime::{Field, FieldFlags, Kind, PropertyRules, PropertyString, Schema, Value};

/// A network device, with the parts of `net[n]` that matter here.
#[derive(Clone, Default)]
pub struct Net {
    /// `bridge`
    pub bridge: Option<String>,
    /// `firewall`
    pub firewall: Option<bool>,
    /// `macaddr`
    pub macaddr: Option<String>,
    /// `model`
    pub model: Option<String>,
    /// `rate`
    pub rate: Option<f64>,
    /// `tag`
    pub tag: Option<i64>,
    /// Keys that are not foreseen.
    pub extra: BTreeMap<String, Value>,
}

impl Net {
    const SCHEMA: &'static Schema = &Schema::property(
        "Net",
        &[
            Field::new("bridge", Kind::Text, 0),
            Field::new("firewall", Kind::Bool, 0),
            Field::new("macaddr", Kind::Text, 0),
            Field::new("model", Kind::Text, FieldFlags::REQUIRED),
            Field::new("rate", Kind::Float, 0),
            Field::new("tag", Kind::Int, 0),
        ],
        &PropertyRules {
            default_key: Some("model"),
            aliases: &[("fw", "firewall")],
            key_aliases: &[("e1000", "model", "macaddr"), ("virtio", "model", "macaddr")],
        },
    );
}

proxbox_runtime::record! { Net { 0 bridge, 1 firewall, 2 macaddr, 3 model, 4 rate, 5 tag } }

fn parse(text: &str) -> Result<Net, String> {
    PropertyString::<Net>::from(text).parse().map_err(|error| error.to_string())
}

#[test]
fn each_way_of_writing_a_device_means_the_same() {
    let expected = parse("virtio=AA:BB,bridge=vmbr0,firewall=1,tag=5").unwrap();
    assert_eq!(expected.model.as_deref(), Some("virtio"));
    assert_eq!(expected.macaddr.as_deref(), Some("AA:BB"));
    for text in [
        "model=virtio,macaddr=AA:BB,bridge=vmbr0,firewall=on,tag=5",
        "tag=5,bridge=vmbr0,fw=yes,virtio=AA:BB",
        "virtio,macaddr=AA:BB,bridge=vmbr0,firewall=1,tag=5",
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
    let printed = PropertyString::new(&expected);
    assert_eq!(printed.as_str(), "virtio=AA:BB,bridge=vmbr0,firewall=1,tag=5");
}

#[test]
fn unknown_keys_and_odd_values_are_kept() {
    let net = parse("virtio=AA:BB,novel=7,tag=many").unwrap();
    assert_eq!(net.tag, None);
    assert_eq!(net.extra["novel"], "7");
    assert_eq!(PropertyString::new(&net).as_str(), "virtio=AA:BB,novel=7,tag=many");
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(parse("virtio=A,tag=1,tag=2").unwrap_err(), "`tag=2` in a Net comes twice");
    assert_eq!(parse("virtio=A,model=e1000").unwrap_err(), "`model=e1000` in a Net comes twice");
}

#[test]
fn text_that_was_only_read_is_never_rewritten() {
    let text = "tag=5 , virtio=aa:bb";
    assert_eq!(PropertyString::<Net>::from(text).as_str(), text);
}

prop_compose! {
    fn any_net()(
        bridge in prop::option::of("[a-z]{1,6}[0-9]"),
        firewall in prop::option::of(any::<bool>()),
        macaddr in prop::option::of("([0-9A-F]{2}:){5}[0-9A-F]{2}"),
        model in "virtio|e1000|rtl8139",
        rate in prop::option::of((1_u32..1000).prop_map(|n| f64::from(n) / 4.0)),
        tag in prop::option::of(1_i64..4095),
        extra in prop::collection::btree_map("x[a-z]{1,4}", "[a-z0-9;:/ ]{1,8}[a-z]", 0..3),
    ) -> Net {
        let extra = extra.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        Net { bridge, firewall, macaddr, model: Some(model), rate, tag, extra }
    }
}

proptest! {
    #[test]
    fn printing_and_parsing_undo_each_other(net in any_net()) {
        let printed = PropertyString::new(&net);
        let parsed = printed.parse().unwrap();
        prop_assert_eq!(&parsed, &net);
        prop_assert_eq!(PropertyString::new(&parsed), printed);
    }

    #[test]
    fn whatever_is_parsed_is_printed_so_that_it_says_the_same(
        parts in prop::collection::vec("(model|tag|virtio|fw|novel|)(=|==|)[a-z0-9 ]{0,3}", 0..4)
    ) {
        if let Ok(net) = parse(&parts.join(",")) {
            let printed = PropertyString::new(&net);
            prop_assert_eq!(parse(printed.as_str()), Ok(net), "{}", printed.as_str());
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,60}") {
        let _ = parse(&text);
    }
}
