//! What a guest is made of: interfaces with their MAC addresses, and disks.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::guests::Placed;
use super::vocabulary::OUR_TAG;
use super::{Action, Existing, Fields, Key, Kind, Operation, Reason, Ref, Stage, Value};
use crate::inventory::Nic;

/// Interfaces, disks and MAC addresses that NetBox has, by what they belong to.
pub(super) struct Parts<'m> {
    interfaces: BTreeMap<(i64, &'m str), i64>,
    disks: BTreeMap<(i64, &'m str), i64>,
    /// MAC addresses by interface.
    assigned: BTreeMap<i64, Vec<&'m Existing>>,
    /// MAC addresses that belong to nothing.
    free: BTreeMap<&'m str, Vec<&'m Existing>>,
}

/// A guest's interface that NetBox has or will have.
pub(super) struct PlacedNic<'i> {
    pub(super) nic: &'i Nic,
    /// Path of its key: `lab/100/net0`.
    pub(super) path: String,
    pub(super) interface: Ref,
}

impl<'m> Parts<'m> {
    pub(super) fn new(draft: &Draft<'m>) -> Self {
        let mirror = draft.mirror;
        let mut parts = Self {
            interfaces: mirror.children(Kind::VmInterface, "virtual_machine"),
            disks: mirror.children(Kind::VirtualDisk, "virtual_machine"),
            assigned: BTreeMap::new(),
            free: BTreeMap::new(),
        };
        for mac in mirror.all(Kind::MacAddress) {
            let kind = mac.text("assigned_object_type");
            match mac.reference("assigned_object_id") {
                Some(id) if kind == Kind::VmInterface.model() => {
                    parts.assigned.entry(id).or_default().push(mac);
                }
                Some(_) => {}
                None => parts.free.entry(mac.text("mac_address")).or_default().push(mac),
            }
        }
        parts
    }

    /// MAC addresses of one interface.
    pub(super) fn macs_of(&self, interface: i64) -> &[&'m Existing] {
        self.assigned.get(&interface).map_or(&[], Vec::as_slice)
    }
}

/// Settles interfaces, their MAC addresses and disks of one guest.
pub(super) fn plan<'i>(
    draft: &mut Draft<'_>,
    parts: &mut Parts<'_>,
    placed: &Placed<'i>,
) -> Vec<PlacedNic<'i>> {
    let mut nics = Vec::new();
    for nic in &placed.guest.nics {
        if let Some(interface) = plan_interface(draft, parts, placed, nic) {
            let path = format!("{}/{}", placed.path, nic.name);
            nics.push(PlacedNic { nic, path, interface });
        }
    }
    repair_total(draft, parts, placed);
    plan_disks(draft, parts, placed);
    nics
}

fn plan_interface(
    draft: &mut Draft<'_>,
    parts: &mut Parts<'_>,
    placed: &Placed<'_>,
    nic: &Nic,
) -> Option<Ref> {
    let path = format!("{}/{}", placed.path, nic.name);
    let label = format!("{} of {}", nic.name, placed.label);
    let machine = placed.machine.id();
    let found = machine.and_then(|id| parts.interfaces.get(&(id, nic.name.as_str())).copied());
    let fields = Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("name", nic.name.as_str().into()),
        ("enabled", nic.enabled.into()),
        ("tags", our_tag()),
    ]);
    let key = Key::new(Kind::VmInterface, &path);
    let interface = draft.settle(Wanted::new(key.clone(), found, fields).labelled(&label))?;
    if let Some(mac) = plan_mac(draft, parts, nic, &path, &interface) {
        let fields = Fields::from([("primary_mac_address", mac.into())]);
        draft.link(&interface, Wanted::new(key, interface.id(), fields).labelled(label));
    }
    Some(interface)
}

fn plan_mac(
    draft: &mut Draft<'_>,
    parts: &mut Parts<'_>,
    nic: &Nic,
    path: &str,
    interface: &Ref,
) -> Option<Ref> {
    let mac = nic.mac.as_deref()?;
    let found = interface.id().and_then(|id| mac_of(parts.macs_of(id), mac));
    let found = found.or_else(|| match parts.free.get_mut(mac) {
        // Taken out: the next interface with the same address must not get it too.
        Some(free) if free.len() == 1 => free.pop().map(|mac| mac.id),
        _ => None,
    });
    let fields = Fields::from([
        ("mac_address", mac.into()),
        ("assigned_object_type", Kind::VmInterface.model().into()),
        ("assigned_object_id", interface.clone().into()),
        ("tags", our_tag()),
    ]);
    draft.settle(Wanted::new(Key::new(Kind::MacAddress, path), found, fields).labelled(mac))
}

/// The interface's MAC address: the one that is equal, else ours, whose address then changes.
fn mac_of(assigned: &[&Existing], mac: &str) -> Option<i64> {
    let equal = assigned.iter().find(|have| have.text("mac_address") == mac);
    equal.or_else(|| assigned.iter().find(|have| have.has_tag(OUR_TAG))).map(|have| have.id)
}

fn plan_disks(draft: &mut Draft<'_>, parts: &Parts<'_>, placed: &Placed<'_>) {
    for disk in &placed.guest.disks {
        let machine = placed.machine.id();
        let found = machine.and_then(|id| parts.disks.get(&(id, disk.name.as_str())).copied());
        let storage = disk.storage.as_deref();
        let fields = Fields::from([
            ("virtual_machine", placed.machine.clone().into()),
            ("name", disk.name.as_str().into()),
            ("size", Value::Int(disk.size_mb)),
            ("description", storage.map_or(Value::Null, |s| format!("Storage: {s}").into())),
            ("tags", our_tag()),
        ]);
        let key = Key::new(Kind::VirtualDisk, format!("{}/{}", placed.path, disk.name));
        let label = format!("{} of {}", disk.name, placed.label);
        draft.settle(Wanted::new(key, found, fields).labelled(label));
    }
}

/// Corrects the total size of a guest's disks where NetBox has it wrong.
///
/// NetBox adds up when a disk is saved. Two requests that save disks of one machine at the same
/// time leave a wrong sum, and then every change of the machine is refused.
fn repair_total(draft: &mut Draft<'_>, parts: &Parts<'_>, placed: &Placed<'_>) {
    let mirror = draft.mirror;
    let machine = placed.machine.id().and_then(|id| mirror.get(Kind::VirtualMachine, id));
    let Some(machine) = machine else { return };
    let of_machine = parts.disks.range((machine.id, "")..(machine.id + 1, ""));
    let sizes = of_machine.filter_map(|(_, id)| mirror.get(Kind::VirtualDisk, *id)?.int("size"));
    let total: i64 = sizes.sum();
    let Some(known) = machine.int("disk") else { return };
    if total == 0 || known == total || !draft.may_change(Kind::VirtualMachine) {
        return;
    }
    draft.push(Operation {
        stage: Stage::Repair,
        key: Key::new(Kind::VirtualMachine, &placed.path),
        label: placed.label.clone(),
        action: Action::Update(placed.machine.clone()),
        before: Fields::from([("disk", Value::Int(known))]),
        after: Fields::from([("disk", Value::Int(total))]),
        reason: Reason::InTheWay,
    });
}

/// Our interfaces or disks of a guest that its configuration no longer has.
pub(super) fn vanished<'m>(
    draft: &Draft<'m>,
    parts: &Parts<'m>,
    kind: Kind,
    placed: &Placed<'_>,
) -> Vec<&'m Existing> {
    let Some(machine) = placed.machine.id() else { return Vec::new() };
    let guest = placed.guest;
    let (children, present): (_, BTreeSet<&str>) = match kind {
        Kind::VmInterface => {
            (&parts.interfaces, guest.nics.iter().map(|nic| nic.name.as_str()).collect())
        }
        _ => (&parts.disks, guest.disks.iter().map(|disk| disk.name.as_str()).collect()),
    };
    children
        .range((machine, "")..(machine + 1, ""))
        .filter(|((_, name), _)| !present.contains(name))
        .filter(|((_, name), _)| guest.config.proves_absence_of(name))
        .filter_map(|(_, id)| draft.mirror.get(kind, *id))
        .filter(|object| object.has_tag(OUR_TAG))
        .collect()
}
