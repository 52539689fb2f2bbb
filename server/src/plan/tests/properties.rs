//! What holds for any inventory.

use proptest::prelude::*;

use super::world::*;
use crate::inventory::*;
use crate::plan::*;

/// Guests with names, tags, addresses and nodes out of small sets, so that they collide.
fn guests() -> impl Strategy<Value = Vec<Guest>> {
    let one = (
        100..112_i64,
        prop::sample::select(vec!["web", "Web", "db", "mail", "a.b", "web (101)"]),
        prop::sample::select(vec!["pve1", "pve2", "gone"]),
        prop::collection::vec(prop::sample::select(vec!["prod", "a.b", "a-b", "X"]), 0..3),
        prop::collection::vec((0..3_u8, 1..6_u8), 0..3),
        0..8_u8,
    );
    let guest = one.prop_map(|(vmid, name, node, tags, nics, odd)| {
        let mut guest = Guest { node: node.into(), ..guest(vmid, name) };
        guest.tags = tags.into_iter().map(str::to_owned).collect();
        guest.nics = Vec::new();
        for (number, host) in nics {
            let name = format!("net{number}");
            if guest.nics.iter().all(|nic| nic.name != name) {
                guest.nics.push(nic(&name, vmid, &format!("10.0.0.{host}/24 2001:db8::{host}/64")));
            }
        }
        match odd {
            0 => guest.name = None,
            1 => guest.config = ConfigRead::Not,
            2 => guest.status = GuestStatus::Unknown,
            3 => guest.template = true,
            4 => guest.addresses_known = false,
            _ => {}
        }
        guest
    });
    prop::collection::vec(guest, 0..10).prop_map(|mut guests| {
        guests.sort_by_key(|guest| guest.vmid);
        guests.dedup_by_key(|guest| guest.vmid);
        guests
    })
}

/// Renames, moves and rewires guests; numbers stay.
fn changed(guests: &[Guest], others: &[Guest]) -> Vec<Guest> {
    let change = |(guest, other): (&Guest, &Guest)| Guest { vmid: guest.vmid, ..other.clone() };
    guests.iter().zip(others.iter().cycle()).map(change).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_plan_is_empty(guests in guests()) {
        let mut world = World::default();
        let lab = [inventory("lab", guests)];
        world.sync(&lab);
        let second = world.sync(&lab);
        prop_assert!(second.is_empty(), "{second}");
    }

    #[test]
    fn a_plan_for_changed_guests_can_be_carried_out_and_then_is_empty(
        guests in guests(),
        others in guests(),
    ) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let lab = [inventory("lab", others)];
        world.sync(&lab);
        let second = world.sync(&lab);
        prop_assert!(second.is_empty(), "{second}");
    }

    #[test]
    fn the_order_of_input_does_not_matter(
        guests in guests(),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let ordered = inventory("lab", guests);
        let mut other = ordered.clone();
        other.guests.reverse();
        other.nodes.reverse();
        let middle = if other.guests.is_empty() { 0 } else { shuffled.index(other.guests.len()) };
        other.guests.rotate_left(middle);
        let far = inventory("far", Vec::new());
        let far = Inventory { endpoint: 2, ..far };
        let mirror = World::default().mirror;
        let (base, policy) = (Base::default(), Policy::default());
        let one = plan(&[ordered, far.clone()], &mirror, &base, &policy);
        prop_assert_eq!(one, plan(&[far, other], &mirror, &base, &policy));
    }

    #[test]
    fn no_rename_or_migration_creates_or_deletes_a_machine(
        guests in guests(),
        others in guests(),
    ) {
        prop_assume!(!others.is_empty());
        let mut world = World::default();
        let after = changed(&guests, &others);
        world.sync(&[inventory("lab", guests)]);
        let plan = world.sync(&[inventory("lab", after)]);
        for operation in &plan.operations {
            let machine = operation.key.kind == Kind::VirtualMachine;
            prop_assert!(!machine || matches!(operation.action, Action::Update(_)), "{operation}");
        }
    }

    #[test]
    fn tags_and_objects_of_people_stay(guests in guests(), others in guests()) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let theirs = Fields::from([("name", "theirs".into()), ("slug", "theirs".into())]);
        world.add(Kind::Tag, theirs);
        let mut marked = Vec::new();
        for kind in [Kind::VirtualMachine, Kind::VmInterface, Kind::VirtualDisk] {
            for object in world.mirror.clone().all(kind) {
                let mut object = object.clone();
                if let Some(Value::Set(slugs)) = object.fields.get_mut("tags") {
                    slugs.insert("theirs".into());
                    marked.push((kind, object.id));
                    world.mirror.insert(kind, object);
                }
            }
        }
        let lone = world.add(Kind::IpAddress, Fields::from([("address", "192.0.2.1/24".into())]));
        world.sync(&[inventory("lab", others)]);
        for (kind, id) in marked {
            let Some(object) = world.mirror.get(kind, id) else { continue };
            prop_assert!(object.has_tag("theirs"), "{kind} {id}");
        }
        prop_assert!(world.mirror.get(Kind::IpAddress, lone).is_some());
    }
}
