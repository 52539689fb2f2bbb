//! What a guest is made of: interfaces with their MAC addresses, and disks.

use std::collections::{BTreeMap, BTreeSet};

use super::clusters::Place;
use super::document::reference_to_json;
use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::guests::Placed;
use super::vlans::Vlans;
use super::vocabulary::OUR_TAG;
use super::{
    Action, Existing, Fields, InterfaceNames, Key, Kind, Operation, Reason, Ref, Stage, Value,
    states,
};
use crate::inventory::Nic;
use crate::part::Part;

/// VLANs on one trunk that are listed; more are all.
const LISTED_VLANS: i64 = 64;

/// What interfaces and disks of guests refer to.
pub(super) struct Surroundings<'p> {
    pub(super) foundation: &'p Foundation,
    pub(super) place: &'p Place,
    /// Interfaces of nodes by node and name.
    pub(super) bridges: &'p BTreeMap<(String, String), Ref>,
    /// Storages by name.
    pub(super) storages: &'p BTreeMap<String, Ref>,
}

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
    vlans: &mut Vlans,
    around: &Surroundings<'_>,
    placed: &Placed<'i>,
) -> Vec<PlacedNic<'i>> {
    let mut nics = Vec::new();
    for nic in &placed.guest.nics {
        if let Some(interface) = plan_interface(draft, parts, vlans, around, placed, nic) {
            let path = format!("{}/{}", placed.path, nic.name);
            nics.push(PlacedNic { nic, path, interface });
        }
    }
    repair_total(draft, parts, placed);
    plan_disks(draft, parts, around, placed);
    nics
}

fn plan_interface(
    draft: &mut Draft<'_>,
    parts: &mut Parts<'_>,
    vlans: &mut Vlans,
    around: &Surroundings<'_>,
    placed: &Placed<'_>,
    nic: &Nic,
) -> Option<Ref> {
    let path = format!("{}/{}", placed.path, nic.name);
    let name = shown_name(draft, placed, nic);
    let label = format!("{name} of {}", placed.label);
    let found = find(parts, placed, nic, &name);
    let bridge = nic.bridge.as_ref().and_then(|bridge| {
        around.bridges.get(&(placed.guest.node.clone(), bridge.clone())).cloned()
    });
    let mut fields = Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("name", name.as_str().into()),
        ("enabled", nic.enabled.into()),
        ("mtu", nic.mtu.into()),
        ("tags", our_tag()),
    ]);
    if draft.policy.part_mode(Part::VmInterfaces) != super::SyncMode::Disabled {
        plan_vlans(draft, vlans, around, nic, &mut fields);
    }
    let bridge_json = bridge.as_ref().map(reference_to_json);
    let custom = [("proxbox_bridge", bridge_json.into())];
    around.foundation.custom(draft, &mut fields, Kind::VmInterface, custom);
    let key = Key::new(Kind::VmInterface, &path);
    let interface = draft.settle(Wanted::new(key.clone(), found, fields).labelled(&label))?;
    if let Some(mac) = plan_mac(draft, parts, nic, &path, &interface) {
        let fields = Fields::from([("primary_mac_address", mac.into())]);
        draft.link(&interface, Wanted::new(key, interface.id(), fields).labelled(label));
    }
    // Without a bridge in NetBox nothing is known of it, and what stands there is left.
    if let Some(bridge) = bridge {
        let state = Fields::from([("proxbox_bridge", bridge.into())]);
        states::plan(draft, Kind::VmInterface, &path, &interface, state);
    }
    Some(interface)
}

/// `net0`, or the guest's own name for it.
fn shown_name(draft: &Draft<'_>, placed: &Placed<'_>, nic: &Nic) -> String {
    if draft.policy.interface_names != InterfaceNames::Renamed {
        return nic.name.clone();
    }
    let own = placed.guest.own_interfaces.iter().flatten();
    let mut own = own.filter(|one| one.mac.is_some() && one.mac == nic.mac);
    let told = own.next().map(|one| one.name.clone()).or_else(|| nic.inner_name.clone());
    told.unwrap_or_else(|| nic.name.clone())
}

/// The interface of that name, or else the one with the guest's own name for it or Proxmox's:
/// which of both is shown can change.
fn find(parts: &Parts<'_>, placed: &Placed<'_>, nic: &Nic, name: &str) -> Option<i64> {
    let machine = placed.machine.id()?;
    let named = |name: &str| parts.interfaces.get(&(machine, name)).copied();
    named(name).or_else(|| named(&nic.name)).or_else(|| {
        let of_machine = parts.interfaces.range((machine, "")..(machine + 1, ""));
        let has_mac = |id: &i64| {
            let macs = parts.macs_of(*id).iter();
            nic.mac.is_some()
                && macs.clone().any(|mac| Some(mac.text("mac_address")) == nic.mac.as_deref())
        };
        of_machine.map(|(_, id)| *id).find(has_mac)
    })
}

fn plan_vlans(
    draft: &mut Draft<'_>,
    vlans: &mut Vlans,
    around: &Surroundings<'_>,
    nic: &Nic,
    fields: &mut Fields,
) {
    let mut settle = |number: i64| {
        vlans.settle(draft, around.foundation, Part::VmInterfaces, around.place, number)
    };
    let untagged = nic.vlan.and_then(&mut settle);
    let count: i64 = nic.trunks.iter().map(|(from, to)| to - from + 1).sum();
    let listed = nic.trunks.iter().filter(|_| count <= LISTED_VLANS);
    let tagged: BTreeSet<Ref> =
        listed.flat_map(|(from, to)| *from..=*to).filter_map(&mut settle).collect();
    let mode = match (count, &untagged) {
        (0, None) => Value::Null,
        (0, Some(_)) => "access".into(),
        (count, _) if count <= LISTED_VLANS => "tagged".into(),
        _ => "tagged-all".into(),
    };
    fields.insert("mode", mode);
    fields.insert("untagged_vlan", untagged.into());
    fields.insert("tagged_vlans", Value::Refs(tagged));
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

fn plan_disks(
    draft: &mut Draft<'_>,
    parts: &Parts<'_>,
    around: &Surroundings<'_>,
    placed: &Placed<'_>,
) {
    for disk in &placed.guest.disks {
        let machine = placed.machine.id();
        let found = machine.and_then(|id| parts.disks.get(&(id, disk.name.as_str())).copied());
        let storage = disk.storage.as_deref();
        let object = storage.and_then(|storage| around.storages.get(storage));
        let mut fields = Fields::from([
            ("virtual_machine", placed.machine.clone().into()),
            ("name", disk.name.as_str().into()),
            ("size", Value::Int(disk.size_mb)),
            ("description", storage.map_or(Value::Null, |s| format!("Storage: {s}").into())),
            ("tags", our_tag()),
        ]);
        let custom = [("proxbox_storage_id", object.map(reference_to_json).into())];
        around.foundation.custom(draft, &mut fields, Kind::VirtualDisk, custom);
        let path = format!("{}/{}", placed.path, disk.name);
        let label = format!("{} of {}", disk.name, placed.label);
        let wanted = Wanted::new(Key::new(Kind::VirtualDisk, &path), found, fields);
        let Some(settled) = draft.settle(wanted.labelled(label)) else { continue };
        if let Some(object) = object {
            let state = Fields::from([("proxbox_storage", object.clone().into())]);
            states::plan(draft, Kind::VirtualDisk, &path, &settled, state);
        }
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
    if total == 0
        || known == total
        || !draft.may_change(Kind::VirtualMachine, Part::VirtualMachines)
            && !draft.may_change(Kind::VirtualDisk, Part::VirtualDisks)
    {
        return;
    }
    draft.push(Operation {
        number: 0,
        stage: Stage::Repair,
        part: Part::VirtualMachines,
        key: Key::new(Kind::VirtualMachine, &placed.path),
        label: placed.label.clone(),
        action: Action::Update(placed.machine.clone()),
        before: Fields::from([("disk", Value::Int(known))]),
        after: Fields::from([("disk", Value::Int(total))]),
        base: Some(Fields::new()),
        reason: Reason::InTheWay,
    });
}

/// Our interfaces of a guest that its configuration no longer has.
pub(super) fn vanished_interfaces<'m>(
    draft: &Draft<'m>,
    parts: &Parts<'m>,
    placed: &Placed<'_>,
    nics: &[PlacedNic<'_>],
) -> Vec<&'m Existing> {
    let present: BTreeSet<i64> = nics.iter().filter_map(|nic| nic.interface.id()).collect();
    let proven = |name: &str| match draft.policy.interface_names {
        // Its name does not say which device it is.
        InterfaceNames::Renamed => placed.guest.config.is_whole(),
        _ => placed.guest.config.proves_absence_of(name),
    };
    ours_of(draft, &parts.interfaces, Kind::VmInterface, placed)
        .filter(|object| !present.contains(&object.id) && proven(object.text("name")))
        .collect()
}

/// Our disks of a guest that its configuration no longer has.
pub(super) fn vanished_disks<'m>(
    draft: &Draft<'m>,
    parts: &Parts<'m>,
    placed: &Placed<'_>,
) -> Vec<&'m Existing> {
    let guest = placed.guest;
    let present: BTreeSet<&str> = guest.disks.iter().map(|disk| disk.name.as_str()).collect();
    ours_of(draft, &parts.disks, Kind::VirtualDisk, placed)
        .filter(|object| !present.contains(object.text("name")))
        .filter(|object| guest.config.proves_absence_of(object.text("name")))
        .collect()
}

fn ours_of<'a, 'm: 'a>(
    draft: &'a Draft<'m>,
    children: &'a BTreeMap<(i64, &'m str), i64>,
    kind: Kind,
    placed: &Placed<'_>,
) -> impl Iterator<Item = &'m Existing> + 'a {
    let machine = placed.machine.id();
    let of_machine = machine.into_iter().flat_map(|id| children.range((id, "")..(id + 1, "")));
    of_machine
        .filter_map(move |(_, id)| draft.mirror.get(kind, *id))
        .filter(|object| object.has_tag(OUR_TAG))
}
