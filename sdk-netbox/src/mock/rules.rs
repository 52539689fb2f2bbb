//! The checks of an object as a whole, and what NetBox fills in.

use serde_json::{Value, json};

use super::answer::Errors;
use super::model::{Model, models};
use super::state::{Row, State};
use super::{addresses, cables, hosts, tokens};

/// Brings an object into the form NetBox stores it in, then checks it as a whole.
pub(super) fn check(state: &State, model: &Model, id: Option<i64>, row: &mut Row) -> Errors {
    let mut errors = Errors::default();
    generic_references(state, model, row, &mut errors);
    object_types(row, &mut errors);
    match model.path {
        "ipam/ip-addresses" => addresses::ip_address(state, id, row, &mut errors),
        "ipam/prefixes" => addresses::prefix(state, id, row, &mut errors),
        "ipam/aggregates" => addresses::aggregate(state, id, row, &mut errors),
        "ipam/ip-ranges" => addresses::range(state, id, row, &mut errors),
        "ipam/vlan-groups" => addresses::vlan_group(row, &mut errors),
        "users/tokens" if id.is_some() && !text(row, "token").is_empty() => {
            let words = "Cannot assign a new plaintext value for an existing token.";
            errors.add("token", words);
        }
        "ipam/vlans" => addresses::vlan(state, row, &mut errors),
        "plugins/proxbox/backup-routines" => match row.get("selection") {
            None | Some(Value::Null) => errors.add("selection", "This field cannot be null."),
            Some(chosen) if *chosen == json!([]) || *chosen == json!({}) => {
                errors.add("selection", "This field cannot be blank.");
            }
            Some(_) => {}
        },
        "plugins/proxbox/sync-state/devices" => {
            let words = "Proxmox node must be linked to the sync-state device.";
            let node = ("proxmox_node", "plugins/proxbox/proxmox-nodes", "netbox_device");
            linked(state, row, "device", node, words, &mut errors);
        }
        "plugins/proxbox/sync-state/clusters" => {
            let words = "Proxmox cluster must be linked to the sync-state cluster.";
            let cluster = ("proxmox_cluster", "plugins/proxbox/proxmox-clusters", "netbox_cluster");
            linked(state, row, "cluster", cluster, words, &mut errors);
        }
        "dcim/cables" => cables::check(state, id, row, &mut errors),
        "dcim/locations" => hosts::location(state, row, &mut errors),
        "users/users" => password(row, &mut errors),
        "dcim/mac-addresses" => addresses::mac_address(row, &mut errors),
        "virtualization/virtual-machines" => hosts::virtual_machine(state, id, row, &mut errors),
        "dcim/devices" => hosts::device(state, id, row, &mut errors),
        "virtualization/interfaces" | "dcim/interfaces" => {
            hosts::interface(state, model, id, row, &mut errors);
        }
        _ => {}
    }
    errors
}

/// What the plugin asks of a state: that its record of the object is linked with the object.
fn linked(
    state: &State,
    row: &Row,
    parent: &str,
    (field, collection, back): (&str, &str, &str),
    words: &str,
    errors: &mut Errors,
) {
    let Some(record) = integer(row, field).and_then(|id| state.row(collection, id)) else { return };
    if integer(record, back) != integer(row, parent) {
        errors.add(field, words);
    }
}

/// What NetBox fills in while it saves.
pub(super) fn derive(state: &State, model: &Model, row: &mut Row) {
    match model.path {
        "virtualization/virtual-machines" => {
            let site = integer(row, "cluster")
                .and_then(|id| state.row("virtualization/clusters", id))
                .and_then(|cluster| cluster.get("_site"))
                .cloned();
            if let Some(site) = site.filter(|_| row.get("site").is_none_or(Value::is_null)) {
                row.insert("site".to_owned(), site);
            }
        }
        "users/tokens" => tokens::mint(state, row),
        "extras/journal-entries" if row.get("created_by").is_none_or(Value::is_null) => {
            row.insert("created_by".to_owned(), json!(state.user));
        }
        "core/data-sources" if text(row, "status").is_empty() => {
            row.insert("status".to_owned(), json!("new"));
        }
        // A VLAN without a mode is dropped without a word.
        "virtualization/interfaces" | "dcim/interfaces" if text(row, "mode").is_empty() => {
            row.insert("untagged_vlan".to_owned(), Value::Null);
            row.insert("tagged_vlans".to_owned(), json!([]));
        }
        "virtualization/clusters" => {
            let is_site = row.get("scope_type").is_some_and(|label| label == "dcim.site");
            let site = row.get("scope_id").filter(|_| is_site).cloned();
            row.insert("_site".to_owned(), site.unwrap_or_default());
        }
        _ => {}
    }
}

/// A number that an object has.
pub(super) fn integer(row: &Row, name: &str) -> Option<i64> {
    row.get(name).and_then(Value::as_i64)
}

/// A text that an object has; empty where it has none.
pub(super) fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn generic_references(state: &State, model: &Model, row: &Row, errors: &mut Errors) {
    for name in model.generic() {
        let (kind, id) = (format!("{name}_type"), format!("{name}_id"));
        if name == "assigned_object" && !text(row, &kind).is_empty() && row[&id].is_null() {
            errors.add(&id, "This field cannot be null.");
        }
        let (Some(label), Some(number)) =
            (row.get(&kind).and_then(Value::as_str), integer(row, &id))
        else {
            continue;
        };
        match models().labelled(label) {
            None => errors.add(&kind, format!("Invalid content type: {label}")),
            Some(target) if state.row(target.path, number).is_none() => errors
                .add(&id, format!("Related object not found using the provided value: {number}.")),
            Some(_) => {}
        }
    }
}

/// A list of object types names only those that there are; NetBox sorts it.
fn object_types(row: &mut Row, errors: &mut Errors) {
    let Some(Value::Array(labels)) = row.get_mut("object_types") else {
        return;
    };
    labels.sort_by_key(|label| label.as_str().map(str::to_owned));
    let unknown = |label: &&Value| label.as_str().and_then(|l| models().labelled(l)).is_none();
    if let Some(label) = labels.iter().find(unknown) {
        let label = label.as_str().map_or_else(|| label.to_string(), str::to_owned);
        errors.add("object_types", format!("Invalid content type: {label}"));
    }
}

/// A password is kept apart and never shown.
fn password(row: &mut Row, errors: &mut Errors) {
    let Some(given) = row.remove("password").and_then(|value| Some(value.as_str()?.to_owned()))
    else {
        return;
    };
    for words in tokens::weak(&given) {
        errors.add("non_field_errors", words);
    }
    row.insert("_password".to_owned(), json!(given));
    let now = json!(format!("{:.6}", jiff::Timestamp::now()));
    if text(row, "date_joined").is_empty() {
        row.insert("date_joined".to_owned(), now);
    }
}
