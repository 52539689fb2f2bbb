//! Property strings of real guests: parsed and printed again they say the same.

use std::collections::BTreeMap;
use std::path::Path;

use proxbox_runtime::{Kind, Method, Schema};
use sdk_proxmox::pve::{ops, recode::PROPERTIES};
use serde_json::Value;

use crate::Tally;
use crate::same::same_scalar;

/// Tries all lines of `property-strings.jsonl` whose key is a property string.
pub(crate) fn check(folder: &Path) -> Tally {
    let text = std::fs::read_to_string(folder.join("property-strings.jsonl")).unwrap_or_default();
    let mut tally = Tally::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let member = |name: &str| line.get(name).map(plain).unwrap_or_default();
        let (guest, key, value) = (member("guest"), member("key"), member("value"));
        let Some(schema) = property_type(&guest, &key) else { continue };
        let at = format!("{guest} {key} `{value}`");
        if let Some(reason) = not_a_value(schema, &value) {
            tally.passed_over.push(format!("{at}: {reason}"));
            continue;
        }
        tally.tried += 1;
        tally.wrong.extend(round_trip(schema, &value).err().map(|why| format!("{at}: {why}")));
    }
    tally
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The type of a key in a guest's configuration, where it is a property string.
fn property_type(guest: &str, key: &str) -> Option<&'static Schema> {
    let path = format!("/nodes/{{node}}/{guest}/{{vmid}}/config");
    let of = |method| ops().find(|op| op.method == method && op.path == path);
    let read = match of(Method::Get)?.returns {
        Kind::Record(schema) => schema.field(key).map(|field| field.kind),
        _ => None,
    };
    let written = of(Method::Put).and_then(|op| op.params.field(key)).map(|field| field.kind);
    let property = |kind: Kind| match kind {
        Kind::Property(schema) => Some(schema),
        Kind::Indexed(Kind::Property(schema)) => Some(*schema),
        _ => None,
    };
    read.and_then(property).or_else(|| written.and_then(property))
}

/// Why Proxmox's own parser refuses a text.
fn not_a_value(schema: &Schema, text: &str) -> Option<&'static str> {
    let rules = schema.property?;
    let mut seen = Vec::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let key = match (part.split_once('='), rules.default_key) {
            (Some((key, _)), _) => key.trim(),
            (None, Some(key)) => key,
            (None, None) => return Some("a part has no key, and the type has no default key"),
        };
        if seen.contains(&key) {
            return Some("a key comes twice");
        }
        seen.push(key);
    }
    None
}

fn round_trip(schema: &'static Schema, text: &str) -> Result<(), String> {
    let (_, reprint) = PROPERTIES
        .iter()
        .find(|(name, _)| *name == schema.name)
        .ok_or_else(|| format!("{} is not in the table", schema.name))?;
    let (_, printed) = reprint(text).map_err(|error| error.to_string())?;
    let (before, after) = (pairs(schema, text), pairs(schema, &printed));
    let alike = before.len() == after.len()
        && before
            .iter()
            .zip(&after)
            .all(|((key, value), (other, again))| key == other && same_scalar(value, again));
    match alike {
        true => Ok(()),
        false => Err(format!("printed as `{printed}`")),
    }
}

/// Keys and values under their full names.
fn pairs(schema: &Schema, text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let Some(rules) = schema.property else {
        return pairs;
    };
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key.trim(), value),
            None => (rules.default_key.unwrap_or_default(), part),
        };
        if let Some((name, name_field, value_field)) =
            rules.key_aliases.iter().find(|(name, ..)| *name == key)
        {
            pairs.insert((*name_field).to_owned(), (*name).to_owned());
            pairs.insert((*value_field).to_owned(), value.to_owned());
            continue;
        }
        let alias = rules.aliases.iter().find(|(name, _)| *name == key);
        let key = alias.map_or(key, |(_, key)| key);
        let is_bool = schema.field(key).is_some_and(|field| matches!(field.kind, Kind::Bool));
        let value = match value {
            "on" | "yes" | "true" if is_bool => "1",
            "off" | "no" | "false" if is_bool => "0",
            value => value,
        };
        pairs.insert(key.to_owned(), value.to_owned());
    }
    pairs
}
