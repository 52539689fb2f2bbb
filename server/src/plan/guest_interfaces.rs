//! Interfaces as the guests themselves call them, in the plugin's tables.

use std::collections::BTreeMap;

use super::addresses::{Equipped, Settled};
use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::guests::Placed;
use super::hardware::PlacedNic;
use super::{Fields, InterfaceNames, Key, Kind, Ref};
use crate::inventory::OwnInterface;

pub(super) fn plan(draft: &mut Draft<'_>, guests: &[Equipped<'_>], settled: &Settled) {
    let wanted = draft.policy.interface_names == InterfaceNames::GuestTables;
    if !wanted || !draft.mirror.knows(Kind::GuestInterface) {
        return;
    }
    let existing = draft.mirror.children(Kind::GuestInterface, "virtual_machine");
    let mut addresses: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for row in draft.mirror.all(Kind::GuestAddress) {
        if let (Some(interface), Some(address)) =
            (row.reference("guest_interface"), row.reference("ip_address"))
        {
            addresses.insert((interface, address), row.id);
        }
    }
    for (position, (placed, nics)) in guests.iter().enumerate() {
        for own in placed.guest.own_interfaces.iter().flatten() {
            // Bridges and tunnels of the guest's own are nothing that NetBox shows.
            let Some(nic) = nic_of(nics, own) else { continue };
            let machine = placed.machine.id();
            let found = machine.and_then(|id| existing.get(&(id, own.name.as_str())).copied());
            let Some(object) = plan_interface(draft, placed, nic, own, found) else { continue };
            let held = settled.held.get(&position).into_iter().flatten();
            for held in held.filter(|held| held.interface == nic.path) {
                let known = object.id().zip(held.object.id());
                let found = known.and_then(|ids| addresses.get(&ids).copied());
                let fields = Fields::from([
                    ("guest_interface", object.clone().into()),
                    ("ip_address", held.object.clone().into()),
                    ("tags", our_tag()),
                ]);
                let path = format!("{}/{}/{}", placed.path, own.name, held.address.addr());
                draft.settle(Wanted::new(Key::new(Kind::GuestAddress, path), found, fields));
            }
        }
    }
}

/// The device behind a guest's interface: that with its MAC address.
fn nic_of<'a, 'i>(nics: &'a [PlacedNic<'i>], own: &OwnInterface) -> Option<&'a PlacedNic<'i>> {
    let by_mac = nics.iter().find(|nic| own.mac.is_some() && nic.nic.mac == own.mac);
    by_mac.or_else(|| nics.iter().find(|nic| nic.nic.inner_name.as_deref() == Some(&own.name)))
}

fn plan_interface(
    draft: &mut Draft<'_>,
    placed: &Placed<'_>,
    nic: &PlacedNic<'_>,
    own: &OwnInterface,
    found: Option<i64>,
) -> Option<Ref> {
    let fields = Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("vm_interface", nic.interface.clone().into()),
        ("name", own.name.as_str().into()),
        ("mac_address", own.mac.as_deref().into()),
        ("enabled", nic.nic.enabled.into()),
        ("tags", our_tag()),
    ]);
    let key = Key::new(Kind::GuestInterface, format!("{}/{}", placed.path, own.name));
    let label = format!("{} of {}", own.name, placed.label);
    draft.settle(Wanted::new(key, found, fields).labelled(label))
}
