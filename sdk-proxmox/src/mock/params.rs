//! Parameters of a request: read from query and body as Perl reads them, and checked.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use proxbox_runtime::{Field, Kind, Op, validate_value};
use serde_json::{Map, Value};

use super::answer::{Refusal, bad_params, refuse};

/// Reads pairs split by `&` or `;`; a key that comes again makes a list.
pub(crate) fn read_pairs(text: &str, into: &mut Map<String, Value>) {
    for pair in text.split(['&', ';']).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::from(decode(value));
        match into.get_mut(&decode(key)) {
            None => {
                into.insert(decode(key), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Reads a body: JSON where it says so, else a form.
pub(crate) fn read_body(
    kind: &str,
    body: &[u8],
    into: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    if kind.starts_with("application/json") {
        if body.is_empty() {
            return Ok(());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => into.extend(members),
            _ => return Err(refuse(400, "unable to parse JSON parameters")),
        }
        return Ok(());
    }
    read_pairs(&String::from_utf8_lossy(body), into);
    Ok(())
}

/// Checks parameters, those of the path included, against the description.
pub(crate) fn check(op: &Op, params: &Map<String, Value>) -> Result<(), Refusal> {
    let mut errors: BTreeMap<String, String> = validate_value(op.params, params)
        .into_iter()
        .map(|broken| {
            let text = in_perl(&broken.rule, params.get(&broken.field));
            (broken.field, text)
        })
        .collect();
    for (name, value) in params {
        let text = match op.params.field(name) {
            None => {
                "property is not defined in schema and the schema does not allow additional \
                     properties"
            }
            Some(field) if is_word_for_bool(field, value) => "type check ('boolean') failed",
            Some(field) if has_unknown_key(field, value) => {
                "invalid format - format error\n{}: property is not defined in schema and the schema \
                     does not allow additional properties"
            }
            Some(_) => continue,
        };
        let text = match value {
            Value::String(came) if text.starts_with("type") => format!("{text} - got '{came}'"),
            _ => text.to_owned(),
        };
        errors.insert(name.clone(), text.replace("{}", name));
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(bad_params(errors)),
    }
}

/// Whether a property string has a key that the description does not know. Volumes are not looked at:
/// their first part holds the sign itself.
fn has_unknown_key(field: &Field, value: &Value) -> bool {
    let kind = match field.kind {
        Kind::Indexed(kind) => *kind,
        kind => kind,
    };
    let (Kind::Property(schema), Value::String(text)) = (kind, value) else { return false };
    let Some(rules) = schema.property else { return false };
    let keys = text.split(',').filter_map(|part| Some(part.split_once('=')?.0));
    keys.into_iter().any(|key| {
        schema.fields.iter().all(|field| field.name != key)
            && rules.key_aliases.iter().all(|(spelling, ..)| *spelling != key)
            && rules.aliases.iter().all(|(spelling, _)| *spelling != key)
    })
}

/// Proxmox takes 1 and 0, and true and false in JSON, but no words.
fn is_word_for_bool(field: &Field, value: &Value) -> bool {
    matches!(field.kind, Kind::Bool)
        && matches!(value, Value::String(text) if !matches!(text.as_str(), "0" | "1"))
}

/// The rule in the words of Proxmox.
fn in_perl(rule: &str, value: Option<&Value>) -> String {
    let came = match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let type_check = |kind| format!("type check ('{kind}') failed - got '{came}'");
    match rule {
        "is required" => "property is missing and it is not optional".to_owned(),
        "is not a truth value" => type_check("boolean"),
        "is not a whole number" => type_check("integer"),
        "is not a number" => type_check("number"),
        "is not text" => type_check("string"),
        rule => {
            if let Some(bound) = rule.strip_prefix("is less than ") {
                format!("value must have a minimum value of {bound}")
            } else if let Some(bound) = rule.strip_prefix("is more than ") {
                format!("value must have a maximum value of {bound}")
            } else if let Some(values) = rule.strip_prefix("is none of ") {
                format!("value '{came}' does not have a value in the enumeration '{values}'")
            } else {
                format!("value {rule}")
            }
        }
    }
}
