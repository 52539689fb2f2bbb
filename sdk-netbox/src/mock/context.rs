//! Config contexts: data that objects get by where they are and what they are for, and
//! configurations that are made of it.

use serde_json::{Value, json};

use super::answer::Answer;
use super::model::{Model, models};
use super::render;
use super::rules::integer;
use super::service::merge;
use super::state::{Row, State};

const CONTEXTS: &str = "extras/config-contexts";

/// Collections whose objects are in one another, so that what is in the inner is in the outer.
const TREES: [&str; 8] = [
    "dcim/device-roles",
    "dcim/locations",
    "dcim/platforms",
    "dcim/regions",
    "dcim/site-groups",
    "tenancy/contact-groups",
    "tenancy/tenant-groups",
    "wireless/wireless-lan-groups",
];

/// Lists of a context that select objects, with the references of an object that they hold for.
const SELECTORS: &[(&str, &[&str])] = &[
    ("regions", &["site", "region"]),
    ("site_groups", &["site", "group"]),
    ("sites", &["site"]),
    ("locations", &["location"]),
    ("device_types", &["device_type"]),
    ("roles", &["role"]),
    ("platforms", &["platform"]),
    ("cluster_types", &["cluster", "type"]),
    ("cluster_groups", &["cluster", "group"]),
    ("clusters", &["cluster"]),
    ("tenant_groups", &["tenant", "group"]),
    ("tenants", &["tenant"]),
];

/// The data of an object, the heaviest last, and its own on top.
pub(super) fn of(state: &State, model: &Model, row: &Row) -> Value {
    let table = state.table(CONTEXTS).into_iter().flat_map(|table| table.rows.values());
    let mut contexts: Vec<&Row> = table
        .filter(|context| context.get("is_active") != Some(&json!(false)))
        .filter(|context| selects(state, model, context, row))
        .collect();
    contexts.sort_by_key(|context| {
        let name = context.get("name").and_then(Value::as_str).unwrap_or_default();
        (integer(context, "weight").unwrap_or(1000), name.to_owned())
    });
    let mut data = json!({});
    for context in contexts {
        merge(&mut data, context.get("data").unwrap_or(&Value::Null));
    }
    if let Some(own) = row.get("local_context_data").filter(|own| own.is_object()) {
        merge(&mut data, own);
    }
    data
}

fn selects(state: &State, model: &Model, context: &Row, row: &Row) -> bool {
    let ids = |name: &str| -> Vec<i64> {
        let list = context.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_i64).collect()
    };
    let tags = ids("tags");
    let held = row.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let by_tag = tags.is_empty() || tags.iter().any(|tag| held.contains(&json!(tag)));
    by_tag
        && SELECTORS.iter().all(|(list, path)| {
            let wanted = ids(list);
            wanted.is_empty()
                || along(state, model, row, path).iter().any(|have| wanted.contains(have))
        })
}

/// The objects at the end of a way of references; of a tree with all that they are in.
pub(super) fn along(state: &State, model: &Model, row: &Row, path: &[&str]) -> Vec<i64> {
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    let Some(reference) = model.references.get(*first) else { return Vec::new() };
    let ids: Vec<i64> = match row.get(*first) {
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_i64).collect(),
        Some(id) => id.as_i64().into_iter().collect(),
        None => Vec::new(),
    };
    let Some(target) = models().get(reference.target) else { return Vec::new() };
    if rest.is_empty() {
        return ids.into_iter().flat_map(|id| with_ancestors(state, target, id)).collect();
    }
    let next = ids.into_iter().filter_map(|id| state.row(target.path, id));
    next.flat_map(|row| along(state, target, row, rest)).collect()
}

/// An object, and those above it in its tree.
pub(super) fn with_ancestors(state: &State, model: &Model, id: i64) -> Vec<i64> {
    let nests = TREES.contains(&model.path);
    let up = |id: &i64| integer(state.row(model.path, *id)?, "parent").filter(|_| nests);
    // A circle of parents would never end.
    std::iter::successors(Some(id), up).take(50).collect()
}

/// An object, and all below it in its tree.
pub(super) fn with_descendants(state: &State, model: &Model, id: i64) -> Vec<i64> {
    let nests = TREES.contains(&model.path);
    let mut all = vec![id];
    let mut at = 0;
    while let Some(id) = all.get(at).copied().filter(|_| nests) {
        let below = state.referrers(model.path, "parent", &id.to_string());
        all.extend(below.into_iter().filter(|id| !all.contains(id)).collect::<Vec<_>>());
        at += 1;
    }
    all
}

/// The configuration of a device or virtual machine by the template that it has, or its role, or its
/// platform.
pub(super) fn render_config(state: &State, model: &Model, id: i64, body: &Value) -> Answer {
    let (Some(row), (_, word)) =
        (state.row(model.path, id), model.label.split_once('.').unwrap_or_default())
    else {
        return Answer::nothing(404);
    };
    if !body.is_object() {
        return Answer::detail(400, "Invalid data. Expected a dictionary.");
    }
    let of = |field: &str| {
        let target = model.references.get(field)?.target;
        integer(state.row(target, integer(row, field)?)?, "config_template")
    };
    let template =
        integer(row, "config_template").or_else(|| of("role")).or_else(|| of("platform"));
    let template = template.and_then(|id| Some((id, state.row("extras/config-templates", id)?)));
    let Some((template_id, template)) = template else {
        let error = format!("No config template found for this {word}.");
        return Answer::json(400, json!({ "error": error }));
    };
    let mut given = render::object(state, model, id, row)["config_context"].clone();
    merge(&mut given, body);
    given[word] = render::object(state, model, id, row);
    let code = template.get("template_code").and_then(Value::as_str).unwrap_or_default();
    match minijinja::Environment::new().render_str(code, minijinja::Value::from_serialize(&given)) {
        Ok(content) => {
            let about = render::embedded(state, "extras/config-templates", template_id);
            Answer::json(200, json!({ "configtemplate": about, "content": content }))
        }
        Err(error) => {
            let error = format!("An error occurred while rendering the template: {error}");
            Answer::json(500, json!({ "detail": error }))
        }
    }
}
