//! Which part of the mock answers a path.

use std::collections::BTreeSet;

use proxbox_runtime::{FieldFlags, Kind};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::Extent;
use super::delete;
use super::list;
use super::model::Model;
use super::render;
use super::state::State;
use super::{allocate, cables, context, custom_fields, racks, service, write};

/// The release whose rules the mock enforces.
pub(super) const VERSION: &str = "4.6.8";

/// A request that was let in.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a [(String, String)],
    pub(super) body: &'a [u8],
    pub(super) if_match: Option<&'a str>,
}

/// Answers a request.
pub(super) fn answer(state: &mut State, asked: &Asked<'_>) -> Answer {
    if !asked.path.ends_with('/') {
        if !matches!(asked.method, "GET" | "HEAD") {
            return not_found();
        }
        return Answer { location: Some(format!("{}/", asked.path)), ..Answer::nothing(301) };
    }
    let parts: Vec<&str> = asked.path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["api"] => root(state, asked),
        ["api", "status"] => service::status(state),
        ["api", "authentication-check"] => service::who(state),
        ["api", "users", "config"] => service::preferences(state, asked),
        ["api", "dcim", "connected-device"] => cables::connected_device(state, asked.query),
        ["api", "plugins"] => {
            let names = ["installed-plugins", "proxbox"];
            let names = names.into_iter().take(if state.plugin { 2 } else { 1 });
            let link =
                |name: &str| (name.to_owned(), json!(format!("{}/api/plugins/{name}/", state.url)));
            Answer::json(200, Value::Object(names.map(link).collect()))
        }
        ["api", "plugins", "installed-plugins"] => service::plugins(state),
        ["api", "plugins", "proxbox", rest @ ..] if state.plugin => plugin(state, rest, asked),
        ["api", app] => app_root(state, app),
        ["api", app, collection] => match state.model(&format!("{app}/{collection}")) {
            Some(model) => on_collection(state, model, asked),
            None => not_found(),
        },
        ["api", app, collection, id] => match state.model(&format!("{app}/{collection}")) {
            Some(model) => on_object(state, model, id, asked),
            None => not_found(),
        },
        ["api", app, collection, id, word] => match state.model(&format!("{app}/{collection}")) {
            Some(model) => below(state, model, id, word, asked),
            None => not_found(),
        },
        _ => not_found(),
    }
}

/// Paths of the plugin: collections are one or two levels deep.
fn plugin(state: &mut State, rest: &[&str], asked: &Asked<'_>) -> Answer {
    let path = |parts: &[&str]| format!("plugins/proxbox/{}", parts.join("/"));
    if let ["settings", "runtime"] = rest {
        return service::plugin_settings(state, asked);
    }
    if let Some(model) = state.model(&path(rest)) {
        return on_collection(state, model, asked);
    }
    if let Some((id, above)) = rest.split_last()
        && let Some(model) = state.model(&path(above))
    {
        return on_object(state, model, id, asked);
    }
    let prefix = format!("/api/{}/", path(rest)).replace("proxbox//", "proxbox/");
    let mut below = BTreeSet::new();
    for op in generated_netbox::operations() {
        match op.path.strip_prefix(&prefix) {
            // Summaries for pages, and what asks a backend.
            Some("") => {
                return Answer::detail(501, format!("the mock does not answer {}", asked.path));
            }
            Some(more) if !more.starts_with('{') => {
                below.extend(more.split('/').next());
            }
            _ => {}
        }
    }
    if below.is_empty() {
        return not_found();
    }
    let link = |name: &str| (name.to_owned(), json!(format!("{}{prefix}{name}/", state.url)));
    Answer::json(200, Value::Object(below.into_iter().map(link).collect()))
}

fn not_found() -> Answer {
    Answer::page(404, "Page Not Found", "The requested page does not exist.")
}

fn root(state: &State, asked: &Asked<'_>) -> Answer {
    if asked.method == "OPTIONS" {
        return Answer::json(200, json!({ "name": "API Root" }));
    }
    let apps: BTreeSet<&str> =
        state.models().filter_map(|model| model.path.split('/').next()).collect();
    let apps = apps.into_iter().chain(["plugins", "status"]);
    let links = apps.map(|app| (app.to_owned(), json!(format!("{}/api/{app}/", state.url))));
    Answer::json(200, Value::Object(links.collect()))
}

fn app_root(state: &State, app: &str) -> Answer {
    let link = |model: &Model| {
        let (_, collection) = model.path.split_once('/').filter(|(own, _)| *own == app)?;
        Some((collection.to_owned(), json!(format!("{}/api/{}/", state.url, model.path))))
    };
    let links: Map<String, Value> = state.models().filter_map(link).collect();
    if links.is_empty() { not_found() } else { Answer::json(200, Value::Object(links)) }
}

/// What is below an object: free addresses, the way of a cable, a configuration.
fn below(
    state: &mut State,
    model: &'static Model,
    id: &str,
    word: &str,
    asked: &Asked<'_>,
) -> Answer {
    let template = format!("/api/{}/{{id}}/{word}/", model.path);
    if !generated_netbox::operations().any(|op| op.path == template) {
        return not_found();
    }
    let Some(id) = id.parse().ok().filter(|id| state.row(model.path, *id).is_some()) else {
        return Answer::detail(404, format!("No {} matches the given query.", model.class));
    };
    if let Some(answer) = allocate::answer(state, model, id, word, asked) {
        return answer;
    }
    match (word, asked.method) {
        ("trace", "GET") => cables::trace(state, model, id),
        ("render-config", "POST") => match json_body(asked.body) {
            Ok(body) => context::render_config(state, model, id, &body),
            Err(answer) => answer,
        },
        ("sync", "POST") if model.path == "core/data-sources" => service::sync(state, model, id),
        ("elevation", "GET") => racks::elevation(state, id, asked.query),
        ("choices", "GET") => custom_fields::choices(state, id, asked.query),
        _ => Answer::detail(501, format!("the mock does not answer {}", asked.path)),
    }
}

fn on_collection(state: &mut State, model: &'static Model, asked: &Asked<'_>) -> Answer {
    match asked.method {
        "GET" | "HEAD" => return list::list(state, model, asked.query),
        "OPTIONS" => return options(model),
        _ if model.write.is_none() => return not_allowed(asked),
        _ => {}
    }
    let body = match json_body(asked.body) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    match asked.method {
        "POST" => write::create(state, model, &body),
        "PATCH" => write::update_all(state, model, &body, Extent::Part, asked.if_match),
        "PUT" => write::update_all(state, model, &body, Extent::Whole, asked.if_match),
        "DELETE" => delete::many(state, model, &body),
        _ => not_allowed(asked),
    }
}

fn on_object(state: &mut State, model: &'static Model, id: &str, asked: &Asked<'_>) -> Answer {
    let Some(id) = id.parse().ok().filter(|id| state.row(model.path, *id).is_some()) else {
        return Answer::detail(404, format!("No {} matches the given query.", model.class));
    };
    match asked.method {
        "GET" | "HEAD" => return list::one(state, model, id, asked.query),
        "OPTIONS" => return options(model),
        _ if model.write.is_none() => return not_allowed(asked),
        "DELETE" => {
            return match write::precondition(state, model, id, asked.if_match) {
                Ok(()) => delete::one(state, model, id, None),
                Err(answer) => answer,
            };
        }
        _ => {}
    }
    let body = match json_body(asked.body) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    match asked.method {
        "PATCH" => write::update(state, model, id, &body, Extent::Part, asked.if_match),
        "PUT" => write::update(state, model, id, &body, Extent::Whole, asked.if_match),
        _ => not_allowed(asked),
    }
}

pub(super) fn not_allowed(asked: &Asked<'_>) -> Answer {
    Answer::detail(405, format!("Method \"{}\" not allowed.", asked.method))
}

pub(super) fn json_body(body: &[u8]) -> Result<Value, Answer> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body)
        .map_err(|error| Answer::detail(400, format!("JSON parse error - {error}")))
}

/// What may be written, with the choices, for clients that ask first.
fn options(model: &Model) -> Answer {
    let field = |field: &proxbox_runtime::Field| {
        let mut about = json!({
            "type": "field",
            "required": field.flags.has(FieldFlags::REQUIRED),
            "read_only": field.flags.has(FieldFlags::READ_ONLY),
        });
        let labels = match model.read.field(field.name).map(|field| field.kind) {
            Some(Kind::Choice(_, labels)) => labels,
            _ => &[],
        };
        if let Kind::Enum(values) | Kind::Choice(values, _) = field.kind {
            let choice = |value: &&str| json!({ "value": value, "display_name": render::label(&json!(value), labels) });
            let choices = values.iter().filter(|value| !value.is_empty()).map(choice);
            about["choices"] = choices.collect();
        }
        (field.name.to_owned(), about)
    };
    let fields: Map<String, Value> =
        model.write.into_iter().flat_map(|schema| schema.fields).map(field).collect();
    let body = json!({
        "name": format!("{} List", model.name),
        "description": "",
        "renders": ["application/json", "text/html"],
        "parses": ["application/json", "multipart/form-data"],
        "actions": { "POST": fields, "PUT": fields },
    });
    Answer::json(200, body)
}
