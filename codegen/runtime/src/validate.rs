//! Checks of values against a schema, shared by clients, mocks and the proxy.
//!
//! Checked are what must be given, kinds, limits, lengths, enums, patterns (with the feature
//! `patterns`), fields that need others, and the keys of property strings. Named formats
//! (`pve-node`) are the server's own code and not checked; neither are NetBox's choices, which each
//! installation may extend.

use serde_json::{Map, Value};

use crate::{Field, FieldFlags, Kind, Record, Rules, Scalar, Schema, record_to_value};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field; of a key in a property string `net0.bridge`.
    pub field: String,
    /// The rule, in words.
    pub rule: String,
    /// What was given, cut to 60 characters; of secrets nothing.
    pub given: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.rule)?;
        match self.given.as_str() {
            "" => Ok(()),
            given => write!(f, ", given: {given}"),
        }
    }
}

/// All rules that a record breaks.
pub fn validate(record: &dyn Record) -> Vec<Violation> {
    match record_to_value(record) {
        Value::Object(members) => validate_value(record.schema(), &members),
        _ => Vec::new(),
    }
}

/// All rules that the members of an object break.
pub fn validate_value(schema: &Schema, members: &Map<String, Value>) -> Vec<Violation> {
    let mut broken = Vec::new();
    for field in schema.fields {
        if field.flags.has(FieldFlags::REQUIRED) && !is_given(field, members) {
            broken.push(violation(field, field.name, "is required".into(), None));
        }
    }
    for (name, value) in members {
        let Some(field) = schema.field(name) else { continue };
        check(field, name, value, &mut broken);
        among(field, name, members, &mut broken);
    }
    broken
}

/// All rules that the parameters of a call break, one that the operation does not have among them.
pub fn validate_params(op: &crate::Op, members: &Map<String, Value>) -> Vec<Violation> {
    let mut broken = validate_value(op.params, members);
    let unknown = members.keys().filter(|name| op.params.field(name).is_none());
    broken.extend(unknown.map(|name| Violation {
        field: name.clone(),
        rule: "is no parameter of this operation".to_owned(),
        given: String::new(),
    }));
    broken
}

fn is_given(field: &Field, members: &Map<String, Value>) -> bool {
    match field.name.strip_suffix("[n]") {
        Some(prefix) => members.keys().any(|name| name.starts_with(prefix)),
        None => members.contains_key(field.name),
    }
}

fn violation(field: &Field, name: &str, rule: String, value: Option<&Value>) -> Violation {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let secret = field.flags.has(FieldFlags::SECRET);
    let given = value.filter(|_| !secret).map(shown).unwrap_or_default();
    Violation { field: name.to_owned(), rule, given: given.chars().take(60).collect() }
}

/// Rules about other fields beside this one.
fn among(field: &Field, name: &str, members: &Map<String, Value>, broken: &mut Vec<Violation>) {
    if let Some(other) = field.rules.requires
        && !members.contains_key(other)
    {
        broken.push(violation(field, name, format!("needs {other} beside it"), None));
    }
    if let Some((other, values)) = field.rules.only_with
        && let Some(Value::String(given)) = members.get(other)
        && !values.contains(&given.as_str())
    {
        let rule = format!("is there only where {other} is {}", values.join(" or "));
        broken.push(violation(field, name, rule, None));
    }
}

fn check(field: &Field, name: &str, value: &Value, broken: &mut Vec<Violation>) {
    if value.is_null() {
        if !field.flags.has(FieldFlags::NULLABLE) {
            broken.push(violation(field, name, "may not be null".into(), None));
        }
        return;
    }
    let kind = match field.kind {
        Kind::Indexed(kind) => *kind,
        kind => kind,
    };
    match (kind, value) {
        (Kind::List(inner), Value::Array(items)) => {
            for item in items {
                let rule = check_one(inner, &Rules::NONE, item);
                broken.extend(rule.map(|rule| violation(field, name, rule, Some(item))));
            }
        }
        (Kind::Property(schema), Value::String(text)) if schema.property.is_some() => {
            keys(schema, name, text, broken);
        }
        (Kind::Record(schema), Value::Object(members)) => {
            broken.extend(
                validate_value(schema, members)
                    .into_iter()
                    .map(|inner| Violation { field: format!("{name}.{}", inner.field), ..inner }),
            );
        }
        _ => {}
    }
    if let Some(rule) = check_one(&kind, field.rules, value) {
        broken.push(violation(field, name, rule, Some(value)));
    }
}

/// The keys of a property string, each as a field.
fn keys(schema: &Schema, name: &str, text: &str, broken: &mut Vec<Violation>) {
    let Some(rules) = schema.property else { return };
    let mut members = Map::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = match (part.split_once('='), rules.default_key) {
            (Some((key, value)), _) => (key.trim(), value),
            (None, Some(key)) => (key, part),
            (None, None) => {
                let rule = "has a part without a key".to_owned();
                broken.push(Violation { field: name.to_owned(), rule, given: String::new() });
                continue;
            }
        };
        if let Some((spelling, of_name, of_value)) =
            rules.key_aliases.iter().find(|(spelling, ..)| *spelling == key)
        {
            members.insert((*of_name).to_owned(), Value::from(*spelling));
            members.insert((*of_value).to_owned(), Value::from(value));
        } else {
            let alias = rules.aliases.iter().find(|(spelling, _)| *spelling == key);
            let key = alias.map_or(key, |(_, key)| *key);
            members.insert(key.to_owned(), Value::from(value));
        }
    }
    broken.extend(
        validate_value(schema, &members)
            .into_iter()
            .map(|inner| Violation { field: format!("{name}.{}", inner.field), ..inner }),
    );
}

fn check_one(kind: &Kind, rules: &Rules, value: &Value) -> Option<String> {
    let scalar = scalar(value);
    match kind {
        Kind::Bool if scalar.is_none_or(|s| s.as_bool().is_none()) => {
            Some("is not a truth value".into())
        }
        Kind::Int if scalar.is_none_or(|s| s.as_int().is_none()) => {
            Some("is not a whole number".into())
        }
        Kind::Float if scalar.is_none_or(|s| s.as_float().is_none()) => {
            Some("is not a number".into())
        }
        Kind::Int | Kind::Float => {
            let number = scalar?.as_float()?;
            if let Some(min) = rules.min.filter(|min| number < *min) {
                return Some(format!("is less than {min}"));
            }
            rules.max.filter(|max| number > *max).map(|max| format!("is more than {max}"))
        }
        Kind::Enum(values) => {
            let text = scalar?.as_text()?;
            (!values.is_empty() && !values.contains(&text.as_str()))
                .then(|| format!("is none of {}", values.join(", ")))
        }
        Kind::Text | Kind::Property(_) => match scalar.and_then(|s| s.as_text()) {
            Some(text) => check_text(&text, rules),
            None => Some("is not text".into()),
        },
        _ => None,
    }
}

fn check_text(text: &str, rules: &Rules) -> Option<String> {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if let Some(min) = rules.min_length.filter(|min| length < *min) {
        return Some(format!("is shorter than {min} characters"));
    }
    if let Some(max) = rules.max_length.filter(|max| length > *max) {
        return Some(format!("is longer than {max} characters"));
    }
    let pattern = rules.pattern?;
    (!crate::pattern::matches(pattern, text)).then(|| format!("does not match {pattern}"))
}

fn scalar(value: &Value) -> Option<Scalar<'_>> {
    match value {
        Value::Null => Some(Scalar::Null),
        Value::Bool(value) => Some(Scalar::Bool(*value)),
        Value::String(text) => Some(Scalar::Text(text)),
        Value::Number(number) => number
            .as_i64()
            .map(Scalar::Int)
            .or_else(|| number.as_u64().map(Scalar::Large))
            .or_else(|| number.as_f64().map(Scalar::Float)),
        Value::Array(_) | Value::Object(_) => None,
    }
}
