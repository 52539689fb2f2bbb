//! References in requests: by id, or by attributes that exactly one object has.

use serde_json::{Map, Value};

use super::model::{Model, models};
use super::state::{Row, State};

/// The id of the object that is meant, or NetBox's words for why none is.
pub(super) fn resolve(state: &State, target: &str, meant: &Value) -> Result<i64, String> {
    let unknown =
        |id: &Value| format!("Related object not found using the provided numeric ID: {id}");
    match meant {
        Value::Object(attributes) => by_attributes(state, target, attributes),
        Value::Number(_) | Value::String(_) => {
            let id = meant.as_i64().or_else(|| meant.as_str()?.parse().ok());
            let id = id.ok_or_else(|| unrecognized(meant))?;
            match state.row(target, id) {
                Some(_) => Ok(id),
                None => Err(unknown(meant)),
            }
        }
        other => Err(unrecognized(other)),
    }
}

fn unrecognized(meant: &Value) -> String {
    let text = meant.as_str().map_or_else(|| meant.to_string(), str::to_owned);
    format!(
        "Related objects must be referenced by numeric ID or by dictionary of attributes. Received \
         an unrecognized value: {text}"
    )
}

fn by_attributes(
    state: &State,
    target: &str,
    attributes: &Map<String, Value>,
) -> Result<i64, String> {
    let shown = || python(&Value::Object(attributes.clone()));
    let (Some(model), Some(table)) = (models().get(target), state.table(target)) else {
        return Err(format!("the mock does not know {target}"));
    };
    let fits = |(_, row): &(&i64, &Row)| {
        attributes.iter().all(|(name, wanted)| has(state, model, row, name, wanted))
    };
    let wanted_id = attributes.get("id").and_then(Value::as_i64);
    let mut found = match (wanted_id, quickly(state, model, attributes)) {
        (Some(id), _) | (None, Some(id)) => table.rows.get_key_value(&id).into_iter().collect(),
        _ => table.rows.iter().filter(fits).take(2).collect::<Vec<_>>(),
    };
    match (found.pop(), found.len()) {
        (Some((id, _)), 0) => Ok(*id),
        (Some(_), _) => Err(format!("Multiple objects match the provided attributes: {}", shown())),
        (None, _) => {
            Err(format!("Related object not found using the provided attributes: {}", shown()))
        }
    }
}

/// The object, where one attribute alone tells objects apart.
fn quickly(state: &State, model: &Model, attributes: &Map<String, Value>) -> Option<i64> {
    let (name, value) = attributes.iter().next().filter(|_| attributes.len() == 1)?;
    let alone = |rule: &super::model::Unique| {
        rule.nulls.is_empty() && matches!(rule.fields.as_slice(), [one] if one.field == name)
    };
    let place = model.unique.iter().position(alone)?;
    let row = Row::from_iter([(name.clone(), value.clone())]);
    let key = super::unique::key(&model.unique[place], &row)?;
    state.table(model.path)?.unique.get(place)?.get(&key).copied()
}

fn has(state: &State, model: &Model, row: &Row, name: &str, wanted: &Value) -> bool {
    let have = row.get(name).unwrap_or(&Value::Null);
    match (model.references.get(name), wanted) {
        (Some(reference), Value::Object(_)) => {
            resolve(state, reference.target, wanted).is_ok_and(|id| have.as_i64() == Some(id))
        }
        _ => have == wanted,
    }
}

/// A value as Python prints it, which is how NetBox quotes what it was sent.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| format!("'{name}': {}", python(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}
