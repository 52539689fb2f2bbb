//! What NetBox answers about itself, and what belongs to nobody's collection.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proxbox_runtime::{Kind, Op};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::model::{Model, models};
use super::render;
use super::route::{Asked, VERSION, json_body, not_allowed};
use super::state::State;

/// The release of netbox-proxbox whose collections the mock has.
const PLUGIN: &str = "0.0.24";

/// The plugins that are installed.
pub(super) fn plugins(state: &State) -> Answer {
    let proxbox = json!({
        "name": "Proxbox", "package": "netbox_proxbox", "author": null, "author_email": null,
        "description": "Integrates Proxmox and NetBox", "version": PLUGIN,
    });
    Answer::json(200, if state.plugin { json!([proxbox]) } else { json!([]) })
}

/// The plugin's settings, in the form that backends read.
pub(super) fn plugin_settings(state: &State, asked: &Asked<'_>) -> Answer {
    let op = generated_netbox::operations()
        .find(|op| op.path == asked.path && op.method.as_str() == asked.method);
    let (Some(op), Some(model)) = (op, state.model("plugins/proxbox/settings")) else {
        return not_allowed(asked);
    };
    match (op.returns, state.row(model.path, 1)) {
        (Kind::Record(schema), Some(row)) => {
            let mut shown = render::shape(state, model, schema, 1, row);
            // Not published, but answered.
            shown["encryption_key"] = json!("");
            shown["encryption_key_configured"] = json!(false);
            Answer::json(200, shown)
        }
        _ => Answer::detail(404, "No ProxboxPluginSettings matches the given query."),
    }
}

pub(super) fn status(state: &State) -> Answer {
    let body = json!({
        "django-version": "6.0.8",
        "hostname": "mock",
        "installed_apps": {
            "django_filters": "26.1", "django_tables2": "2.8.0", "drf_spectacular": "0.30.0",
            "mptt": "0.18.0", "rest_framework": "3.17.1", "taggit": "6.1.0",
        },
        "netbox-version": VERSION,
        "netbox-full-version": VERSION,
        "plugins": if state.plugin { json!({ "netbox_proxbox": PLUGIN }) } else { json!({}) },
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
        parameters.extend(
            names
                .into_iter()
                .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } })),
        );
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
    let own = state.preferences.entry(state.user).or_insert_with(|| json!({}));
    match asked.method {
        "GET" | "HEAD" => {}
        "PATCH" => match json_body(asked.body) {
            Ok(body) if body.is_object() => merge(own, &body),
            Ok(_) => return Answer::detail(400, "Invalid data. Expected a dictionary."),
            Err(answer) => return answer,
        },
        _ => return not_allowed(asked),
    }
    Answer::json(200, own.clone())
}

/// Lays an object over another, and so on inside of them; an empty one takes its place.
pub(super) fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if !over.is_empty() => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// Queues the synchronization of a data source.
pub(super) fn sync(state: &mut State, model: &'static Model, id: i64) -> Answer {
    let now = state.tick();
    if let Some(mut row) = state.row(model.path, id).cloned() {
        row.insert("status".to_owned(), json!("queued"));
        state.put(model.path, id, row);
    }
    let job = [
        ("object_type", json!(model.label)),
        ("object_id", json!(id)),
        ("name", json!("Synchronization")),
        ("status", json!("pending")),
        ("created", json!(now)),
        ("user", json!(state.user)),
        ("job_id", json!(state.request_id)),
    ];
    let number = state.next_id("core/jobs");
    state.put(
        "core/jobs",
        number,
        job.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
    );
    state.commit();
    let row = state.row(model.path, id);
    let shown = row.map_or(Value::Null, |row| render::object(state, model, id, row));
    Answer::json(200, shown)
}
