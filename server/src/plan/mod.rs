//! The planner: from what runs and what NetBox holds to what has to be done. No I/O, no clock.

mod addresses;
mod clusters;
mod draft;
mod fields;
mod foundation;
mod guests;
mod hardware;
mod names;
mod object;
mod operation;
mod policy;
mod primary;
mod removals;
mod tags;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::BTreeMap;

pub use fields::{FieldRule, Mode, Shape};
pub use object::{Existing, Fields, Key, Kind, Ref, Value};
pub use operation::{Action, DuplicateName, Operation, Plan, Reason, Removed, Skipped, Stage};
pub use policy::{Family, Overwrite, Policy, SyncMode};
pub use vocabulary::{OUR_TAG, VMID_FIELD, slug};

use crate::inventory::Inventory;
use crate::mirror::Mirror;
use draft::Draft;

/// Works out what has to be done so that NetBox shows what runs.
///
/// The same input gives the same plan, in whatever order inventories and guests come.
pub fn plan(inventories: &[Inventory], mirror: &Mirror, policy: &Policy) -> Plan {
    let mut draft = Draft::new(mirror, policy);
    let named = cluster_names(&mut draft, inventories);
    let inventories: Vec<&Inventory> = named.iter().map(|(_, inventory)| *inventory).collect();
    let foundation = foundation::plan(&mut draft, &inventories);
    let guests = inventories.iter().flat_map(|inventory| &inventory.guests);
    let tags = guests.flat_map(|guest| guest.tags.iter().map(String::as_str));
    let tags = tags::plan(&mut draft, tags);
    let mut parts = hardware::Parts::new(&draft);
    let mut equipped = Vec::new();
    for (name, inventory) in &named {
        let Some(place) = clusters::plan(&mut draft, &foundation, inventory, name) else {
            continue;
        };
        for placed in guests::plan(&mut draft, &foundation, &place, inventory, &tags) {
            let nics = hardware::plan(&mut draft, &mut parts, &placed);
            equipped.push((placed, nics));
        }
    }
    let mut settled = addresses::plan(&mut draft, &equipped);
    removals::plan_addresses(&mut draft, &equipped, &mut settled);
    removals::plan_parts(&mut draft, &parts, &equipped, &mut settled);
    primary::plan(&mut draft, &equipped, &settled);
    draft.finish()
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
