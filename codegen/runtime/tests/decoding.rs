//! Decoding of what servers send, good or odd: nothing is lost and nothing fails.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proxbox_runtime::{
    DriftReason, Field, FieldFlags, Indexed, Kind, Page, Patch, PropertyString, Rows, Schema,
    Value, decode, decode_member, record_to_value,
};
use serde_json::json;

proxbox_runtime::open_enum! {
    /// State of a guest.
    pub enum State {
        Running = "running",
        Stopped = "stopped",
    }
}

/// A guest with a field of each kind.
#[derive(Clone, Default)]
pub struct Guest {
    /// `cpu`
    pub cpu: Option<f64>,
    /// `disks`
    pub disks: Option<Rows<String>>,
    /// `ha`
    pub ha: Option<Box<Ha>>,
    /// `name`
    pub name: Option<String>,
    /// `net[n]`
    pub net: Indexed<PropertyString<Ha>>,
    /// `numa`
    pub numa: Option<bool>,
    /// `numa[n]`
    pub numa_n: Indexed<String>,
    /// `owner`
    pub owner: Patch<i64>,
    /// `status`
    pub status: Option<State>,
    /// `template`
    pub template: Option<bool>,
    /// `vmid`
    pub vmid: i64,
    /// Unforeseen members.
    pub extra: BTreeMap<String, Value>,
}

impl Guest {
    const SCHEMA: &'static Schema = &Schema::new(
        "Guest",
        &[
            Field::new("cpu", Kind::Float, 0),
            Field::new("disks", Kind::List(&Kind::Text), 0),
            Field::new("ha", Kind::Record(Ha::SCHEMA), 0),
            Field::new("name", Kind::Text, 0),
            Field::new("net[n]", Kind::Indexed(&Kind::Property(Ha::SCHEMA)), 0),
            Field::new("numa", Kind::Bool, 0),
            Field::new("numa[n]", Kind::Indexed(&Kind::Text), 0),
            Field::new("owner", Kind::Int, FieldFlags::NULLABLE),
            Field::new("status", Kind::Enum(State::VALUES), 0),
            Field::new("template", Kind::Bool, 0),
            Field::new("vmid", Kind::Int, FieldFlags::IDENTITY),
        ],
    );
}

proxbox_runtime::record! { Guest {
    0 cpu, 1 disks, 2 ha, 3 name, 4 net, 5 numa, 6 numa_n, 7 owner, 8 status, 9 template, 10 vmid,
} }

/// High availability.
#[derive(Clone, Default)]
pub struct Ha {
    /// `managed`
    pub managed: Option<bool>,
    /// `password`
    pub password: Option<String>,
    /// Unforeseen members.
    pub extra: BTreeMap<String, Value>,
}

impl Ha {
    const SCHEMA: &'static Schema = &Schema::new(
        "Ha",
        &[
            Field::new("managed", Kind::Bool, 0),
            Field::new("password", Kind::Text, FieldFlags::SECRET),
        ],
    );
}

proxbox_runtime::record! { Ha { 0 managed, 1 password } }

fn guests(rows: Value) -> (Rows<Guest>, Vec<String>) {
    let body = json!({"data": rows, "total": 3}).to_string();
    let decoded = decode_member::<Rows<Guest>>(body.as_bytes(), "data").unwrap();
    assert_eq!(decoded.beside["total"], 3);
    (decoded.value, decoded.drift.iter().map(ToString::to_string).collect())
}

#[test]
fn every_spelling_of_a_value_is_read() {
    let (rows, drift) = guests(json!([
        {"vmid": "101", "template": "", "cpu": "0.4", "name": 42, "ha": null},
        {"vmid": 102.0, "template": 1, "cpu": 2, "ha": {"managed": "0"}, "status": "paused"},
        {"vmid": 103, "template": "yes", "disks": null, "status": "running"},
    ]));
    assert!(drift.is_empty(), "{drift:?}");
    assert_eq!(rows.iter().map(|row| row.vmid).collect::<Vec<_>>(), [101, 102, 103]);
    assert_eq!(
        rows.iter().map(|row| row.template).collect::<Vec<_>>(),
        [None, Some(true), Some(true)]
    );
    assert_eq!(rows[0].name.as_deref(), Some("42"));
    assert_eq!(rows[0].cpu, Some(0.4));
    assert_eq!(rows[1].status, Some(State::Unknown("paused".into())));
    assert_eq!(rows[1].ha.as_ref().unwrap().managed, Some(false));
}

#[test]
fn a_value_that_does_not_fit_costs_only_itself_and_is_kept() {
    let sent = json!({"vmid": 1, "cpu": "N/A", "name": {"odd": true}, "disks": ["a", {"b": 1}],
        "ha": ["x"], "status": "stopped", "new": [1]});
    let (rows, drift) = guests(json!([sent]));
    assert_eq!(rows[0].status, Some(State::Stopped));
    assert_eq!(rows[0].cpu, None);
    assert_eq!(record_to_value(&rows[0]), sent, "encoding gives it all back");
    let places: Vec<&str> = drift.iter().map(|one| one.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["[0].cpu", "[0].disks[1]", "[0].ha", "[0].name"]);
}

#[test]
fn a_row_that_is_none_never_costs_the_list() {
    let sent = json!([{"vmid": 1}, "text", {"name": "nameless"}, {"vmid": 2}]);
    let (rows, _) = guests(sent.clone());
    assert_eq!(rows.iter().map(|row| row.vmid).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rows.rejected().len(), 2);
    assert_eq!(proxbox_runtime::to_value(&rows), sent, "in the order in which they came");

    let body = json!({"data": sent}).to_string();
    let decoded = decode_member::<Rows<Guest>>(body.as_bytes(), "data").unwrap();
    let reasons: Vec<_> = decoded.drift.iter().map(|drift| drift.reason).collect();
    assert_eq!(reasons, [DriftReason::Misfit, DriftReason::NoIdentity]);
}

#[test]
fn numbered_fields_are_one_map_and_look_alikes_are_not_in_it() {
    let sent = json!({"vmid": 1, "net0": "a", "net31": "b", "net01": "c", "netx": "d", "net": "e",
        "numa": 1, "numa0": "cpus=0"});
    let (rows, _) = guests(json!([sent]));
    assert_eq!(rows[0].net.keys().copied().collect::<Vec<_>>(), [0, 31]);
    assert_eq!(rows[0].net.first_free(), 1);
    assert_eq!(rows[0].numa, Some(true));
    assert_eq!(rows[0].numa_n[&0], "cpus=0");
    assert_eq!(rows[0].extra.keys().collect::<Vec<_>>(), ["net", "net01", "netx"]);
}

#[test]
fn absent_null_and_value_are_told_apart_in_a_patch() {
    for (sent, expected) in [
        (json!({"vmid": 1}), Patch::Leave),
        (json!({"vmid": 1, "owner": null}), Patch::Null),
        (json!({"vmid": 1, "owner": 7}), Patch::Set(7)),
    ] {
        let guest: Guest = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(guest.owner, expected);
        assert_eq!(serde_json::to_value(&guest).unwrap(), sent);
    }
}

#[test]
fn a_page_is_read_with_its_links() {
    let body = json!({"count": 2, "next": "http://n/?offset=1", "previous": null,
        "results": [{"vmid": 1}]});
    let page = decode::<Page<Guest>>(body.to_string().as_bytes()).unwrap().value;
    assert_eq!((page.count, page.results.len()), (Some(2), 1));
    assert_eq!(page.next.as_deref(), Some("http://n/?offset=1"));
}

#[test]
fn an_answer_of_another_kind_is_an_error_that_shows_it() {
    let error = decode_member::<Rows<Guest>>(b"{\"data\": \"UPID:x\"}", "data").unwrap_err();
    assert!(error.to_string().contains("another kind came: \"UPID:x\""), "{error}");
    assert!(decode::<Guest>(b"{\"vmid\": 1").unwrap_err().is_eof());
    let error = decode_member::<Rows<Guest>>(b"{\"error\": \"Not found\"}", "data").unwrap_err();
    assert!(error.to_string().contains("`data` is missing"), "{error}");
    assert_eq!(decode_member::<Value>(b"{}", "data").unwrap().value, Value::Null);
}

#[test]
fn secrets_are_not_shown() {
    let ha = Ha { managed: Some(true), password: Some("hunter2".into()), ..Ha::default() };
    let shown = format!("{ha:?}");
    assert!(shown.contains("managed: true") && !shown.contains("hunter2"), "{shown}");
}

/// Any JSON of moderate size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e12..1e12).prop_map(Value::from),
        "[a-z0-9,=. ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}[0-9]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_read_and_every_member_given_back(
        members in prop::collection::btree_map(
            prop_oneof!["cpu|disks|ha|name|net0|net12|numa|numa3|owner|status|template|vmid", "[a-z]{1,6}"],
            any_json(),
            0..8,
        ),
    ) {
        let sent = Value::Object(members.clone().into_iter().collect());
        let mut guest = Guest::default();
        proxbox_runtime::fill_from(&mut guest, &sent).unwrap();
        let back = record_to_value(&guest);
        for (name, value) in &members {
            let absent = value.is_null() || value == "";
            prop_assert!(absent || back.get(name).is_some(), "{name}: {value} of {sent} is lost");
        }
    }
}

#[test]
fn zero_tells_a_row_from_others_and_nothing_does_not() {
    let (rows, drift) =
        guests(json!([{"vmid": 0, "name": "first"}, {"name": "none"}, {"vmid": null}]));
    assert_eq!(rows.iter().map(|row| row.vmid).collect::<Vec<_>>(), [0]);
    assert_eq!(rows.rejected().len(), 2, "{drift:?}");
}
