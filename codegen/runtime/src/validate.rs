//! Checks of values against a schema, shared by clients, mocks and the proxy.
//!
//! Patterns are not checked here: they are Perl's, and this crate has no regular expressions.

use serde_json::{Map, Value};

use crate::{Field, FieldFlags, Kind, Record, Scalar, Schema, record_to_value};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field.
    pub field: String,
    /// The rule, in words.
    pub rule: String,
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
    let missing = schema
        .fields
        .iter()
        .filter(|field| field.flags.has(FieldFlags::REQUIRED) && !members.contains_key(field.name));
    let missing = missing.map(|field| violation(field.name, "is required"));
    let wrong = members.iter().filter_map(|(name, value)| {
        let field = schema.field(name)?;
        Some(violation(name, &check(field, value)?))
    });
    missing.chain(wrong).collect()
}

fn violation(field: &str, rule: &str) -> Violation {
    Violation { field: field.to_owned(), rule: rule.to_owned() }
}

fn check(field: &Field, value: &Value) -> Option<String> {
    if value.is_null() {
        let nullable = field.flags.has(FieldFlags::NULLABLE);
        return (!nullable).then(|| "may not be null".to_owned());
    }
    let kind = match field.kind {
        Kind::Indexed(kind) => *kind,
        kind => kind,
    };
    let rules = field.rules;
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
            if rules.min.is_some_and(|min| number < min) {
                return Some(format!("is less than {}", rules.min?));
            }
            (rules.max.is_some_and(|max| number > max))
                .then(|| format!("is more than {}", rules.max.unwrap_or_default()))
        }
        Kind::Enum(values) | Kind::Choice(values) => {
            let text = scalar?.as_text()?;
            (!values.is_empty() && !values.contains(&text.as_str()))
                .then(|| format!("is none of {}", values.join(", ")))
        }
        Kind::Text | Kind::Property(_) => {
            let Some(text) = scalar.and_then(|s| s.as_text()) else {
                return Some("is not text".into());
            };
            let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if rules.min_length.is_some_and(|min| length < min) {
                return Some(format!("is shorter than {} characters", rules.min_length?));
            }
            (rules.max_length.is_some_and(|max| length > max))
                .then(|| format!("is longer than {} characters", rules.max_length.unwrap_or(0)))
        }
        _ => None,
    }
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
