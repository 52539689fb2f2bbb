//! Lists of objects, page by page, and single objects.

use proxbox_runtime::Payload;
use serde_json::{Value, json};

use super::answer::Answer;
use super::filter;
use super::model::Model;
use super::order;
use super::render;
use super::state::State;

/// Objects on a page unless the request says.
const PAGE: usize = 50;

/// Answers a list.
pub(super) fn list(state: &State, model: &Model, query: &[(String, String)]) -> Answer {
    let mut ids = match filter::select(state, model, query) {
        Ok(ids) => ids,
        Err(answer) => return answer,
    };
    let limit = match number(query, "limit") {
        Some(0) => state.max_page,
        Some(limit) => limit.min(state.max_page),
        None => PAGE.min(state.max_page),
    };
    let named = parameter(query, "ordering").is_some_and(|fields| !fields.is_empty());
    if model.order.is_empty() && !named {
        let words = "Paginating over an unordered queryset is unreliable. Ensure that a minimal \
                     ordering has been applied to the queryset for this API endpoint.";
        return Answer::exception("QuerySetNotOrdered", words);
    }
    if let Some(start) = number(query, "start") {
        return cursor(state, model, query, ids, (start, limit));
    }
    let ordering = parameter(query, "ordering").map(|fields| fields.split(',').collect::<Vec<_>>());
    let known = |field: &&str| model.read.find(field.trim_start_matches('-')).is_some();
    let ordering = ordering.filter(|fields| fields.iter().all(known));
    order::sort(state, model, &mut ids, &ordering.unwrap_or_else(|| model.order.clone()));
    let offset = number(query, "offset").unwrap_or(0);
    let page: Vec<i64> = ids.iter().copied().skip(offset).take(limit).collect();
    let link = |offset: usize| {
        let own = [("limit", limit.to_string()), ("offset", offset.to_string())];
        address(state, model, query, &own[..if offset == 0 { 1 } else { 2 }])
    };
    let next = (offset + page.len() < ids.len() && !page.is_empty()).then(|| link(offset + limit));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
    let results: Vec<Value> = page.iter().map(|id| shown(state, model, *id, query)).collect();
    let body =
        json!({ "count": ids.len(), "next": next, "previous": previous, "results": results });
    Answer::json(200, body)
}

fn cursor(
    state: &State,
    model: &Model,
    query: &[(String, String)],
    ids: Vec<i64>,
    (start, limit): (usize, usize),
) -> Answer {
    for other in ["offset", "ordering"] {
        if parameter(query, other).is_some() {
            let words = match other {
                "ordering" => {
                    "Ordering cannot be specified in conjunction with cursor-based pagination."
                        .to_owned()
                }
                other => format!("'start' and '{other}' are mutually exclusive."),
            };
            return Answer::json(400, json!([words]));
        }
    }
    let start = i64::try_from(start).unwrap_or(i64::MAX);
    let page: Vec<i64> = ids.into_iter().filter(|id| *id >= start).take(limit).collect();
    // A full page has a next one, even if that turns out to be empty.
    let next = page.last().filter(|_| page.len() == limit).map(|last| {
        let own = [("limit", limit.to_string()), ("start", (last + 1).to_string())];
        address(state, model, query, &own)
    });
    let results: Vec<Value> = page.iter().map(|id| shown(state, model, *id, query)).collect();
    Answer::json(200, json!({ "count": null, "next": next, "previous": null, "results": results }))
}

/// Answers one object.
pub(super) fn one(state: &State, model: &Model, id: i64, query: &[(String, String)]) -> Answer {
    let time =
        state.row(model.path, id).and_then(|row| row.get("last_updated")).and_then(Value::as_str);
    Answer::json(200, shown(state, model, id, query)).tagged(time)
}

fn shown(state: &State, model: &Model, id: i64, query: &[(String, String)]) -> Value {
    let row = state.row(model.path, id);
    let mut object = row.map_or(Value::Null, |row| render::object(state, model, id, row));
    cut(model, query, &mut object);
    object
}

/// Leaves the fields that were asked for.
pub(super) fn cut(model: &Model, query: &[(String, String)], object: &mut Value) {
    let Value::Object(members) = object else {
        return;
    };
    let words = |name: &str| parameter(query, name).map(|text| text.split(',').collect::<Vec<_>>());
    if let Some(fields) = words("fields") {
        members.retain(|name, _| fields.contains(&name.as_str()));
    } else if let Some(omitted) = words("omit").or_else(|| words("exclude")) {
        members.retain(|name, _| !omitted.contains(&name.as_str()));
    } else if parameter(query, "brief").is_some() {
        let names = render::brief_names(model);
        members.retain(|name, _| names.contains(&name.as_str()));
    }
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = query.iter().rev().find(|(known, value)| known == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

fn number(query: &[(String, String)], name: &str) -> Option<usize> {
    parameter(query, name)?.parse().ok()
}

/// The address of another page of the same list.
fn address(
    state: &State,
    model: &Model,
    query: &[(String, String)],
    own: &[(&str, String)],
) -> String {
    let others =
        query.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset" | "start"));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let mut pairs: Vec<(String, String)> = others.cloned().chain(own).collect();
    pairs.sort();
    format!("{}/api/{}/?{}", state.url, model.path, Payload::encode_form(&pairs))
}
