//! Deletes objects with what goes along, unless something else depends on them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::Answer;
use super::changelog::{self, Action};
use super::model::{Deletion, Model, models};
use super::render;
use super::state::{Row, State};
use super::write;

/// An object by collection and id.
type Place = (&'static str, i64);

/// Deletes one object.
pub(super) fn one(
    state: &mut State,
    model: &'static Model,
    id: i64,
    message: Option<&str>,
) -> Answer {
    let answer = remove(state, model, id, message);
    finish(state, answer)
}

/// Deletes the objects whose ids a bulk request names; those that are gone are passed over.
pub(super) fn many(state: &mut State, model: &'static Model, body: &Value) -> Answer {
    let bodies = match write::named(body) {
        Ok(bodies) => bodies,
        Err(answer) => return answer,
    };
    for (id, body) in bodies {
        let message = body.get("changelog_message").and_then(Value::as_str);
        if state.row(model.path, id).is_some()
            && let Err(answer) = remove(state, model, id, message)
        {
            return finish(state, Err(answer));
        }
    }
    finish(state, Ok(()))
}

fn finish(state: &mut State, result: Result<(), Answer>) -> Answer {
    match result {
        Ok(()) => {
            state.commit();
            Answer::nothing(204)
        }
        Err(answer) => {
            state.rollback();
            answer
        }
    }
}

fn remove(
    state: &mut State,
    model: &'static Model,
    id: i64,
    message: Option<&str>,
) -> Result<(), Answer> {
    let mut doomed = BTreeSet::new();
    let mut keepers = BTreeSet::new();
    gather(state, (model.path, id), &mut doomed, &mut keepers);
    // What goes along anyway is not in the way.
    let keepers = &keepers - &doomed;
    if !keepers.is_empty() {
        return Err(Answer::detail(409, dependants(state, &keepers)));
    }
    for (path, id) in doomed {
        let (Some(model), Some(row)) = (models().get(path), state.row(path, id).cloned()) else {
            continue;
        };
        loosen(state, model, id);
        super::cables::unplug(state, model.label, id);
        state.remove(path, id);
        changelog::record(state, model, id, Action::Delete, Some(&row), None, message);
        if let (DISKS, Some(machine)) = (path, row.get("virtual_machine").and_then(Value::as_i64)) {
            write::resize(state, machine);
        }
    }
    Ok(())
}

const DISKS: &str = "virtualization/virtual-disks";

/// Collects what goes along with an object, and what stands in the way.
fn gather(
    state: &State,
    place: Place,
    doomed: &mut BTreeSet<Place>,
    keepers: &mut BTreeSet<Place>,
) {
    if !doomed.insert(place) {
        return;
    }
    let (path, id) = place;
    let Some(target) = models().get(path) else {
        return;
    };
    let labelled = format!("{}:{id}", target.label);
    for model in models().all() {
        for (field, reference) in &model.references {
            if reference.target != path {
                continue;
            }
            let ids = || state.referrers(model.path, field, &id.to_string());
            match reference.deletion {
                Deletion::Cascade => {
                    ids()
                        .into_iter()
                        .for_each(|id| gather(state, (model.path, id), doomed, keepers));
                }
                Deletion::Protect => keepers.extend(ids().into_iter().map(|id| (model.path, id))),
                Deletion::Null | Deletion::Many => {}
            }
        }
        // The log outlives what it tells of.
        for field in model.generic().filter(|field| *field != "changed_object") {
            for id in state.referrers(model.path, field, &labelled) {
                gather(state, (model.path, id), doomed, keepers);
            }
        }
    }
}

fn dependants(state: &State, keepers: &BTreeSet<Place>) -> String {
    let shown = |(path, id): &Place| {
        let model = models().get(path)?;
        let row = state.row(path, *id)?;
        Some(format!("{} ({id})", render::display(model, *id, row)))
    };
    let shown: Vec<String> = keepers.iter().filter_map(shown).collect();
    let count = shown.len();
    format!("Unable to delete object. {count} dependent objects were found: {}", shown.join(", "))
}

/// Takes an object out of all references that survive it.
fn loosen(state: &mut State, target: &Model, id: i64) {
    let plain = id.to_string();
    for model in models().all() {
        let tags =
            ("extras/tags" == target.path && model.has_tags()).then_some(("tags", Deletion::Many));
        let references = model.references.iter().filter(|(_, one)| one.target == target.path);
        let fields = references.map(|(field, one)| (*field, one.deletion)).chain(tags);
        for (field, deletion) in fields {
            for referrer in state.referrers(model.path, field, &plain) {
                if let Some(mut row) = state.row(model.path, referrer).cloned() {
                    drop_reference(&mut row, field, deletion, id);
                    state.put(model.path, referrer, row);
                }
            }
        }
    }
}

fn drop_reference(row: &mut Row, field: &str, deletion: Deletion, id: i64) {
    match (row.get_mut(field), deletion) {
        (Some(Value::Array(ids)), Deletion::Many) => ids.retain(|held| held.as_i64() != Some(id)),
        (Some(value), Deletion::Null) => *value = Value::Null,
        _ => {}
    }
}
