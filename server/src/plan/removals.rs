//! What Proxmox no longer has: parts of guests that are ours, and nothing that people entered.

use super::addresses::{Equipped, Settled};
use super::draft::Draft;
use super::guests::Placed;
use super::hardware::{Parts, vanished_disks, vanished_interfaces};
use super::vocabulary::OUR_TAG;
use super::{Action, Existing, Fields, Key, Kind, Operation, Reason, Stage};
use crate::part::Part;

/// Marks addresses that guests no longer have; to be called before primary addresses are chosen.
///
/// An interface without any address proves nothing: after a start the first lease takes a while.
pub(super) fn plan_addresses(
    draft: &mut Draft<'_>,
    guests: &[Equipped<'_>],
    settled: &mut Settled,
) {
    let known = guests.iter().filter(|(placed, _)| placed.guest.addresses_known);
    for (placed, nics) in known {
        for nic in nics.iter().filter(|nic| !nic.nic.addresses.is_empty()) {
            let Some(interface) = nic.interface.id() else { continue };
            let gone = ours_and_unused(draft, settled, interface);
            for address in gone {
                remove_address(draft, settled, placed, address);
            }
        }
    }
}

/// Deletes interfaces and disks that a guest's configuration no longer has.
pub(super) fn plan_parts(
    draft: &mut Draft<'_>,
    parts: &Parts<'_>,
    guests: &[Equipped<'_>],
    settled: &mut Settled,
) {
    for (placed, nics) in guests {
        for interface in vanished_interfaces(draft, parts, placed, nics) {
            remove_interface(draft, parts, settled, placed, interface);
        }
        for disk in vanished_disks(draft, parts, placed) {
            let path = format!("{}/{}", placed.path, disk.text("name"));
            remove(draft, Kind::VirtualDisk, path, &placed.label, disk);
        }
    }
}

fn ours_and_unused<'m>(draft: &Draft<'m>, settled: &Settled, interface: i64) -> Vec<&'m Existing> {
    unused(draft, settled, interface).filter(|address| address.has_tag(OUR_TAG)).collect()
}

fn unused<'m>(
    draft: &Draft<'m>,
    settled: &Settled,
    interface: i64,
) -> impl Iterator<Item = &'m Existing> {
    let mirror = draft.mirror;
    let ids = settled.assigned.get(&interface).cloned().unwrap_or_default();
    let ids = ids.into_iter().filter(|id| !settled.used.contains(id));
    ids.filter_map(|id| mirror.get(Kind::IpAddress, id)).collect::<Vec<_>>().into_iter()
}

fn remove_address(
    draft: &mut Draft<'_>,
    settled: &mut Settled,
    placed: &Placed<'_>,
    address: &Existing,
) {
    let path = format!("{}/{}", placed.path, address.text("address"));
    if settled.vanished.contains(&address.id) {
        return;
    }
    if remove(draft, Kind::IpAddress, path, &placed.label, address) {
        settled.vanished.insert(address.id);
    }
}

/// NetBox deletes with an interface all that hangs on it, so one that people have put something
/// on stays.
fn remove_interface(
    draft: &mut Draft<'_>,
    parts: &Parts<'_>,
    settled: &mut Settled,
    placed: &Placed<'_>,
    interface: &Existing,
) {
    let path = format!("{}/{}", placed.path, interface.text("name"));
    let addresses: Vec<&Existing> = unused(draft, settled, interface.id).collect();
    let macs = parts.macs_of(interface.id);
    let mut children = addresses.iter().chain(macs);
    if !children.all(|child| child.has_tag(OUR_TAG)) {
        let why = "is gone in Proxmox, but people entered addresses on it; it stays";
        return draft.skip(Key::new(Kind::VmInterface, path), why);
    }
    if !draft.may_change(Kind::VmInterface, Part::VmInterfaces) {
        return;
    }
    for address in addresses {
        remove_address(draft, settled, placed, address);
    }
    for mac in macs {
        remove(draft, Kind::MacAddress, path.clone(), &placed.label, mac);
    }
    remove(draft, Kind::VmInterface, path, &placed.label, interface);
}

pub(super) fn remove(
    draft: &mut Draft<'_>,
    kind: Kind,
    path: String,
    owner: &str,
    object: &Existing,
) -> bool {
    if !draft.may_change(kind, kind.part()) {
        return false;
    }
    let label = format!("{} of {owner}", path.rsplit('/').next().unwrap_or(&path));
    delete(draft, Key::new(kind, path), label, object);
    true
}

/// Deletes an object, whatever part of the sync it belongs to.
pub(super) fn delete(draft: &mut Draft<'_>, key: Key, label: String, object: &Existing) {
    let kind = key.kind;
    draft.push(Operation {
        number: 0,
        stage: Stage::Remove(kind),
        part: kind.part(),
        label,
        key,
        action: Action::Delete(object.id),
        before: object.fields.clone(),
        after: Fields::new(),
        base: None,
        reason: Reason::Vanished,
    });
}
