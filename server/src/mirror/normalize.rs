//! From NetBox's JSON to values that compare.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::plan::{Existing, Kind, OUR_TAG, Ref, Shape, Value, only_our_tag};

/// An object out of a list; none without an id.
pub fn existing(kind: Kind, row: &BTreeMap<String, Json>) -> Option<Existing> {
    let id = row.get("id")?.as_i64()?;
    let set = kind.fields().iter().filter_map(|rule| {
        let value = value(rule.shape, row.get(rule.name)?)?;
        Some((rule.name, canonical(kind, rule.name, value)))
    });
    Some(Existing { id, fields: set.collect() })
}

/// A field's value; none when it is not set.
fn value(shape: Shape, json: &Json) -> Option<Value> {
    match shape {
        Shape::Text => text(json).map(Value::Text),
        Shape::Mac => text(json).map(|mac| Value::Text(mac.to_uppercase())),
        Shape::Choice => text(json.get("value").unwrap_or(json)).map(Value::Text),
        Shape::Bool => json.as_bool().map(Value::Bool),
        Shape::Int => integer(json).map(Value::Int),
        Shape::Decimal => decimal(json).map(Value::Hundredths),
        Shape::Time => text(json).map(|time| Value::Text(instant(&time))),
        Shape::Ref => integer(json).map(|id| Value::Ref(Ref::Id(id))),
        Shape::Refs => {
            let ids = json.as_array()?.iter().filter_map(integer);
            Some(ids.map(Ref::Id).collect())
                .filter(|ids: &BTreeSet<_>| !ids.is_empty())
                .map(Value::Refs)
        }
        Shape::Json => (!json.is_null()).then(|| Value::Json(json.clone())),
        Shape::Tags => names(json, "slug").map(shared),
        Shape::Names => names(json, "").map(shared),
        Shape::Custom => {
            let members = json.as_object()?.iter();
            let set = members.filter(|(_, value)| !value.is_null());
            let custom: BTreeMap<_, _> = set.map(|(k, v)| (k.clone(), reference(v))).collect();
            // Most objects have none of ours.
            (!custom.is_empty()).then_some(Value::Custom(custom))
        }
    }
}

fn text(json: &Json) -> Option<String> {
    json.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A number, or the id of an object.
fn integer(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.get("id")?.as_i64())
}

fn decimal(json: &Json) -> Option<i64> {
    let number = json.as_f64().or_else(|| json.as_str()?.parse().ok())?;
    Some((number * 100.0).round() as i64)
}

/// A custom field that refers to an object is read as that object, and compared as its id.
fn reference(json: &Json) -> Json {
    match json.get("id") {
        Some(id) if json.get("url").is_some() => serde_json::json!({ "id": id }),
        _ => json.clone(),
    }
}

/// In UTC, to the second.
fn instant(text: &str) -> String {
    let parsed = text.parse::<Timestamp>().ok();
    let seconds = parsed.and_then(|time| Timestamp::from_second(time.as_second()).ok());
    seconds.map_or_else(|| text.to_owned(), |time| time.to_string())
}

fn names(json: &Json, member: &str) -> Option<BTreeSet<String>> {
    let name = |item: &Json| item.get(member).unwrap_or(item).as_str().map(str::to_owned);
    Some(json.as_array()?.iter().filter_map(name).collect())
}

/// Most objects carry our tag and no other: they share one set.
fn shared(names: BTreeSet<String>) -> Value {
    match names.len() {
        1 if names.contains(OUR_TAG) => only_our_tag(),
        _ => Value::Set(names.into()),
    }
}

/// Addresses in one spelling: NetBox stores what it was given, `2001:DB8::1/64` for instance.
fn canonical(kind: Kind, field: &str, value: Value) -> Value {
    match value {
        Value::Text(text) if kind == Kind::IpAddress && field == "address" => {
            Value::Text(text.parse::<IpNet>().map_or(text, |address| address.to_string()))
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: Kind, row: Json) -> Existing {
        existing(kind, &serde_json::from_value(row).unwrap()).unwrap()
    }

    #[test]
    fn times_are_compared_to_the_second_in_utc() {
        let rows = ["2026-01-01T02:00:00.123+02:00", "2026-01-01T00:00:00Z"];
        let [one, other] =
            rows.map(|time| read(Kind::Snapshot, json!({"id": 1, "snaptime": time})));
        assert_eq!(one, other);
    }

    #[test]
    fn every_spelling_of_a_value_compares_equal() {
        let rows = [
            json!({
                "id": 7, "name": "web", "status": {"value": "active", "label": "Active"},
                "vcpus": 2.0, "memory": 2048, "cluster": {"id": 3, "name": "lab"}, "site": null,
                "description": "", "tags": [{"id": 1, "slug": "proxbox"}],
                "custom_fields": {"proxmox_vm_id": 100, "other": null},
            }),
            json!({
                "id": 7, "name": "web", "status": "active", "vcpus": "2.00", "memory": 2048,
                "cluster": 3, "tags": ["proxbox"], "custom_fields": {"proxmox_vm_id": 100},
            }),
        ];
        let [one, other] = rows.map(|row| read(Kind::VirtualMachine, row));
        assert_eq!(one, other);
        assert_eq!(one.fields["vcpus"], Value::Hundredths(200));
        assert_eq!(one.custom_int("proxmox_vm_id"), Some(100));
    }

    #[test]
    fn addresses_have_one_spelling() {
        let row = json!({"id": 1, "address": "2001:DB8:0::1/64"});
        let address = read(Kind::IpAddress, row);
        assert_eq!(address.text("address"), "2001:db8::1/64");
    }
}
