//! Custom fields: defined by one collection, held by the objects of others.

use serde_json::{Map, Value};

use super::answer::Errors;
use super::model::Model;
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

/// All defined fields with their values.
pub(super) fn shown(state: &State, model: &Model, row: &Row) -> Value {
    let stored = row.get("custom_fields").and_then(Value::as_object);
    let value = |(name, definition): (&str, &Row)| {
        let stored = stored.and_then(|fields| fields.get(name));
        let value = stored.or_else(|| definition.get("default")).cloned().unwrap_or_default();
        (name.to_owned(), value)
    };
    Value::Object(definitions(state, model).map(value).collect())
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
    (!fits).then(|| format!("Invalid value for custom field '{name}': {reason}"))
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
