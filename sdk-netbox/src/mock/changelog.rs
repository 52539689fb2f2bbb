//! The log of changes that NetBox keeps.

use proxbox_runtime::FieldFlags;
use serde_json::{Value, json};

use super::model::Model;
use super::render;
use super::state::{Row, State};

const CHANGES: &str = "core/object-changes";

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    Create,
    Update,
    Delete,
}

/// Notes a change, unless nothing but the time of it changed.
pub(super) fn record(
    state: &mut State,
    model: &Model,
    id: i64,
    action: Action,
    before: Option<&Row>,
    after: Option<&Row>,
    message: Option<&str>,
) {
    let (old, new) = (data(model, before), data(model, after));
    if old == new {
        return;
    }
    let shown = after.or(before).map(|row| render::display(model, id, row));
    let action = match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    };
    let user = super::render::embedded(state, "users/users", state.user);
    let name = user["username"].clone();
    let time = state.tick();
    let change = state.next_id(CHANGES);
    let row = Row::from_iter([
        ("time".to_owned(), json!(time)),
        ("user".to_owned(), user),
        ("user_name".to_owned(), name),
        ("request_id".to_owned(), json!(state.request_id)),
        ("action".to_owned(), json!(action)),
        ("changed_object_type".to_owned(), json!(model.label)),
        ("changed_object_id".to_owned(), json!(id)),
        ("object_repr".to_owned(), json!(shown)),
        ("message".to_owned(), json!(message.unwrap_or_default())),
        ("prechange_data".to_owned(), old),
        ("postchange_data".to_owned(), new),
    ]);
    state.put(CHANGES, change, row);
}

/// An object as the log keeps it: without what only NetBox needs, without times and secrets.
fn data(model: &Model, row: Option<&Row>) -> Value {
    let Some(row) = row else {
        return Value::Null;
    };
    let secret = |name: &str| {
        let field = model.write.and_then(|schema| schema.field(name));
        field.is_some_and(|field| field.flags.has(FieldFlags::SECRET))
    };
    let kept = |(name, _): &(&String, &Value)| {
        !name.starts_with('_')
            && !secret(name)
            && !matches!(name.as_str(), "created" | "last_updated")
    };
    let members = row.iter().filter(kept).map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(members.collect())
}
