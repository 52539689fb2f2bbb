//! Objects taken over from a NetBox, as it answered them.

use serde_json::Value;

use super::model::{Deletion, Model, models};
use super::state::State;

/// Stores an object under its own id, and what it refers to as far as the answer tells.
pub(super) fn keep(state: &mut State, model: &'static Model, object: &Value) -> Option<i64> {
    let id = object.get("id")?.as_i64()?;
    let mut row = state.row(model.path, id).cloned().unwrap_or_default();
    for (name, value) in object.as_object()? {
        // What follows from the id or from others is not stored.
        let follows = matches!(name.as_str(), "id" | "url" | "display_url" | "display")
            || model.counts.contains_key(name.as_str());
        if !follows {
            row.insert(name.clone(), stored(state, model, name, value));
        }
    }
    for name in model.generic() {
        keep_target(state, name, object);
        row.remove(name);
    }
    row.entry("tags").or_insert_with(|| Value::Array(Vec::new()));
    if model.path == "ipam/ip-addresses"
        && let Some(net) = object["address"].as_str().and_then(super::addresses::network)
    {
        row.insert("_host".to_owned(), net.addr().to_string().into());
    }
    // A token's secret is not in what was answered.
    if model.path != "users/tokens" {
        super::rules::derive(state, model, &mut row);
    }
    state.put(model.path, id, row);
    state.commit();
    state.claim(model.path, id);
    Some(id)
}

fn stored(state: &mut State, model: &Model, name: &str, value: &Value) -> Value {
    let target = match model.references.get(name) {
        Some(reference) => Some((reference.target, reference.deletion)),
        None if name == "tags" => Some(("extras/tags", Deletion::Many)),
        None => None,
    };
    match (target, value) {
        (Some((path, Deletion::Many)), Value::Array(items)) => {
            items.iter().map(|item| referred(state, path, item)).collect()
        }
        (Some((path, _)), value) => referred(state, path, value),
        (None, Value::Object(choice)) if choice.len() == 2 && choice.contains_key("label") => {
            choice.get("value").cloned().unwrap_or_default()
        }
        (None, value) => value.clone(),
    }
}

/// The id of an embedded object, which is kept in its short form unless it is known.
fn referred(state: &mut State, path: &'static str, value: &Value) -> Value {
    let Some(id) = value.get("id").and_then(Value::as_i64) else { return value.clone() };
    if let Some(model) = models().get(path).filter(|_| state.row(path, id).is_none()) {
        keep(state, model, value);
    }
    id.into()
}

fn keep_target(state: &mut State, name: &str, object: &Value) {
    let label = object.get(format!("{name}_type")).and_then(Value::as_str);
    let Some(model) = label.and_then(|label| models().labelled(label)) else { return };
    let Some(target) = object.get(name).filter(|target| target.is_object()) else { return };
    let known = target.get("id").and_then(Value::as_i64).and_then(|id| state.row(model.path, id));
    if known.is_none() {
        keep(state, model, target);
    }
}

/// Forgets an object without a trace.
pub(super) fn forget(state: &mut State, model: &'static Model, id: i64) -> bool {
    let known = state.row(model.path, id).is_some();
    state.remove(model.path, id);
    state.commit();
    known
}
