//! Cables: what they may connect, and what their ends show of it.

use serde_json::{Value, json};

use super::answer::{Answer, Errors};
use super::model::{Model, models};
use super::render;
use super::rules::text;
use super::state::{Row, State};

const CABLES: &str = "dcim/cables";
const SIDES: [(&str, &str); 2] = [("a_terminations", "A"), ("b_terminations", "B")];
/// Interfaces that have no plug.
const WITHOUT_PLUG: [&str; 9] =
    ["virtual", "bridge", "lag", "gsm", "cdma", "lte", "4g", "5g", "other-wireless"];

/// Ends that may have a cable.
const ENDS: [&str; 9] = [
    "dcim.interface",
    "dcim.consoleport",
    "dcim.consoleserverport",
    "dcim.powerport",
    "dcim.poweroutlet",
    "dcim.powerfeed",
    "dcim.frontport",
    "dcim.rearport",
    "circuits.circuittermination",
];

/// The ends on one side: label and id.
fn ends(row: &Row, side: &str) -> Vec<(String, i64)> {
    let ends = row.get(side).and_then(Value::as_array).into_iter().flatten();
    ends.filter_map(|end| {
        Some((end["object_type"].as_str()?.to_owned(), end["object_id"].as_i64()?))
    })
    .collect()
}

/// The cable at an object, and on which side it is.
fn cable_at<'a>(state: &'a State, label: &str, id: i64) -> Option<(i64, usize, &'a Row)> {
    let cables = state.table(CABLES).filter(|table| !table.rows.is_empty())?;
    cables.rows.iter().find_map(|(cable, row)| {
        let side = SIDES.iter().position(|(side, _)| {
            ends(row, side).iter().any(|(kind, number)| kind == label && *number == id)
        })?;
        Some((*cable, side, row))
    })
}

/// Checks a cable as a whole.
pub(super) fn check(state: &State, id: Option<i64>, row: &Row, errors: &mut Errors) {
    let [a, b] = SIDES.map(|(side, _)| ends(row, side));
    if id.is_none() && (a.is_empty() || b.is_empty()) {
        return errors
            .add("__all__", "Must define A and B terminations when creating a new cable.");
    }
    if row.get("length").is_some_and(Value::is_number) && text(row, "length_unit").is_empty() {
        errors.add("__all__", "Must specify a unit when setting a cable length");
    }
    if a.iter().any(|end| b.contains(end)) {
        errors.add("__all__", "A and B terminations cannot connect to the same object.");
    }
    for (label, end) in a.iter().chain(&b) {
        let path = models().labelled(label).map(|model| model.path);
        if !ENDS.contains(&label.as_str())
            || path.is_none_or(|path| state.row(path, *end).is_none())
        {
            return errors.add("__all__", format!("Invalid termination: {label} {end}"));
        }
        if let Some((cable, ..)) = cable_at(state, label, *end).filter(|found| Some(found.0) != id)
        {
            let words = format!("Duplicate termination found for {label} {end}: cable {cable}");
            return errors.add("__all__", words);
        }
        let interface = (label == "dcim.interface").then(|| state.row("dcim/interfaces", *end));
        let kind = interface.flatten().map(|row| text(row, "type")).unwrap_or_default();
        if WITHOUT_PLUG.contains(&kind) || kind.starts_with("ieee802.") {
            let words = "Cables cannot be terminated to Virtual interfaces";
            errors.add("__all__", words);
        }
    }
}

/// Takes an object off the cable that it had.
pub(super) fn unplug(state: &mut State, label: &str, id: i64) {
    let Some((cable, _, row)) = cable_at(state, label, id) else { return };
    let mut row = row.clone();
    for (side, _) in SIDES {
        if let Some(Value::Array(ends)) = row.get_mut(side) {
            ends.retain(|end| end["object_type"] != label || end["object_id"] != id);
        }
    }
    state.put(CABLES, cable, row);
}

/// The ends of a cable as they are shown: with the object at each.
pub(super) fn shown(state: &State, side: &str, row: &Row) -> Value {
    let ends = ends(row, side).into_iter();
    ends.map(|(label, id)| {
        json!({ "object_type": label, "object_id": id, "object": brief(state, &label, id) })
    })
    .collect()
}

fn brief(state: &State, label: &str, id: i64) -> Value {
    models().labelled(label).map_or(Value::Null, |model| render::embedded(state, model.path, id))
}

/// What an end shows of its cable; nothing for other fields.
pub(super) fn derived(state: &State, model: &Model, name: &str, id: i64) -> Option<Value> {
    const FIELDS: [&str; 8] = [
        "cable",
        "cable_end",
        "link_peers",
        "link_peers_type",
        "connected_endpoints",
        "connected_endpoints_type",
        "connected_endpoints_reachable",
        "_occupied",
    ];
    if !ENDS.contains(&model.label) || !FIELDS.contains(&name) {
        return None;
    }
    let Some((cable, side, row)) = cable_at(state, model.label, id) else {
        return Some(match name {
            "link_peers" => json!([]),
            "connected_endpoints_reachable" | "_occupied" => json!(false),
            _ => Value::Null,
        });
    };
    let peers = ends(row, SIDES[1 - side].0);
    let label = peers.first().map(|(label, _)| label.clone());
    let objects = || peers.iter().map(|(label, id)| brief(state, label, *id)).collect::<Value>();
    Some(match name {
        "cable" => render::embedded(state, CABLES, cable),
        "cable_end" => json!(SIDES[side].1),
        "link_peers" | "connected_endpoints" => objects(),
        "link_peers_type" | "connected_endpoints_type" => json!(label),
        "connected_endpoints_reachable" => json!(text(row, "status") == "connected"),
        _ => json!(true),
    })
}

/// Whether an object has a cable.
pub(super) fn is_cabled(state: &State, model: &Model, id: i64) -> bool {
    cable_at(state, model.label, id).is_some()
}

/// The way from an end: the ends near, the cable, and the ends far.
pub(super) fn trace(state: &State, model: &Model, id: i64) -> Answer {
    let Some((cable, side, row)) = cable_at(state, model.label, id) else {
        return Answer::json(200, json!([]));
    };
    let all = |side: usize| -> Value {
        ends(row, SIDES[side].0).iter().map(|(label, id)| brief(state, label, *id)).collect()
    };
    let about = json!({
        "id": cable,
        "url": format!("{}/api/{CABLES}/{cable}/", state.url),
        "display_url": format!("{}/{CABLES}/{cable}/", state.url),
        "type": row.get("type"),
        "status": row.get("status"),
        "label": row.get("label"),
        "color": row.get("color"),
        "length": row.get("length"),
        "length_unit": row.get("length_unit"),
        "description": row.get("description"),
    });
    Answer::json(200, json!([[all(side), about, all(1 - side)]]))
}

/// The device at the other end of the cable at somebody's interface.
pub(super) fn connected_device(state: &State, query: &[(String, String)]) -> Answer {
    let asked = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let (Some(device), Some(interface)) = (asked("peer_device"), asked("peer_interface")) else {
        return Answer::detail(
            400,
            "Request must include \"peer_device\" and \"peer_interface\" filters.",
        );
    };
    let found = state.table("dcim/interfaces").into_iter().flat_map(|table| &table.rows).find(
        |(_, row)| {
            let owner = row.get("device").and_then(Value::as_i64);
            let owner = owner.and_then(|id| state.row("dcim/devices", id));
            text(row, "name") == interface
                && owner.is_some_and(|owner| text(owner, "name") == device)
        },
    );
    let far = found.and_then(|(id, _)| {
        let (_, side, row) = cable_at(state, "dcim.interface", *id)?;
        let (label, far) = ends(row, SIDES[1 - side].0).into_iter().next()?;
        let model = models().labelled(&label)?;
        state.row(model.path, far)?.get("device")?.as_i64()
    });
    let shown = far.and_then(|id| {
        let model = models().get("dcim/devices")?;
        Some(render::object(state, model, id, state.row(model.path, id)?))
    });
    match shown {
        Some(device) => Answer::json(200, device),
        None => Answer::detail(404, "No Device matches the given query."),
    }
}
