//! The checks that NetBox does field by field, in its words.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use proxbox_runtime::{Field, FieldFlags, Kind};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::answer::Errors;
use super::custom_fields;
use super::model::{Deletion, Model};
use super::reference::resolve;
use super::state::{Row, State};

/// Whether fields that are required may be left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    Whole,
    Part,
}

/// The fields of a request in stored form, laid over the object that is changed.
pub(super) fn fields(
    state: &State,
    model: &Model,
    before: Option<&Row>,
    body: &Value,
    extent: Extent,
) -> Result<Row, Errors> {
    let Some(body) = body.as_object() else {
        let message =
            format!("Invalid data. Expected a dictionary, but got {}.", python_type(body));
        return Err(Errors::one("non_field_errors", message));
    };
    let mut errors = Errors::default();
    let mut row = before.cloned().unwrap_or_default();
    let schema = model.write.map_or(&[][..], |schema| schema.fields);
    for field in schema.iter().filter(|field| !field.flags.has(FieldFlags::READ_ONLY)) {
        match body.get(field.name) {
            Some(value) => match stored(state, model, field, before, value, &mut errors) {
                Ok(value) => {
                    row.insert(field.name.to_owned(), value);
                }
                Err(message) => errors.add(field.name, message),
            },
            None if before.is_none() => {
                if field.flags.has(FieldFlags::REQUIRED) {
                    errors.add(field.name, "This field is required.");
                }
                row.insert(field.name.to_owned(), default(model, field));
            }
            None if extent == Extent::Whole && field.flags.has(FieldFlags::REQUIRED) => {
                errors.add(field.name, "This field is required.");
            }
            None => {}
        }
    }
    tag_changes(state, body, &mut row, &mut errors);
    if before.is_none() {
        custom_fields::missing(state, model, &row, &mut errors);
    }
    if errors.is_empty() { Ok(row) } else { Err(errors) }
}

fn stored(
    state: &State,
    model: &Model,
    field: &Field,
    before: Option<&Row>,
    value: &Value,
    errors: &mut Errors,
) -> Result<Value, String> {
    if field.name == "tags" {
        return tags(state, value, errors);
    }
    if field.name == "local_context_data" && !value.is_null() && !value.is_object() {
        let text = "JSON data must be in object form. Example: {\"foo\": 123}";
        return Err(text.to_owned());
    }
    if field.name == "custom_fields" {
        let given = value.as_object().ok_or("Not a dictionary.")?;
        let known = before.and_then(|row| row.get("custom_fields"));
        return Ok(custom_fields::merge(state, model, known, given, errors));
    }
    if value.is_null() {
        return null(field);
    }
    match model.references.get(field.name) {
        Some(reference) if reference.deletion == Deletion::Many => {
            ids(state, reference.target, value)
        }
        Some(reference) => resolve(state, reference.target, value).map(|id| json!(id)),
        None => scalar(field, value),
    }
}

fn null(field: &Field) -> Result<Value, String> {
    let is_choice = matches!(field.kind, Kind::Enum(_) | Kind::Choice(..));
    match (field.flags.has(FieldFlags::NULLABLE), is_choice) {
        (true, _) => Ok(Value::Null),
        (false, true) => Err("This field may not be blank.".to_owned()),
        (false, false) => Err("This field may not be null.".to_owned()),
    }
}

/// A list of references other than tags, which names ids only.
fn ids(state: &State, target: &str, value: &Value) -> Result<Value, String> {
    let items = value.as_array().ok_or_else(|| {
        format!("Expected a list of items but got type \"{}\".", python_type(value))
    })?;
    let one = |item: &Value| {
        let id = item.as_i64().or_else(|| item.as_str()?.parse().ok());
        let Some(id) = id else {
            let kind = python_type(item);
            return Err(format!("Incorrect type. Expected pk value, received {kind}."));
        };
        match state.row(target, id) {
            Some(_) => Ok(json!(id)),
            None => Err(format!("Invalid pk \"{id}\" - object does not exist.")),
        }
    };
    items.iter().map(one).collect()
}

/// Tags, by id or by attributes. What is wrong with one stands at its place in the list.
fn tags(state: &State, value: &Value, errors: &mut Errors) -> Result<Value, String> {
    let Some(items) = value.as_array() else { return references(state, "extras/tags", value) };
    let found: Vec<Result<i64, String>> =
        items.iter().map(|item| resolve(state, "extras/tags", item)).collect();
    if found.iter().any(Result::is_err) {
        let place = |one: &Result<i64, String>| match one {
            Ok(_) => json!({}),
            Err(message) => json!([message]),
        };
        errors.put("tags", found.iter().map(place).collect());
    }
    Ok(found.into_iter().filter_map(Result::ok).map(Value::from).collect())
}

fn references(state: &State, target: &str, value: &Value) -> Result<Value, String> {
    let items = value.as_array().ok_or_else(|| {
        format!("Expected a list of items but got type \"{}\".", python_type(value))
    })?;
    items.iter().map(|item| resolve(state, target, item).map(|id| json!(id))).collect()
}

/// `add_tags` and `remove_tags` change a list of tags without naming the others.
fn tag_changes(state: &State, body: &Map<String, Value>, row: &mut Row, errors: &mut Errors) {
    let named = |name: &str, errors: &mut Errors| -> Vec<Value> {
        let given = body.get(name).map(|value| references(state, "extras/tags", value));
        match given {
            Some(Ok(ids)) => ids.as_array().cloned().unwrap_or_default(),
            Some(Err(message)) => {
                errors.add(name, message);
                Vec::new()
            }
            None => Vec::new(),
        }
    };
    let (added, removed) = (named("add_tags", errors), named("remove_tags", errors));
    if let Some(Value::Array(tags)) = row.get_mut("tags") {
        tags.retain(|tag| !removed.contains(tag));
        tags.extend(added);
        tags.dedup();
    }
}

fn scalar(field: &Field, value: &Value) -> Result<Value, String> {
    let rules = field.rules;
    match field.kind {
        Kind::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if text == "true" => Ok(json!(true)),
            Value::String(text) if text == "false" => Ok(json!(false)),
            _ => Err("Must be a valid boolean.".to_owned()),
        },
        Kind::Int => {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            let number = number.ok_or("A valid integer is required.")?;
            #[allow(clippy::cast_precision_loss)]
            bounds(field, number as f64)?;
            Ok(json!(number))
        }
        Kind::Float => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            let number = number.ok_or("A valid number is required.")?;
            bounds(field, number)?;
            Ok(json!(number))
        }
        Kind::Enum(values) | Kind::Choice(values, _) => choice(values, value),
        Kind::Text => {
            let text = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return Err("Not a valid string.".to_owned()),
            };
            if text.is_empty() {
                return match rules.min_length {
                    Some(1..) => Err("This field may not be blank.".to_owned()),
                    _ => Ok(json!("")),
                };
            }
            length(field, &text)?;
            if let Some(pattern) = rules.pattern {
                matches(pattern, &text)?;
            }
            Ok(json!(text))
        }
        _ => Ok(value.clone()),
    }
}

fn bounds(field: &Field, number: f64) -> Result<(), String> {
    if let Some(min) = field.rules.min.filter(|min| number < *min) {
        return Err(format!("Ensure this value is greater than or equal to {min}."));
    }
    match field.rules.max.filter(|max| number > *max) {
        Some(max) => Err(format!("Ensure this value is less than or equal to {max}.")),
        None => Ok(()),
    }
}

fn length(field: &Field, text: &str) -> Result<(), String> {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    match field.rules.max_length.filter(|max| length > *max) {
        Some(max) => Err(format!("Ensure this field has no more than {max} characters.")),
        None => Ok(()),
    }
}

fn choice(values: &[&str], value: &Value) -> Result<Value, String> {
    match value {
        Value::Object(_) | Value::Array(_) => Err(
            "Value must be passed directly (e.g. \"foo\": 123); do not use a dictionary or list."
                .to_owned(),
        ),
        Value::String(text) if values.is_empty() || values.contains(&text.as_str()) => {
            Ok(value.clone())
        }
        Value::String(text) => Err(format!("{text} is not a valid choice.")),
        other => Err(format!("{other} is not a valid choice.")),
    }
}

fn matches(pattern: &'static str, text: &str) -> Result<(), String> {
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, Option<Regex>>>> =
        LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = known.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
    if regex.as_ref().is_none_or(|regex| regex.is_match(text)) {
        return Ok(());
    }
    Err(match pattern {
        "^[-a-zA-Z0-9_]+$" | r"^[-\w]+$" => {
            "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens."
        }
        "^[0-9a-f]{6}$" => "Enter a valid hexadecimal RGB color code.",
        _ => "Enter a valid value.",
    }
    .to_owned())
}

/// What a field holds when an object is created without it.
pub(super) fn default(model: &Model, field: &Field) -> Value {
    if let Some(value) = model.defaults.get(field.name) {
        return value.clone();
    }
    if model.references.get(field.name).is_some_and(|one| one.deletion == Deletion::Many) {
        return json!([]);
    }
    if field.flags.has(FieldFlags::NULLABLE) || model.references.contains_key(field.name) {
        return Value::Null;
    }
    match field.kind {
        Kind::Bool => json!(false),
        Kind::Int | Kind::Float => json!(0),
        Kind::Text | Kind::Enum(_) | Kind::Choice(..) => json!(""),
        Kind::List(_) => json!([]),
        Kind::Map | Kind::Record(_) => json!({}),
        _ => Value::Null,
    }
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}
