//! Racks: which units are taken, and by whom.

use serde_json::{Value, json};

use super::answer::Answer;
use super::hosts::size;
use super::render;
use super::rules::{integer, text};
use super::state::State;

/// Units taken on the faces of a rack, by others than `except`: from, to, face, full depth.
pub(super) fn taken(
    state: &State,
    rack: i64,
    except: Option<i64>,
) -> Vec<(f64, f64, String, bool)> {
    let devices = state.referrers("dcim/devices", "rack", &rack.to_string());
    let others = devices.into_iter().filter(|id| Some(*id) != except);
    others
        .filter_map(|id| {
            let row = state.row("dcim/devices", id)?;
            let position = row.get("position")?.as_f64()?;
            let kind =
                integer(row, "device_type").and_then(|id| state.row("dcim/device-types", id));
            let (height, full) = size(kind);
            Some((position, position + height, text(row, "face").to_owned(), full))
        })
        .collect()
}

/// The half units of one face of a rack, from the top.
pub(super) fn elevation(state: &State, rack: i64, query: &[(String, String)]) -> Answer {
    let asked =
        |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let face = asked("face").unwrap_or("front");
    let label = if face == "rear" { "Rear" } else { "Front" };
    let units =
        state.row("dcim/racks", rack).and_then(|row| integer(row, "u_height")).unwrap_or(42);
    let devices = state.referrers("dcim/devices", "rack", &rack.to_string());
    let at = |unit: f64| {
        devices.iter().find(|id| {
            let Some(row) = state.row("dcim/devices", **id) else { return false };
            let kind =
                integer(row, "device_type").and_then(|id| state.row("dcim/device-types", id));
            let (height, full) = size(kind);
            let position = row.get("position").and_then(Value::as_f64);
            position.is_some_and(|from| from <= unit && unit < from + height)
                && (full || text(row, "face") == face)
        })
    };
    let rows = (2..units * 2 + 2).rev().map(|half| {
        let unit = half as f64 / 2.0;
        let device = at(unit).map(|id| render::embedded(state, "dcim/devices", *id));
        let name = device.as_ref().map(|device| device["display"].clone());
        json!({
            "id": unit,
            "name": format!("U{unit}"),
            "face": { "value": face, "label": label },
            "device": device,
            "occupied": device.is_some(),
            "display": format!("U{unit}"),
            "description": name,
        })
    });
    let rows: Vec<Value> = rows.collect();
    let number = |name: &str| asked(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(50).min(state.max_page);
    let offset = number("offset").unwrap_or(0);
    let link = |offset: usize| {
        format!("{}/api/dcim/racks/{rack}/elevation/?limit={limit}&offset={offset}", state.url)
    };
    let next = (offset.saturating_add(limit) < rows.len()).then(|| link(offset + limit));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
    let count = rows.len();
    let page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    let body = json!({ "count": count, "next": next, "previous": previous, "results": page });
    Answer::json(200, body)
}
