//! The planner: from what runs and what NetBox holds to what has to be done. No I/O, no clock.

mod absence;
mod addresses;
mod backups;
mod base;
mod budget;
mod cloud_init;
mod clusters;
mod custom_fields;
pub mod document;
mod draft;
mod fields;
mod fieldset;
mod foundation;
mod guest_interfaces;
mod guests;
mod hardware;
mod interfaces;
mod jobs;
mod kind;
mod merge;
mod names;
mod object;
mod operation;
mod policy;
mod primary;
mod proxbox;
mod removals;
mod revert;
mod snapshots;
mod states;
mod storages;
mod tags;
mod tasks;
#[cfg(test)]
mod tests;
mod times;
mod vlans;
mod vocabulary;

use std::collections::BTreeMap;

pub use base::Base;
pub use budget::{HELD, HeldBack};
pub use custom_fields::custom_field_names;
pub use fields::{FieldRule, Mode, Shape};
pub use fieldset::Fields;
pub use kind::Kind;
pub(crate) use merge::is_unset;
pub use object::{Existing, Key, Ref, Value, only_our_tag};
pub use operation::{
    Action, DuplicateName, Kept, Operation, Plan, Reason, Remembered, Skipped, Stage,
};
pub use policy::{DAY, Family, InterfaceNames, Overwrite, Policy, Stamp, SyncMode};
pub use revert::{Deed, Did, revert};
pub use vocabulary::{OUR_TAG, VMID_FIELD, slug};

use crate::inventory::Inventory;
use crate::mirror::Mirror;
use crate::part::Part;
use draft::Draft;

/// Works out what has to be done so that NetBox shows what runs.
///
/// `base` is what was last written, so that an edit of somebody can be told from a change. The same
/// input gives the same plan, in whatever order inventories and guests come.
pub fn plan(inventories: &[Inventory], mirror: &Mirror, base: &Base, policy: &Policy) -> Plan {
    let mut draft = Draft::new(mirror, policy, base);
    let named = cluster_names(&mut draft, inventories);
    let inventories: Vec<&Inventory> = named.iter().map(|(_, inventory)| *inventory).collect();
    let foundation = foundation::plan(&mut draft, &inventories);
    let tags = guest_tags(&mut draft, &inventories);
    let mut parts = hardware::Parts::new(&draft);
    let mut vlans = vlans::Vlans::default();
    let (mut equipped, mut interfaces) = (Vec::new(), Vec::new());
    let (mut places, mut storages) = (Vec::new(), BTreeMap::new());
    for (name, inventory) in &named {
        let Some(place) = clusters::plan(&mut draft, &foundation, inventory, name) else {
            continue;
        };
        let own_storages = storages::plan(&mut draft, &place, inventory);
        let own = plan_interfaces(&mut draft, &foundation, &mut vlans, &place, inventory);
        let bridges = bridges(&draft, &place, &own);
        interfaces.extend(own);
        let around = hardware::Surroundings {
            foundation: &foundation,
            place: &place,
            bridges: &bridges,
            storages: &own_storages,
        };
        let first = equipped.len();
        for placed in guests::plan(&mut draft, &foundation, &place, inventory, &tags) {
            let nics = hardware::plan(&mut draft, &mut parts, &mut vlans, &around, &placed);
            equipped.push((placed, nics));
        }
        storages.insert(place.name.clone(), own_storages);
        places.push((place, *inventory, first..equipped.len()));
    }
    let mut settled = addresses::plan(&mut draft, &foundation, &equipped, &interfaces);
    removals::plan_addresses(&mut draft, &equipped, &mut settled);
    removals::plan_parts(&mut draft, &parts, &equipped, &mut settled);
    primary::plan(&mut draft, &equipped, &settled);
    guest_interfaces::plan(&mut draft, &equipped, &settled);
    snapshots::plan(&mut draft, &equipped, &storages);
    for (place, inventory, range) in &places {
        let guests = equipped.get(range.clone()).unwrap_or_default();
        let guests: BTreeMap<i64, &guests::Placed<'_>> =
            guests.iter().map(|(placed, _)| (placed.guest.vmid, placed)).collect();
        let storages = &storages[&place.name];
        backups::plan(&mut draft, &place.name, inventory, &guests, storages);
        tasks::plan(&mut draft, inventory, &guests);
        jobs::plan_replications(&mut draft, place, inventory, &guests);
        jobs::plan_routines(&mut draft, place, inventory, storages);
    }
    draft.finish()
}

/// Tags of guests by their names; only where guests are synced.
fn guest_tags<'i>(
    draft: &mut Draft<'_>,
    inventories: &[&'i Inventory],
) -> BTreeMap<&'i str, String> {
    if !draft.policy.parts.contains(&Part::VirtualMachines) {
        return BTreeMap::new();
    }
    let guests = inventories.iter().flat_map(|inventory| &inventory.guests);
    tags::plan(draft, guests.flat_map(|guest| guest.tags.iter().map(String::as_str)))
}

fn plan_interfaces<'i>(
    draft: &mut Draft<'_>,
    foundation: &foundation::Foundation,
    vlans: &mut vlans::Vlans,
    place: &clusters::Place,
    inventory: &'i Inventory,
) -> Vec<interfaces::PlacedInterface<'i>> {
    let mut placed = Vec::new();
    for node in &inventory.nodes {
        if let Some(device) = place.devices.get(&node.name) {
            placed.extend(interfaces::plan(draft, foundation, vlans, place, node, device));
        }
    }
    placed
}

/// Interfaces of nodes by node and name: those of this plan, and those that NetBox has.
fn bridges(
    draft: &Draft<'_>,
    place: &clusters::Place,
    placed: &[interfaces::PlacedInterface<'_>],
) -> BTreeMap<(String, String), Ref> {
    let nodes: BTreeMap<i64, &String> =
        place.devices.iter().filter_map(|(name, device)| Some((device.id()?, name))).collect();
    let mut bridges = BTreeMap::new();
    for interface in draft.mirror.all(Kind::Interface) {
        if let Some(node) = interface.reference("device").and_then(|id| nodes.get(&id)) {
            let at = ((*node).clone(), interface.text("name").to_owned());
            bridges.entry(at).or_insert(Ref::Id(interface.id));
        }
    }
    for one in placed {
        let node = one.path.split('/').rev().nth(1).unwrap_or_default();
        let at = (node.to_owned(), one.interface.name.clone());
        bridges.insert(at, one.object.clone());
    }
    bridges
}

/// Each inventory with the name of its cluster in NetBox, sorted by it.
///
/// Nodes that stand alone are often all called `pve`: the second such cluster gets its endpoint's
/// name behind its own. The same cluster behind two endpoints is synced once.
fn cluster_names<'i>(
    draft: &mut Draft<'_>,
    inventories: &'i [Inventory],
) -> Vec<(String, &'i Inventory)> {
    let mut sorted: Vec<&Inventory> = inventories.iter().collect();
    sorted.sort_by_key(|inventory| inventory.endpoint);
    let mut named: BTreeMap<String, (String, &Inventory)> = BTreeMap::new();
    for inventory in sorted {
        let name = &inventory.cluster.name;
        let lower = name.to_lowercase();
        let Some((_, first)) = named.get(&lower) else {
            named.insert(lower, (name.clone(), inventory));
            continue;
        };
        if is_same_cluster(first, inventory) {
            let why = format!(
                "endpoint {} shows the same cluster as {}; it is synced once",
                inventory.endpoint_name, first.endpoint_name
            );
            draft.skip(Key::new(Kind::Cluster, name), why);
        } else {
            let name = format!("{name} ({})", inventory.endpoint_name);
            named.insert(name.to_lowercase(), (name, inventory));
        }
    }
    named.into_values().collect()
}

fn is_same_cluster(one: &Inventory, other: &Inventory) -> bool {
    let nodes = |inventory: &Inventory| -> Vec<String> {
        let mut nodes: Vec<_> = inventory.nodes.iter().map(|node| node.name.clone()).collect();
        nodes.sort();
        nodes
    };
    let guests = |inventory: &Inventory| -> BTreeMap<i64, Option<String>> {
        inventory.guests.iter().map(|guest| (guest.vmid, guest.name.clone())).collect()
    };
    one.cluster.mode == other.cluster.mode
        && nodes(one) == nodes(other)
        && guests(one) == guests(other)
}
