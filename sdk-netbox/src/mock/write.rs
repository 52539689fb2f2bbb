//! Creates and changes objects, one or many, all or none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, Content, Errors, etag};
use super::changelog::{self, Action};
use super::check::{self, Extent};
use super::hosts;
use super::model::Model;
use super::order;
use super::render;
use super::rules;
use super::state::{Row, State};
use super::{templates, tokens, unique};

/// Creates one object, or a list of them.
pub(super) fn create(state: &mut State, model: &'static Model, body: &Value) -> Answer {
    let answer = match body {
        // NetBox creates these one after the other, and names no row when one is wrong.
        Value::Array(bodies) if matches!(model.path, "dcim/devices" | "dcim/modules") => {
            one_by_one(state, model, bodies)
        }
        Value::Array(bodies) => together(state, model, bodies).map(|mut answer| {
            if let ("users/tokens", Content::Json(Value::Array(rows))) =
                (model.path, &mut answer.body)
            {
                for row in rows {
                    tokens::reveal(state, row["id"].as_i64().unwrap_or_default(), row);
                }
            }
            answer
        }),
        body => checked(state, model, None, body, Extent::Whole)
            .map_err(|errors| refused(model, errors))
            .and_then(|row| store(state, model, None, row, body))
            .map(|id| created(state, model, id)),
    };
    finish(state, answer)
}

fn created(state: &State, model: &Model, id: i64) -> Answer {
    let mut answer = answered(state, model, 201, id);
    if let ("users/tokens", Content::Json(shown)) = (model.path, &mut answer.body) {
        tokens::reveal(state, id, shown);
    }
    answer
}

/// Changes one object.
pub(super) fn update(
    state: &mut State,
    model: &'static Model,
    id: i64,
    body: &Value,
    extent: Extent,
    if_match: Option<&str>,
) -> Answer {
    let answer = change(state, model, id, body, extent, if_match);
    let answer = answer.map(|()| answered(state, model, 200, id));
    finish(state, answer)
}

/// Changes many objects, each named by its id; ids that do not exist are passed over.
pub(super) fn update_all(
    state: &mut State,
    model: &'static Model,
    body: &Value,
    extent: Extent,
    if_match: Option<&str>,
) -> Answer {
    let bodies = match named(body) {
        Ok(bodies) => bodies,
        Err(answer) => return answer,
    };
    let mut ids: Vec<i64> =
        bodies.keys().copied().filter(|id| state.row(model.path, *id).is_some()).collect();
    order::sort(state, model, &mut ids, &model.order);
    for id in &ids {
        if let Err(answer) = change(state, model, *id, bodies[id], extent, if_match) {
            return finish(state, Err(answer));
        }
    }
    // The order may follow from what was changed.
    order::sort(state, model, &mut ids, &model.order);
    let rows: Vec<Value> = ids.iter().map(|id| shown(state, model, *id)).collect();
    finish(state, Ok(Answer::json(200, Value::Array(rows))))
}

/// The bodies of a bulk request by id; the last of several for one object counts.
pub(super) fn named(body: &Value) -> Result<BTreeMap<i64, &Value>, Answer> {
    let Some(bodies) = body.as_array() else {
        let message = "Expected a list of items but got type \"dict\".";
        let errors = Errors::one("non_field_errors", message);
        return Err(Answer::json(400, errors.into_value()));
    };
    let wrong = |body: &Value| match (body.is_object(), body.get("id").map(Value::as_i64)) {
        (false, _) => {
            let kind = if body.is_string() { "str" } else { "int" };
            let message = format!("Invalid data. Expected a dictionary, but got {kind}.");
            Errors::one("non_field_errors", message)
        }
        (true, None) => Errors::one("id", "This field is required."),
        (true, Some(None)) => Errors::one("id", "A valid integer is required."),
        (true, Some(Some(_))) => Errors::default(),
    };
    let errors: Vec<Errors> = bodies.iter().map(wrong).collect();
    if errors.iter().any(|errors| !errors.is_empty()) {
        let list = errors.into_iter().map(Errors::into_value).collect();
        return Err(Answer::json(400, list));
    }
    Ok(bodies.iter().filter_map(|body| Some((body["id"].as_i64()?, body))).collect())
}

fn finish(state: &mut State, answer: Result<Answer, Answer>) -> Answer {
    match answer {
        Ok(answer) => {
            state.commit();
            answer
        }
        Err(answer) => {
            state.rollback();
            answer
        }
    }
}

fn one_by_one(
    state: &mut State,
    model: &'static Model,
    bodies: &[Value],
) -> Result<Answer, Answer> {
    let mut rows = Vec::new();
    for body in bodies {
        let row = checked(state, model, None, body, Extent::Whole)
            .map_err(|errors| refused(model, errors))?;
        let id = store(state, model, None, row, body)?;
        rows.push(shown(state, model, id));
    }
    Ok(Answer::json(201, Value::Array(rows)))
}

/// All are checked against what is stored, then all are stored: two of a kind pass the checks.
fn together(state: &mut State, model: &'static Model, bodies: &[Value]) -> Result<Answer, Answer> {
    let checks: Vec<Result<Row, Errors>> =
        bodies.iter().map(|body| checked(state, model, None, body, Extent::Whole)).collect();
    if checks.iter().any(Result::is_err) {
        let errors = checks.into_iter().map(|check| check.err().unwrap_or_default().into_value());
        return Err(Answer::json(400, errors.collect()));
    }
    let mut ids = Vec::new();
    for (row, body) in checks.into_iter().flatten().zip(bodies) {
        ids.push(store(state, model, None, row, body)?);
    }
    let rows = ids.iter().map(|id| shown(state, model, *id)).collect();
    Ok(Answer::json(201, rows))
}

fn change(
    state: &mut State,
    model: &'static Model,
    id: i64,
    body: &Value,
    extent: Extent,
    if_match: Option<&str>,
) -> Result<(), Answer> {
    precondition(state, model, id, if_match)?;
    let row =
        checked(state, model, Some(id), body, extent).map_err(|errors| refused(model, errors))?;
    store(state, model, Some(id), row, body).map(|_| ())
}

/// Refuses a change to an object that is not the one the client has seen.
pub(super) fn precondition(
    state: &State,
    model: &Model,
    id: i64,
    if_match: Option<&str>,
) -> Result<(), Answer> {
    let Some(wanted) = if_match.filter(|wanted| *wanted != "*") else {
        return Ok(());
    };
    let row = state.row(model.path, id);
    let Some(time) = row.and_then(|row| row.get("last_updated")).and_then(Value::as_str) else {
        return Ok(());
    };
    if wanted.split(',').any(|one| one.trim() == etag(time)) {
        return Ok(());
    }
    Err(Answer::detail(412, "Precondition failed.").tagged(Some(time)))
}

fn checked(
    state: &State,
    model: &Model,
    id: Option<i64>,
    body: &Value,
    extent: Extent,
) -> Result<Row, Errors> {
    let before = id.and_then(|id| state.row(model.path, id));
    let mut row = check::fields(state, model, before, body, extent)?;
    let errors = rules::check(state, model, id, &mut row);
    if !errors.is_empty() {
        return Err(errors);
    }
    let errors = unique::check(state, model, id, &row);
    if errors.is_empty() { Ok(row) } else { Err(errors) }
}

fn refused(model: &Model, errors: Errors) -> Answer {
    let errors = errors.into_value();
    let taken = |messages: &Value| messages.to_string().contains("already exists.");
    // The plugin says in its own way that there is one row for each object.
    if model.path.starts_with("plugins/proxbox/sync-state/")
        && let Some((field, _)) =
            errors.as_object().and_then(|all| all.iter().find(|(_, m)| taken(m)))
    {
        let text = "This object already has a Proxbox sync-state row.";
        return Answer::json(409, json!({ field: text }));
    }
    Answer::json(400, errors)
}

fn store(
    state: &mut State,
    model: &'static Model,
    id: Option<i64>,
    mut row: Row,
    body: &Value,
) -> Result<i64, Answer> {
    rules::derive(state, model, &mut row);
    if let Some(words) = misplaced_tag(state, model, &row) {
        return Err(Answer::detail(400, words));
    }
    let before = id.and_then(|id| state.row(model.path, id)).cloned();
    let id = id.unwrap_or_else(|| state.next_id(model.path));
    if let Some(words) = unique::violation(state, model, id, &row) {
        return Err(Answer::exception("IntegrityError", &words));
    }
    let now = state.tick();
    row.entry("created").or_insert_with(|| json!(now));
    if model.path == "plugins/proxbox/vm-cloudinit" {
        row.entry("last_synced").or_insert_with(|| json!(now));
    }
    // Defaults of fields that are read only.
    for (name, value) in model.defaults.iter().filter(|_| before.is_none()) {
        row.entry(*name).or_insert_with(|| value.clone());
    }
    row.insert("last_updated".to_owned(), json!(now));
    state.put(model.path, id, row.clone());
    let action = match before.is_some() {
        true => Action::Update,
        false => Action::Create,
    };
    let message = body.get("changelog_message").and_then(Value::as_str);
    changelog::record(state, model, id, action, before.as_ref(), Some(&row), message);
    if before.is_none() {
        for (path, mut part) in templates::parts(state, model.path, id, &row) {
            let now = json!(state.tick());
            part.insert("created".to_owned(), now.clone());
            part.insert("last_updated".to_owned(), now);
            let part_id = state.next_id(path);
            state.put(path, part_id, part.clone());
            if let Some(model) = super::model::models().get(path) {
                let made = Action::Create;
                changelog::record(state, model, part_id, made, None, Some(&part), message);
            }
        }
    }
    let machine = [before.as_ref(), Some(&row)].map(|row| row?.get("virtual_machine")?.as_i64());
    if model.path == "virtualization/virtual-disks" {
        machine.into_iter().flatten().for_each(|machine| resize(state, machine));
    }
    Ok(id)
}

/// A tag may be only for some kinds of objects.
fn misplaced_tag(state: &State, model: &Model, row: &Row) -> Option<String> {
    let mut ids = row.get("tags")?.as_array()?.iter().filter_map(Value::as_i64);
    let misplaced = |id: i64| {
        let tag = state.row("extras/tags", id)?;
        let types = tag.get("object_types")?.as_array()?;
        let fits = types.is_empty() || types.iter().any(|label| label == model.label);
        let (_, kind) = model.label.split_once('.')?;
        let name = tag.get("name")?.as_str()?;
        (!fits).then(|| format!("Tag {name} cannot be assigned to {kind} objects."))
    };
    ids.find_map(misplaced)
}

/// Writes a virtual machine's size anew after a change to its disks.
pub(super) fn resize(state: &mut State, machine: i64) {
    const MACHINES: &str = "virtualization/virtual-machines";
    let size = hosts::disk_size(state, machine);
    if let Some(mut row) = state.row(MACHINES, machine).cloned() {
        row.insert("disk".to_owned(), size);
        state.put(MACHINES, machine, row);
    }
}

fn shown(state: &State, model: &Model, id: i64) -> Value {
    let row = state.row(model.path, id);
    row.map_or(Value::Null, |row| render::object(state, model, id, row))
}

fn answered(state: &State, model: &Model, status: u16, id: i64) -> Answer {
    let row = state.row(model.path, id);
    let time = row.and_then(|row| row.get("last_updated")).and_then(Value::as_str);
    Answer::json(status, shown(state, model, id)).tagged(time)
}

/// What a fresh NetBox holds: its administrator and its object types.
pub(super) fn seed(state: &mut State) {
    let now = json!(state.tick());
    let user = [
        ("username", json!("admin")),
        ("is_active", json!(true)),
        ("groups", json!([])),
        ("permissions", json!([])),
        ("date_joined", now),
        ("_password", json!(tokens::PASSWORD)),
    ];
    let id = state.next_id("users/users");
    state.put(
        "users/users",
        id,
        user.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
    );
    object_types(state);
    state.commit();
}

/// The one object with the plugin's settings.
pub(super) fn seed_plugin(state: &mut State) {
    if state.table("plugins/proxbox/settings").is_some_and(|table| !table.rows.is_empty()) {
        return;
    }
    object_types(state);
    if let Some(model) = state.model("plugins/proxbox/settings") {
        let fields = model.write.unwrap_or(model.read).fields.iter();
        let mut row: Row =
            fields.map(|field| (field.name.to_owned(), check::default(model, field))).collect();
        let now = json!(state.tick());
        // Some of it cannot be written, and is kept all the same.
        for (name, value) in &model.defaults {
            row.insert((*name).to_owned(), value.clone());
        }
        row.insert("created".to_owned(), now.clone());
        row.insert("last_updated".to_owned(), now);
        row.insert("singleton_key".to_owned(), json!("default"));
        row.insert("tags".to_owned(), json!([]));
        let id = state.next_id(model.path);
        state.put(model.path, id, row);
    }
    state.commit();
}

/// What objects of a model have, as far as their fields tell.
fn features(model: &Model) -> Value {
    let has = |field: &str| model.read.find(field).is_some();
    let all = [
        (has("last_updated"), "change_logging"),
        (has("custom_fields"), "custom_fields"),
        (has("tags"), "tags"),
    ];
    all.into_iter().filter(|(has, _)| *has).map(|(_, name)| json!(name)).collect()
}

fn object_types(state: &mut State) {
    let known = state.table("core/object-types").map_or(0, |table| table.rows.len());
    let models: Vec<_> = match known {
        0 => state.models().collect(),
        // The others are there.
        _ => state.models().filter(|model| model.is_plugins()).collect(),
    };
    for model in models {
        let (app, name) = model.label.split_once('.').unwrap_or_default();
        let word = if app == "dcim" || app == "ipam" || app == "vpn" {
            app.to_uppercase()
        } else {
            unique::title(app)
        };
        let members = [
            ("app_label", json!(app)),
            ("app_name", json!(word)),
            ("model", json!(name)),
            ("model_name", json!(model.name)),
            ("model_name_plural", json!(format!("{}s", model.name))),
            ("display", json!(format!("{word} | {}", model.name))),
            ("public", json!(true)),
            ("features", features(model)),
            ("description", json!("")),
        ];
        let row = members.map(|(name, value)| (name.to_owned(), value));
        let id = state.next_id("core/object-types");
        state.put("core/object-types", id, row.into_iter().collect());
    }
}
