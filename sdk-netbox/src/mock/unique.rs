//! Which objects may not exist twice.

use serde_json::Value;

use super::answer::Errors;
use super::model::{Model, Unique};
use super::state::{Row, State};

/// What an object must not share with another; nothing where a part of it is null.
pub(super) fn key(rule: &Unique, row: &Row) -> Option<String> {
    let is_null = |field: &&'static str| row.get(*field).is_none_or(Value::is_null);
    if !rule.nulls.iter().all(is_null) {
        return None;
    }
    let mut key = String::new();
    for part in &rule.fields {
        let value = row.get(part.field).filter(|value| !value.is_null())?;
        let text = value.to_string();
        key.push_str(&if part.ignores_case { text.to_lowercase() } else { text });
        key.push('\n');
    }
    Some(key)
}

/// The rules that an object would break beside those already stored.
pub(super) fn check(state: &State, model: &Model, id: Option<i64>, row: &Row) -> Errors {
    let mut errors = Errors::default();
    for rule in broken(state, model, id, row) {
        let (field, message) = words(model, rule);
        errors.add(field, message);
    }
    // Fields are checked before the object as a whole.
    if errors.names().any(|name| name != "__all__") {
        errors.remove("__all__");
    }
    errors
}

/// The first rule that an object breaks, in the words of the database.
pub(super) fn violation(state: &State, model: &Model, id: i64, row: &Row) -> Option<String> {
    let rule = broken(state, model, Some(id), row).next()?;
    let fields: Vec<&str> = rule.fields.iter().map(|part| part.field).collect();
    let name = format!("{}_unique_{}", model.label.replace('.', "_"), fields.join("_"));
    Some(format!("duplicate key value violates unique constraint \"{name}\""))
}

fn broken<'a>(
    state: &'a State,
    model: &'a Model,
    id: Option<i64>,
    row: &'a Row,
) -> impl Iterator<Item = &'a Unique> {
    let known = state.table(model.path).map_or(&[][..], |table| table.unique.as_slice());
    model.unique.iter().zip(known).filter_map(move |(rule, known)| {
        let holder = known.get(&key(rule, row)?)?;
        (Some(*holder) != id).then_some(rule)
    })
}

fn words(model: &Model, rule: &Unique) -> (&'static str, String) {
    if let Some(message) = rule.message {
        return ("__all__", message.to_owned());
    }
    match rule.fields.as_slice() {
        [one] if rule.nulls.is_empty() => {
            let field = verbose(model, one.field);
            (one.field, format!("{} with this {field} already exists.", model.name))
        }
        parts => {
            let names: Vec<String> =
                parts.iter().map(|part| capital(&verbose(model, part.field))).collect();
            let names = names.join(" and ");
            ("__all__", format!("{} with this {names} already exists.", title(model.name)))
        }
    }
}

/// What NetBox calls a field in a sentence.
fn verbose(model: &Model, field: &str) -> String {
    match (model.path, field) {
        (_, "vid") => "VLAN ID".to_owned(),
        (_, "rd") => "route distinguisher".to_owned(),
        (_, "asn") => "ASN".to_owned(),
        (_, "cid") => "circuit ID".to_owned(),
        (_, "facility_id") => "facility ID".to_owned(),
        (_, "l2vpn") => "L2VPN".to_owned(),
        (_, "vc_position") => "VC position".to_owned(),
        (_, "primary_ip4") => "primary IPv4".to_owned(),
        (_, "primary_ip6") => "primary IPv6".to_owned(),
        (_, "oob_ip") => "out-of-band IP".to_owned(),
        (_, field) => field.replace('_', " "),
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// `virtual_machine` as `Virtual machine`.
pub(super) fn title(name: &str) -> String {
    capital(&name.replace('_', " "))
}
