//! The parts that a new device, or a module, gets from its type.

use serde_json::{Value, json};

use super::model::models;
use super::rules::{integer, text};
use super::state::{Row, State};

/// Collections of templates, and where the parts of them go.
const PARTS: &[(&str, &str)] = &[
    ("dcim/console-port-templates", "dcim/console-ports"),
    ("dcim/console-server-port-templates", "dcim/console-server-ports"),
    ("dcim/power-port-templates", "dcim/power-ports"),
    ("dcim/power-outlet-templates", "dcim/power-outlets"),
    ("dcim/interface-templates", "dcim/interfaces"),
    ("dcim/rear-port-templates", "dcim/rear-ports"),
    ("dcim/front-port-templates", "dcim/front-ports"),
    ("dcim/module-bay-templates", "dcim/module-bays"),
    ("dcim/device-bay-templates", "dcim/device-bays"),
    ("dcim/inventory-item-templates", "dcim/inventory-items"),
];

/// What a part takes over from its template besides its name.
const TAKEN: &[&str] = &[
    "label",
    "description",
    "type",
    "mgmt_only",
    "enabled",
    "poe_mode",
    "poe_type",
    "rf_role",
    "maximum_draw",
    "allocated_draw",
    "feed_leg",
    "color",
    "positions",
    "position",
    "part_id",
    "manufacturer",
    "role",
];

/// The rows to store for a new device or module, by collection.
pub(super) fn parts(state: &State, owner: &str, id: i64, row: &Row) -> Vec<(&'static str, Row)> {
    let (kind, field) = match owner {
        "dcim/devices" => ("device_type", "device"),
        "dcim/modules" => ("module_type", "module"),
        _ => return Vec::new(),
    };
    let Some(of) = integer(row, kind) else { return Vec::new() };
    let mut rows = Vec::new();
    for (templates, parts) in PARTS {
        for template in state.referrers(templates, kind, &of.to_string()) {
            let Some(template) = state.row(templates, template) else { continue };
            let Some(mut part) = blank(parts) else { continue };
            let name = resolved(state, row, text(template, "name"));
            part.insert("name".to_owned(), json!(name));
            for name in TAKEN {
                if let Some(value) = template.get(*name).filter(|_| part.contains_key(*name)) {
                    part.insert((*name).to_owned(), value.clone());
                }
            }
            match field {
                "module" => {
                    part.insert(
                        "device".to_owned(),
                        row.get("device").cloned().unwrap_or_default(),
                    );
                    part.insert("module".to_owned(), json!(id));
                }
                _ => {
                    part.insert("device".to_owned(), json!(id));
                }
            }
            rows.push((*parts, part));
        }
    }
    rows
}

/// A name with the place of the module, and of the device in its chassis, in it.
fn resolved(state: &State, row: &Row, name: &str) -> String {
    let bay = integer(row, "module_bay").and_then(|id| state.row("dcim/module-bays", id));
    let bay = bay.map(|bay| match text(bay, "position") {
        "" => text(bay, "name").to_owned(),
        position => position.to_owned(),
    });
    let name = bay.map_or_else(|| name.to_owned(), |bay| name.replace("{module}", &bay));
    let position = integer(row, "vc_position").map(|position| position.to_string());
    let Some((before, rest)) = name.split_once("{vc_position") else { return name };
    let Some((fallback, after)) = rest.split_once('}') else { return name };
    let fallback = fallback.strip_prefix(':').unwrap_or("0");
    format!("{before}{}{after}", position.as_deref().unwrap_or(fallback))
}

/// An object with what fields hold that nobody gave.
fn blank(path: &str) -> Option<Row> {
    let model = models().get(path)?;
    let fields = model.write?.fields.iter();
    let row = fields.map(|field| (field.name.to_owned(), super::check::default(model, field)));
    let mut row: Row = row.collect();
    row.insert("tags".to_owned(), json!([]));
    row.insert("custom_fields".to_owned(), Value::Object(Default::default()));
    Some(row)
}
