//! Filters that follow references: a device's region is its site's, an interface's site its device's.

use serde_json::{Value, json};

use super::addresses::network;
use super::cables;
use super::context::{along, with_ancestors};
use super::model::{Deletion, Model, models};
use super::rules::{integer, text};
use super::state::{Row, State};

/// What the end of a way of references is.
pub(super) struct Way {
    pub(super) path: Vec<&'static str>,
    pub(super) target: &'static str,
}

/// The way that a filter follows: one reference, or several where the object itself has none.
pub(super) fn way(model: &Model, base: &str) -> Option<Way> {
    if let Some(field) = own(model, base) {
        return Some(Way { path: vec![field], target: model.references[field].target });
    }
    // Names of filters, and the references that they stand for.
    let steps: &[(&str, &[&'static str])] = &[
        ("region", &["site", "region"]),
        ("site_group", &["site", "group"]),
        ("tenant_group", &["tenant", "group"]),
        ("cluster_group", &["cluster", "group"]),
        ("cluster_type", &["cluster", "type"]),
        ("manufacturer", &["device_type", "manufacturer"]),
        ("vlan_group", &["vlan", "group"]),
        ("device_role", &["device", "role"]),
        ("region", &["device", "site", "region"]),
        ("site_group", &["device", "site", "group"]),
        ("region", &["rack", "site", "region"]),
    ];
    let named = steps.iter().filter(|(name, _)| *name == base).map(|(_, path)| path.to_vec());
    let owners = ["device", "virtual_machine", "module", "circuit"];
    let through = owners.into_iter().filter_map(|owner| {
        let target = models().get(model.references.get(owner)?.target)?;
        Some(vec![owner, own(target, base)?])
    });
    named.chain(through).find_map(|path| {
        let mut at = model;
        let mut target = "";
        for step in &path {
            target = at.references.get(step)?.target;
            at = models().get(target)?;
        }
        Some(Way { path, target })
    })
}

/// The reference of an object with this name, or the list of several.
fn own(model: &Model, base: &str) -> Option<&'static str> {
    let plural = format!("{base}s");
    let (name, _) = model.references.get_key_value(base).or_else(|| {
        let found = model.references.get_key_value(plural.as_str());
        found.filter(|(_, one)| one.deletion == Deletion::Many)
    })?;
    Some(name)
}

/// The objects at the end of a way. Those in trees come with all that they are in, but for the
/// direct parent.
pub(super) fn ends(state: &State, model: &Model, row: &Row, base: &str, way: &Way) -> Vec<i64> {
    match (base, way.path.as_slice()) {
        ("parent" | "group", [field]) if own(model, base).is_some() && way.target == model.path => {
            integer(row, field).into_iter().collect()
        }
        _ => along(state, model, row, &way.path),
    }
}

/// Values for filters that are no field and no reference.
pub(super) fn special(
    state: &State,
    model: &Model,
    id: i64,
    row: &Row,
    base: &str,
) -> Option<Vec<Value>> {
    let macs_of = |label: &str, id: i64| -> Vec<Value> {
        let held =
            state.referrers("dcim/mac-addresses", "assigned_object", &format!("{label}:{id}"));
        let rows = held.into_iter().filter_map(|id| state.row("dcim/mac-addresses", id));
        rows.map(|row| json!(text(row, "mac_address"))).collect()
    };
    let parts = |collection: &str, field: &str| {
        state.referrers(collection, field, &id.to_string()).into_iter()
    };
    Some(match (model.path, base) {
        ("dcim/interfaces" | "virtualization/interfaces", "mac_address") => {
            macs_of(model.label, id)
        }
        ("dcim/devices", "mac_address") => parts("dcim/interfaces", "device")
            .flat_map(|id| macs_of("dcim.interface", id))
            .collect(),
        ("virtualization/virtual-machines", "mac_address") => {
            parts("virtualization/interfaces", "virtual_machine")
                .flat_map(|id| macs_of("virtualization.vminterface", id))
                .collect()
        }
        ("dcim/devices", "model") => {
            let kind = integer(row, "device_type");
            let kind = kind.and_then(|id| state.row("dcim/device-types", id));
            vec![json!(kind.map_or("", |kind| text(kind, "slug")))]
        }
        ("dcim/devices", "has_oob_ip") => vec![json!(row.get("oob_ip").is_some_and(Value::is_i64))],
        ("dcim/devices", "virtual_chassis_member") => {
            vec![json!(row.get("virtual_chassis").is_some_and(Value::is_i64))]
        }
        ("dcim/devices", "interfaces") => {
            vec![json!(parts("dcim/interfaces", "device").next().is_some())]
        }
        ("dcim/interfaces", "kind") => vec![json!(match text(row, "type") {
            "virtual" | "bridge" | "lag" => "virtual",
            kind if kind.starts_with("ieee802.11") => "wireless",
            _ => "physical",
        })],
        (_, "cabled" | "occupied" | "connected")
            if model.read.find("cable").is_some() || model.read.find("link_peers").is_some() =>
        {
            let cabled = cables::is_cabled(state, model, id);
            let marked = row.get("mark_connected") == Some(&json!(true));
            vec![json!(cabled || (base == "occupied" && marked))]
        }
        ("dcim/interfaces" | "virtualization/interfaces", "vlan_id") => {
            let tagged = row.get("tagged_vlans").and_then(Value::as_array).into_iter().flatten();
            tagged.cloned().chain(row.get("untagged_vlan").cloned()).collect()
        }
        ("ipam/prefixes" | "ipam/ip-addresses", "mask_length") => {
            let net = network(text(row, "prefix")).or_else(|| network(text(row, "address")));
            vec![json!(net.map(|net| net.prefix_len()))]
        }
        (_, "contact" | "contact_role") => {
            let field = if base == "contact" { "contact" } else { "role" };
            let target = format!("{}:{id}", model.label);
            let path = "tenancy/contact-assignments";
            let rows = state.referrers(path, "object", &target).into_iter();
            rows.filter_map(|id| state.row(path, id)?.get(field).cloned()).collect()
        }
        ("circuits/circuits", "site" | "site_id") => {
            let path = "circuits/circuit-terminations";
            let ends = state.referrers(path, "circuit", &id.to_string()).into_iter();
            let sites = ends.filter_map(|id| {
                let row = state.row(path, id)?;
                integer(row, "termination_id")
                    .filter(|_| text(row, "termination_type") == "dcim.site")
            });
            let named = |id: i64| {
                let slug = state.row("dcim/sites", id).map_or("", |site| text(site, "slug"));
                if base == "site" { json!(slug) } else { json!(id) }
            };
            sites.map(named).collect()
        }
        ("dcim/inventory-items", "parent_id") => {
            vec![row.get("parent").cloned().unwrap_or_default()]
        }
        ("ipam/services", "port") => row.get("ports")?.as_array()?.clone(),
        ("ipam/services", "device" | "device_id" | "virtual_machine" | "virtual_machine_id") => {
            let (word, by_id) = match base.strip_suffix("_id") {
                Some(word) => (word, true),
                None => (base, false),
            };
            let kinds = [
                ("device", "dcim.device", "dcim/devices"),
                (
                    "virtual_machine",
                    "virtualization.virtualmachine",
                    "virtualization/virtual-machines",
                ),
            ];
            let (_, label, path) = kinds.into_iter().find(|(name, ..)| *name == word)?;
            let id = integer(row, "parent_object_id")
                .filter(|_| text(row, "parent_object_type") == label);
            match (id, by_id) {
                (None, _) => vec![Value::Null],
                (Some(id), true) => vec![json!(id)],
                (Some(id), false) => {
                    vec![json!(state.row(path, id).map_or("", |row| text(row, "name")))]
                }
            }
        }
        ("dcim/mac-addresses" | "ipam/ip-addresses", "assigned") => {
            vec![json!(row.get("assigned_object_id").is_some_and(Value::is_i64))]
        }
        ("dcim/mac-addresses", "primary") => {
            let held = |path| state.count_referrers(path, "primary_mac_address", &id.to_string());
            vec![json!(held("dcim/interfaces") + held("virtualization/interfaces") > 0)]
        }
        (_, "ancestor_id") => {
            with_ancestors(state, model, id)[1..].iter().map(|id| json!(id)).collect()
        }
        (_, "created_by_request" | "updated_by_request" | "modified_by_request") => {
            let target = format!("{}:{id}", model.label);
            let changes = state.referrers("core/object-changes", "changed_object", &target);
            let wanted: &[&str] = match base {
                "created_by_request" => &["create"],
                "updated_by_request" => &["update"],
                _ => &["create", "update"],
            };
            let rows = changes.into_iter().filter_map(|id| state.row("core/object-changes", id));
            rows.filter(|row| wanted.contains(&text(row, "action")))
                .filter_map(|row| row.get("request_id").cloned())
                .collect()
        }
        _ => return None,
    })
}

/// Fields that NetBox compares without regard to case.
pub(super) fn ignores_case(model: &Model, base: &str) -> bool {
    let hosts = ["dcim/devices", "virtualization/virtual-machines"];
    let with_serial = ["dcim/devices", "dcim/racks", "dcim/modules", "dcim/inventory-items"];
    (base == "name" && hosts.contains(&model.path))
        || (base == "serial" && with_serial.contains(&model.path))
}
