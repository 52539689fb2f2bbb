//! Interfaces of nodes: what they are, what they ride on, and their addresses.

use std::collections::BTreeMap;

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::vlans::Vlans;
use super::{Fields, Key, Kind, Ref, Value, states};
use crate::inventory::{InterfaceKind, Node, NodeInterface};
use crate::part::Part;

/// A node's interface that NetBox has or will have, and addresses that it says it has.
pub(super) struct PlacedInterface<'i> {
    pub(super) interface: &'i NodeInterface,
    /// Path of its key: `lab/pve1/vmbr0`.
    pub(super) path: String,
    pub(super) object: Ref,
}

/// Settles the interfaces of one node; NetBox's interfaces by name for those that refer to them.
pub(super) fn plan<'i>(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    vlans: &mut Vlans,
    place: &Place,
    node: &'i Node,
    device: &Ref,
) -> Vec<PlacedInterface<'i>> {
    let existing = of_device(draft, device);
    let mut placed = Vec::new();
    for interface in node.interfaces.iter().flatten() {
        let path = format!("{}/{}/{}", place.name, node.name, interface.name);
        let found = existing.get(interface.name.as_str()).copied();
        let vlan = interface.vlan.and_then(|number| {
            vlans.settle(draft, foundation, Part::NodeInterfaces, place, number)
        });
        let fields = fields(draft, foundation, interface, device, vlan);
        let wanted = Wanted::new(Key::new(Kind::Interface, &path), found, fields);
        if let Some(object) = draft.settle(wanted) {
            states::plan(draft, Kind::Interface, &path, &object, Fields::new());
            placed.push(PlacedInterface { interface, path, object });
        }
    }
    link(draft, &placed);
    placed
}

fn of_device(draft: &Draft<'_>, device: &Ref) -> BTreeMap<String, i64> {
    let Some(id) = device.id() else { return BTreeMap::new() };
    let interfaces = draft.mirror.all(Kind::Interface);
    let own = interfaces.filter(|interface| interface.reference("device") == Some(id));
    own.map(|interface| (interface.text("name").to_owned(), interface.id)).collect()
}

fn fields(
    draft: &Draft<'_>,
    foundation: &Foundation,
    interface: &NodeInterface,
    device: &Ref,
    vlan: Option<Ref>,
) -> Fields {
    let kind = match interface.kind {
        InterfaceKind::Physical => "other",
        InterfaceKind::Bridge => "bridge",
        InterfaceKind::Bond => "lag",
        InterfaceKind::Vlan | InterfaceKind::Virtual => "virtual",
    };
    let mut fields = Fields::from([
        ("device", device.clone().into()),
        ("name", interface.name.as_str().into()),
        ("type", kind.into()),
        ("enabled", interface.active.into()),
        ("mtu", interface.mtu.into()),
        ("description", interface.comment.as_deref().map(|text| cut(text, 200)).into()),
        ("mode", vlan.as_ref().map(|_| "access").into()),
        ("untagged_vlan", vlan.into()),
        ("tags", our_tag()),
    ]);
    foundation.custom(draft, &mut fields, Kind::Interface, []);
    fields
}

/// What an interface is a part of or rides on, once all of them are there.
fn link(draft: &mut Draft<'_>, placed: &[PlacedInterface<'_>]) {
    let by_name: BTreeMap<&str, &PlacedInterface<'_>> =
        placed.iter().map(|one| (one.interface.name.as_str(), one)).collect();
    for one in placed {
        let mut fields = Fields::new();
        let above =
            placed.iter().find(|other| other.interface.members.contains(&one.interface.name));
        match above.map(|above| (above.interface.kind, above.object.clone())) {
            Some((InterfaceKind::Bond, bond)) => fields.insert("lag", bond.into()),
            Some((InterfaceKind::Bridge, bridge)) => fields.insert("bridge", bridge.into()),
            _ => None,
        };
        let below = one.interface.parent.as_deref().and_then(|name| by_name.get(name));
        if let Some(below) = below {
            fields.insert("parent", below.object.clone().into());
        }
        if !fields.is_empty() {
            let key = Key::new(Kind::Interface, &one.path);
            draft.link(&one.object, Wanted::new(key, one.object.id(), fields));
        }
    }
}

/// At most so many characters.
pub(super) fn cut(text: &str, most: usize) -> Value {
    Value::Text(text.trim().chars().take(most).collect())
}
