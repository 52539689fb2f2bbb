//! Guests that Proxmox no longer shows: reported, then marked, and deleted last of all.

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::removals;
use super::vocabulary::OUR_TAG;
use super::{Existing, Fields, Key, Kind, Reason, SyncMode};
use crate::inventory::{Completeness, Inventory};
use crate::part::Part;

/// Two readings that are closer together are one: a guest that is being restored, or moved between
/// clusters, is nowhere for a while.
const APART: i64 = 3600;

/// NetBox's status of a machine that is about to go.
const GOING: &str = "decommissioning";

/// Settles the machines of a cluster whose guests Proxmox does not show.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    place: &Place,
    inventory: &Inventory,
    missing: &[(i64, &Existing)],
) {
    // Nobody has asked for the others.
    if inventory.is_part || !draft.policy.parts.contains(&Part::VirtualMachines) {
        return;
    }
    let doubt = doubt(draft, inventory);
    for (vmid, machine) in missing {
        let key = Key::new(Kind::VirtualMachine, format!("{}/{vmid}", place.name));
        match &doubt {
            Some(why) => draft.skip(key, format!("was not seen, but {why}")),
            None => settle(draft, key, machine),
        }
    }
    if inventory.completeness == Completeness::Complete {
        draft.count_nodes(inventory.endpoint, inventory.nodes.len());
    }
}

/// Why this reading does not prove that anything is gone.
fn doubt(draft: &Draft<'_>, inventory: &Inventory) -> Option<String> {
    if let Completeness::Partial(_) = inventory.completeness {
        return Some("Proxmox did not show everything this time".into());
    }
    if inventory.guests.is_empty() {
        return Some("Proxmox shows no guest at all".into());
    }
    let (last, now) = (draft.base.nodes(inventory.endpoint), inventory.nodes.len());
    (now < last).then(|| format!("the cluster has {now} nodes, and the last time it had {last}"))
}

/// Missing for the first time it is only reported; the second time, an hour later or more, it is
/// marked; and when the operator has it so, it is deleted after the delay. Whoever gives it another
/// status keeps it.
fn settle(draft: &mut Draft<'_>, key: Key, machine: &Existing) {
    let since = draft.absent(machine.id);
    let ours = machine.has_tag(OUR_TAG) && draft.base.has(Kind::VirtualMachine, machine.id);
    let mode = draft.policy.mode(Kind::VirtualMachine, Part::VirtualMachines);
    let proven = ours && mode == SyncMode::Always && since >= APART;
    let marked = machine.text("status") == GOING;
    if proven && marked && draft.policy.prune && since >= draft.policy.orphan_delay {
        return delete(draft, key, machine);
    }
    let label = label(&key, machine);
    if proven && !marked && !is_edited(draft, machine) {
        let fields = Fields::from([("status", GOING.into())]);
        let wanted = Wanted::new(key, Some(machine.id), fields).labelled(label);
        return draft.mark(machine, &wanted, Reason::Orphaned);
    }
    draft.orphan(key, label);
}

/// Whether somebody gave the machine another status than the sync: that it is missing is no news that
/// overrules them.
fn is_edited(draft: &Draft<'_>, machine: &Existing) -> bool {
    let last = draft.base.fields(Kind::VirtualMachine, machine.id);
    last.is_some_and(|last| {
        last.contains_key("status") && last["status"] != machine.fields["status"]
    })
}

fn label(key: &Key, machine: &Existing) -> String {
    format!("{} ({})", machine.text("name"), key.path)
}

/// Deletes a machine with its parts, one by one, so that each can be brought back; NetBox would
/// delete with it what people put there, so a machine that has such parts stays.
fn delete(draft: &mut Draft<'_>, key: Key, machine: &Existing) {
    let label = label(&key, machine);
    let parts = parts(draft, machine);
    let is_theirs =
        |(kind, part): &&(Kind, &Existing)| !kind.is_of_plugin() && !part.has_tag(OUR_TAG);
    if let Some((kind, theirs)) = parts.iter().find(is_theirs) {
        let name = theirs.text(if *kind == Kind::IpAddress { "address" } else { "name" });
        let why = format!("is gone in Proxmox, but people entered {kind} {name} on it; it stays");
        return draft.skip(key, why);
    }
    for (kind, part) in parts {
        let name = match kind {
            Kind::IpAddress => part.text("address"),
            Kind::MacAddress => part.text("mac_address"),
            Kind::GuestAddress => &part.id.to_string(),
            _ => part.text("name"),
        };
        let part_key = Key::new(kind, format!("{}/{name}", key.path));
        removals::delete(draft, part_key, format!("{name} of {label}"), part);
    }
    removals::delete(draft, key, label, machine);
}

/// What NetBox deletes with a machine.
fn parts<'m>(draft: &Draft<'m>, machine: &Existing) -> Vec<(Kind, &'m Existing)> {
    let mirror = draft.mirror;
    let of_machine = |kind: Kind| {
        let all = mirror.all(kind).map(move |part| (kind, part));
        all.filter(|(_, part)| part.reference("virtual_machine") == Some(machine.id))
    };
    let interfaces: Vec<_> = of_machine(Kind::VmInterface).collect();
    let on_interfaces = |kind: Kind| {
        let all = mirror.all(kind).map(move |part| (kind, part));
        all.filter(|(_, part)| {
            let of = part.reference("assigned_object_id");
            part.text("assigned_object_type") == Kind::VmInterface.model()
                && interfaces.iter().any(|(_, interface)| of == Some(interface.id))
        })
    };
    let addresses: Vec<_> = on_interfaces(Kind::IpAddress).collect();
    // The plugin's rows keep NetBox from deleting an address that they name.
    let shown = mirror.all(Kind::GuestAddress).map(|row| (Kind::GuestAddress, row));
    let shown = shown.filter(|(_, row)| {
        let of = row.reference("ip_address");
        addresses.iter().any(|(_, address)| of == Some(address.id))
    });
    let rows: Vec<_> = shown.chain(of_machine(Kind::GuestInterface)).collect();
    let mut parts: Vec<_> = of_machine(Kind::VirtualDisk).collect();
    parts.extend(on_interfaces(Kind::MacAddress));
    parts.extend(rows);
    parts.extend(addresses);
    parts.extend(interfaces);
    parts
}
