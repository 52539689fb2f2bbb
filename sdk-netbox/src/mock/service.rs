//! What NetBox answers about itself, and what belongs to nobody's collection.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proxbox_runtime::{Kind, Op};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::model::models;
use super::render;
use super::route::{Asked, VERSION, json_body, not_allowed};
use super::state::State;

pub(super) fn status() -> Answer {
    let body = json!({
        "django-version": "6.0.8",
        "hostname": "mock",
        "installed_apps": {
            "django_filters": "26.1", "django_tables2": "2.8.0", "drf_spectacular": "0.30.0",
            "mptt": "0.18.0", "rest_framework": "3.17.1", "taggit": "6.1.0",
        },
        "netbox-version": VERSION,
        "netbox-full-version": VERSION,
        "plugins": {},
        "python-version": "3.12.1",
        "rq-workers-running": 0,
    });
    Answer::json(200, body)
}

/// The description of the API, for clients that look up what there is: paths and their parameters.
pub(super) fn schema() -> Answer {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for op in generated_netbox::operations() {
            let method = op.method.as_str().to_lowercase();
            paths.entry(op.path).or_default().insert(method, operation(op));
        }
        json!({
            "openapi": "3.0.3",
            "info": { "title": "NetBox REST API", "version": format!("{VERSION} ({VERSION})") },
            "paths": paths,
            "components": {},
        })
    });
    Answer::json(200, schema.clone())
}

fn operation(op: &Op) -> Value {
    let in_path = op.path.split('{').skip(1).filter_map(|part| part.split('}').next());
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "integer" } })
        })
        .collect();
    if matches!(op.returns, Kind::Page(_)) {
        let plain = ["limit", "offset", "ordering", "q"].map(str::to_owned);
        let declared = op.filters.iter().flat_map(|filter| {
            let suffixes = filter.lookups.suffixes();
            let with = suffixes.iter().map(|suffix| match *suffix {
                "after" | "before" => format!("{}_{suffix}", filter.name),
                suffix => format!("{}__{suffix}", filter.name),
            });
            [filter.name.to_owned()].into_iter().chain(with)
        });
        let mut names: Vec<String> = plain.into_iter().chain(declared).collect();
        names.sort();
        names.dedup();
        parameters.extend(names.into_iter().map(|name| {
            json!({ "name": name, "in": "query", "schema": { "type": "string" } })
        }));
    }
    json!({ "parameters": parameters, "responses": { "200": { "description": "" } } })
}

/// Who asks.
pub(super) fn who(state: &State) -> Answer {
    let shown = models().get("users/users").and_then(|model| {
        let row = state.row(model.path, state.user)?;
        Some(render::object(state, model, state.user, row))
    });
    Answer::json(200, shown.unwrap_or_default())
}

/// What a user has set, merged deeply when it is changed.
pub(super) fn preferences(state: &mut State, asked: &Asked<'_>) -> Answer {
    match asked.method {
        "GET" | "HEAD" => {}
        "PATCH" => match json_body(asked.body) {
            Ok(body) => merge(&mut state.preferences, &body),
            Err(answer) => return answer,
        },
        _ => return not_allowed(asked),
    }
    Answer::json(200, state.preferences.clone())
}

/// Lays an object over another, and so on inside of them.
pub(super) fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}
