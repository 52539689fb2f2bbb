//! What becomes of single fields when a run is taken back.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::draft::is_stamp;
use crate::plan::merge::is_unset;
use crate::plan::{Existing, Fields, Kind, Stage, Value};

/// What becomes of a field on the way back.
pub(super) enum Back {
    Set(Value),
    Edited,
    Same,
}

pub(super) fn back(have: &Value, was: &Value, became: &Value) -> Back {
    match (have, was, became) {
        (Value::Set(have), was, Value::Set(became)) => {
            let nothing = BTreeSet::new();
            let was = if let Value::Set(was) = was { &**was } else { &nothing };
            let mut result: BTreeSet<String> = (**have).clone();
            result.retain(|one| !became.contains(one) || was.contains(one));
            result.extend(was.difference(became).cloned());
            if result == **have { Back::Same } else { Back::Set(Value::Set(result.into())) }
        }
        (Value::Custom(have), was, Value::Custom(became)) => {
            let mut result = BTreeMap::new();
            for (name, became) in became.iter().filter(|(name, _)| !is_stamp(name)) {
                let was = if let Value::Custom(was) = was { was.get(name) } else { None };
                let was = was.cloned().unwrap_or_default();
                if have.get(name).unwrap_or(&serde_json::Value::Null) == became && was != *became {
                    result.insert(name.clone(), was);
                }
            }
            if result.is_empty() { Back::Same } else { Back::Set(Value::Custom(result)) }
        }
        _ if have == was => Back::Same,
        _ if have == became => Back::Set(was.clone()),
        _ => Back::Edited,
    }
}

/// Whether an object still holds what was last written.
pub(super) fn holds(existing: &Existing, ours: &Fields) -> bool {
    ours.iter().all(|(name, ours)| match (existing.fields.get(name), ours) {
        (Some(Value::Set(have)), Value::Set(ours)) => ours.is_subset(have),
        (Some(Value::Custom(have)), Value::Custom(ours)) => {
            let mut ours = ours.iter().filter(|(name, _)| !is_stamp(name));
            ours.all(|(name, ours)| have.get(name).unwrap_or(&serde_json::Value::Null) == ours)
        }
        (have, ours) => have.map_or_else(
            || is_unset(ours),
            |have| have == ours || (is_unset(have) && is_unset(ours)),
        ),
    })
}

/// References to what comes later are set once it is there.
pub(super) fn staged(kind: Kind, fields: Fields) -> Vec<(Stage, Fields)> {
    let (links, own): (Fields, Fields) =
        fields.into_iter().partition(|(name, _)| clears_itself(name));
    let stages = [(Stage::Write(kind), own), (Stage::Link(kind), links)];
    stages.into_iter().filter(|(_, fields)| !fields.is_empty()).collect()
}

/// References that NetBox clears when their object goes.
pub(super) fn clears_itself(field: &str) -> bool {
    matches!(field, "primary_ip4" | "primary_ip6" | "primary_mac_address")
}

/// The kind of object that a field refers to, where such an object can be created and deleted.
pub(super) fn target(kind: Kind, field: &str, beside: &Fields) -> Option<Kind> {
    Some(match field {
        "virtual_machine" => Kind::VirtualMachine,
        "vm_interface" => Kind::VmInterface,
        "guest_interface" => Kind::GuestInterface,
        "ip_address" if kind != Kind::ProxmoxNode => Kind::IpAddress,
        "virtual_disk" => Kind::VirtualDisk,
        "device" => Kind::Device,
        "cluster" if matches!(kind, Kind::Device | Kind::VirtualMachine) => Kind::Cluster,
        "site" | "scope_id" => Kind::Site,
        "primary_ip4" | "primary_ip6" => Kind::IpAddress,
        "primary_mac_address" => Kind::MacAddress,
        "assigned_object_id" => match beside.get("assigned_object_type") {
            Some(Value::Text(model)) => Kind::from_model(model)?,
            _ => return None,
        },
        "untagged_vlan" => Kind::Vlan,
        "lag" | "bridge" | "parent" if kind == Kind::Interface => Kind::Interface,
        _ => return None,
    })
}
