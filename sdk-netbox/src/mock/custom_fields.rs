//! Custom fields: defined by one collection, held by the objects of others.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Errors};
use super::model::{Model, models};
use super::render;
use super::state::{Row, State};

const DEFINITIONS: &str = "extras/custom-fields";

/// The fields that are defined for a model, by name.
fn definitions<'a>(state: &'a State, model: &'a Model) -> impl Iterator<Item = (&'a str, &'a Row)> {
    let rows = state.table(DEFINITIONS).into_iter().flat_map(|table| table.rows.values());
    rows.filter_map(|row| {
        let types = row.get("object_types")?.as_array()?;
        let applies = types.iter().any(|label| label == model.label);
        applies.then_some((row.get("name")?.as_str()?, row))
    })
}

/// Whether a model has a field of this name.
pub(super) fn is_defined(state: &State, model: &Model, name: &str) -> bool {
    definitions(state, model).any(|(known, _)| known == name)
}

/// All defined fields with their values.
pub(super) fn shown(state: &State, model: &Model, row: &Row) -> Value {
    let stored = row.get("custom_fields").and_then(Value::as_object);
    let value = |(name, definition): (&str, &Row)| {
        let stored = stored.and_then(|fields| fields.get(name));
        let value = stored.or_else(|| definition.get("default")).cloned().unwrap_or_default();
        (name.to_owned(), with_objects(state, definition, value))
    };
    Value::Object(definitions(state, model).map(value).collect())
}

/// Objects that a field names are shown in their short form.
fn with_objects(state: &State, definition: &Row, value: Value) -> Value {
    let label = definition.get("related_object_type").and_then(Value::as_str);
    let Some(model) = label.and_then(|label| models().labelled(label)) else { return value };
    let one =
        |id: &Value| id.as_i64().map_or(Value::Null, |id| render::embedded(state, model.path, id));
    match &value {
        Value::Array(ids) => ids.iter().map(one).collect(),
        Value::Null => Value::Null,
        id => one(id),
    }
}

/// Lays what a request gives over what is stored.
pub(super) fn merge(
    state: &State,
    model: &Model,
    stored: Option<&Value>,
    given: &Map<String, Value>,
    errors: &mut Errors,
) -> Value {
    let mut merged = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in given {
        match definitions(state, model).find(|(known, _)| known == name) {
            Some((_, definition)) => {
                if let Some(message) = misfit(state, name, definition, value) {
                    errors.add("__all__", message);
                }
                merged.insert(name.clone(), value.clone());
            }
            None => {
                let message = format!("Custom field '{name}' does not exist for this object type.");
                errors.add_inner("custom_fields", name, message);
            }
        }
    }
    Value::Object(merged)
}

fn misfit(state: &State, name: &str, definition: &Row, value: &Value) -> Option<String> {
    if value.is_null() {
        let required = definition.get("required") == Some(&Value::Bool(true));
        return required.then(|| {
            format!("Invalid value for custom field '{name}': Required field cannot be empty.")
        });
    }
    if let Some(message) = no_choice(state, name, definition, value) {
        return Some(message);
    }
    let kind = definition.get("type").and_then(Value::as_str)?;
    let (fits, reason) = match kind {
        "integer" => (value.is_i64(), "Value must be an integer."),
        "boolean" => (value.is_boolean(), "Value must be true or false."),
        "text" | "longtext" | "url" | "select" => (value.is_string(), "Value must be a string."),
        "multiselect" | "multiobject" => (value.is_array(), "Value must be a list."),
        _ => return None,
    };
    let reason = match fits {
        false => Some(reason.to_owned()),
        true => out_of_bounds(definition, value),
    };
    reason.map(|reason| format!("Invalid value for custom field '{name}': {reason}"))
}

/// The rules that a field's definition adds.
fn out_of_bounds(definition: &Row, value: &Value) -> Option<String> {
    let bound = |name: &str| definition.get(name).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        if let Some(least) = bound("validation_minimum").filter(|least| number < *least) {
            return Some(format!("Value must be at least {least:.4}"));
        }
        let most = bound("validation_maximum").filter(|most| number > *most);
        return most.map(|most| format!("Value must not exceed {most:.4}"));
    }
    let rule = definition.get("validation_regex")?.as_str().filter(|rule| !rule.is_empty())?;
    let regex = regex::Regex::new(&format!("^(?:{rule})")).ok()?;
    (!regex.is_match(value.as_str()?)).then(|| format!("Value must match regex '{rule}'"))
}

/// What a required field without a value is said of, when an object is made.
pub(super) fn missing(state: &State, model: &Model, row: &Row, errors: &mut Errors) {
    let given = row.get("custom_fields").and_then(Value::as_object);
    for (name, definition) in definitions(state, model) {
        let required = definition.get("required") == Some(&Value::Bool(true));
        let has_default = definition.get("default").is_some_and(|default| !default.is_null());
        let has = given.is_some_and(|given| given.contains_key(name));
        if required && !has && !has_default {
            errors.add("__all__", format!("Missing required custom field '{name}'."));
        }
    }
}

/// The choices of a set, page by page.
pub(super) fn choices(state: &State, set: i64, query: &[(String, String)]) -> Answer {
    let asked = query.iter().find(|(name, _)| name == "q").map(|(_, text)| text.to_lowercase());
    let row = state.row("extras/custom-field-choice-sets", set);
    let all = row.and_then(|row| row.get("extra_choices")?.as_array()).into_iter().flatten();
    let fits = |choice: &&Value| {
        let label = choice[1].as_str().unwrap_or_default().to_lowercase();
        asked.as_ref().is_none_or(|asked| label.contains(asked.as_str()))
    };
    let rows: Vec<Value> =
        all.filter(fits).map(|one| json!({ "id": one[0], "display": one[1] })).collect();
    let body = json!({ "count": rows.len(), "next": null, "previous": null, "results": rows });
    Answer::json(200, body)
}

/// Why a value is not among the choices of its field, where that has choices.
fn no_choice(state: &State, name: &str, definition: &Row, value: &Value) -> Option<String> {
    let set = definition.get("choice_set")?.as_i64()?;
    let set = state.row("extras/custom-field-choice-sets", set)?;
    let choices = set.get("extra_choices")?.as_array()?;
    let known = |value: &Value| choices.iter().any(|choice| &choice[0] == value);
    let chosen = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let wrong = chosen.iter().find(|value| !known(value))?;
    let shown = wrong.as_str().map_or_else(|| wrong.to_string(), str::to_owned);
    let set = set.get("name")?.as_str()?;
    Some(format!(
        "Invalid value for custom field '{name}': Invalid choice ({shown}) for choice set {set}."
    ))
}
