//! Believable answers of the right kind, made from the description, for what has no state.

use proxbox_runtime::{Field, FieldFlags, Kind, Schema};
use serde_json::{Map, Value, json};

use crate::Product;

/// How deep objects inside of objects are filled.
const DEPTH: usize = 4;

/// A value that the description allows.
pub(crate) fn sample(kind: &Kind, product: Product) -> Value {
    value(kind, None, product, 0)
}

/// An object's members that have a default, with it: what a server answers that nobody set up.
pub(crate) fn defaults(kind: &Kind) -> Map<String, Value> {
    let Kind::Record(schema) = kind else { return Map::new() };
    let with_default = schema.fields.iter().filter_map(|field| {
        let default = field.rules.default?;
        Some((field.name.to_owned(), typed(&field.kind, default)?))
    });
    with_default.collect()
}

fn value(kind: &Kind, field: Option<&Field>, product: Product, depth: usize) -> Value {
    match kind {
        Kind::Null | Kind::Any => Value::Null,
        Kind::Bool => truth(true, product),
        Kind::Int => integer(field).into(),
        Kind::Float => json!(field.and_then(|field| field.rules.min).unwrap_or(0.5)),
        Kind::Text => text(field).into(),
        Kind::Enum(values) | Kind::Choice(values, _) => json!(values.first().unwrap_or(&"")),
        Kind::Map => json!({}),
        Kind::Reference(_) => json!(1),
        Kind::Record(schema) if depth < DEPTH => object(schema, product, depth).into(),
        Kind::Record(_) => json!({}),
        Kind::Property(schema) => property(schema).into(),
        Kind::List(inner) | Kind::Page(inner) if depth < DEPTH => {
            json!([value(inner, None, product, depth + 1)])
        }
        Kind::List(_) | Kind::Page(_) => json!([]),
        // Members of a family are named by the object around it.
        Kind::Indexed(inner) => value(inner, field, product, depth),
    }
}

fn object(schema: &Schema, product: Product, depth: usize) -> Map<String, Value> {
    let member = |field: &Field| {
        let name = field.name.replace("[n]", "0");
        let value = match field.rules.default.and_then(|text| typed(&field.kind, text)) {
            Some(default) => default,
            None => value(&field.kind, Some(field), product, depth + 1),
        };
        (name, value)
    };
    // What is told of an older release is gone.
    let current = schema.fields.iter().filter(|field| field.rules.availability.until.is_none());
    current.filter(|field| !matches!(field.kind, Kind::Any)).map(member).collect()
}

/// Perl says 1 and 0, the products in Rust true and false.
pub(crate) fn truth(truth: bool, product: Product) -> Value {
    match product {
        Product::Pve => u8::from(truth).into(),
        Product::Pbs | Product::Pdm => truth.into(),
    }
}

fn typed(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Bool => Some((text == "true" || text == "1").into())
            .map(|truth: Value| if truth == true { json!(1) } else { json!(0) }),
        Kind::Int => text.parse::<i64>().ok().map(Value::from),
        Kind::Float => text.parse::<f64>().ok().map(Value::from),
        Kind::Text | Kind::Enum(_) => Some(text.into()),
        _ => None,
    }
}

fn integer(field: Option<&Field>) -> i64 {
    let Some(field) = field else { return 1 };
    match field.name {
        "vmid" => 100,
        "starttime" | "endtime" | "time" | "ctime" | "mtime" => 1_767_225_600,
        _ => {
            let (min, max) = (field.rules.min.unwrap_or(1.0), field.rules.max.unwrap_or(f64::MAX));
            1.0_f64.clamp(min, max.max(min)) as i64
        }
    }
}

fn text(field: Option<&Field>) -> String {
    let Some(field) = field else { return "sample".to_owned() };
    let by_format = match field.rules.format.unwrap_or_default() {
        "ipv4" | "ip" | "address" => "192.0.2.10",
        "ipv6" => "2001:db8::10",
        "CIDR" | "CIDRv4" => "192.0.2.0/24",
        "CIDRv6" => "2001:db8::/64",
        "mac-addr" => "BC:24:11:00:00:01",
        "pve-node" => "pve01",
        "pve-storage-id" => "local",
        "pve-userid" => "root@pam",
        "pve-realm" => "pam",
        "email" | "email-opt" => "root@example.com",
        _ => "",
    };
    let by_name = match field.name {
        "node" | "nodename" => "pve01",
        "upid" => "UPID:pve01:0000C000:0000C000:69561800:sample::root@pam:",
        "digest" => "0000000000000000000000000000000000000000",
        "userid" | "user" | "authid" => "root@pam",
        "vmid" => "100",
        "port" => "5900",
        "host" => "pve01.example.com",
        _ => "",
    };
    let found = [by_format, by_name].into_iter().find(|text| !text.is_empty());
    let text = found.map_or_else(|| format!("sample-{}", field.name), str::to_owned);
    match field.rules.max_length {
        Some(length) => text.chars().take(length as usize).collect(),
        None => text,
    }
}

/// The keys that must be given, as the product writes them.
fn property(schema: &Schema) -> String {
    let default_key = schema.property.and_then(|rules| rules.default_key);
    let wanted =
        |field: &&Field| field.flags.has(FieldFlags::REQUIRED) || Some(field.name) == default_key;
    let part = |field: &Field| {
        let value = match &field.kind {
            Kind::Bool => "1".to_owned(),
            Kind::Int | Kind::Float => integer(Some(field)).to_string(),
            Kind::Enum(values) => values.first().copied().unwrap_or_default().to_owned(),
            _ => text(Some(field)),
        };
        match Some(field.name) == default_key {
            true => value,
            false => format!("{}={value}", field.name),
        }
    };
    schema.fields.iter().filter(wanted).map(part).collect::<Vec<_>>().join(",")
}
