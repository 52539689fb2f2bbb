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
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

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
                    std::sync::Arc::make_mut(slugs).insert("theirs".into());
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

    #[test]
    fn an_empty_answer_deletes_nothing(guests in guests(), complete in any::<bool>()) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let mut empty = inventory("lab", Vec::new());
        if !complete {
            empty.completeness = Completeness::Partial(vec!["nothing was seen".into()]);
        }
        let policy = Policy { prune: true, orphan_delay: 0, ..Policy::default() };
        for _ in 0..3 {
            let plan = world.sync_with(&[empty.clone()], &policy);
            prop_assert!(plan.is_empty(), "{plan}");
            world.wait(30 * DAY);
        }
    }

    #[test]
    fn no_run_deletes_more_than_its_budget(
        guests in prop::collection::btree_set(100..190_i64, 0..70),
        left in prop::collection::btree_set(100..190_i64, 1..70),
        allowed in prop::option::of(0..200_usize),
    ) {
        let lab = |vmids: &std::collections::BTreeSet<i64>| {
            let guests = vmids.iter().map(|vmid| Guest {
                nics: Vec::new(),
                disks: Vec::new(),
                ..guest(*vmid, &format!("guest{vmid}"))
            });
            [inventory("lab", guests.collect())]
        };
        let mut world = World::default();
        let policy =
            Policy { prune: true, orphan_delay: 0, allow_deletes: allowed, ..Policy::default() };
        world.sync_with(&lab(&guests), &policy);
        for _ in 0..3 {
            let known = world.mirror.all(Kind::VirtualMachine).count().max(left.len());
            let plan = world.sync_with(&lab(&left), &policy);
            world.wait(3600);
            let is_delete = |one: &&Operation| matches!(one.action, Action::Delete(_));
            let deletes: Vec<_> = plan.operations.iter().filter(is_delete).collect();
            let machines =
                deletes.iter().filter(|one| one.key.kind == Kind::VirtualMachine).count();
            let within = deletes.len() <= 50 && machines <= 5.max((known + left.len()) / 10);
            prop_assert!(within || allowed == Some(deletes.len()), "{plan}");
            for one in deletes.iter().filter(|one| one.key.kind == Kind::VirtualMachine) {
                let there = left.iter().any(|vmid| one.key.path == format!("lab/{vmid}"));
                prop_assert!(!there, "{one}");
            }
        }
    }

    #[test]
    fn what_people_edited_stays_while_proxmox_says_the_same(
        guests in guests(),
        memory in 1..1000_i64,
    ) {
        let mut world = World::default();
        let lab = [inventory("lab", guests)];
        world.sync(&lab);
        let machines: Vec<i64> =
            world.mirror.all(Kind::VirtualMachine).map(|machine| machine.id).collect();
        for machine in &machines {
            let fields = [
                ("name", format!("edited {machine}").into()),
                ("memory", Value::Int(memory)),
                ("status", "decommissioning".into()),
            ];
            world.change(Kind::VirtualMachine, *machine, Fields::from(fields));
        }
        let plan = world.sync(&lab);
        prop_assert!(plan.is_empty(), "{plan}");
        prop_assert!(plan.kept.len() >= machines.len(), "{plan}");
        for machine in machines {
            let machine = world.mirror.get(Kind::VirtualMachine, machine).unwrap();
            prop_assert_eq!(machine.int("memory"), Some(memory));
        }
    }

    #[test]
    fn parts_that_people_made_are_never_touched(guests in guests(), others in guests()) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let mut theirs = Vec::new();
        for machine in world.mirror.clone().all(Kind::VirtualMachine) {
            for kind in [Kind::VmInterface, Kind::VirtualDisk] {
                let mut fields = Fields::from([
                    ("virtual_machine", Ref::Id(machine.id).into()),
                    ("name", "theirs".into()),
                ]);
                if kind == Kind::VirtualDisk {
                    fields.insert("size", Value::Int(1));
                }
                theirs.push((kind, world.add(kind, fields)));
            }
        }
        let before: Vec<_> = theirs.iter().map(|(kind, id)| world.mirror.get(*kind, *id).cloned()).collect();
        world.sync(&[inventory("lab", others)]);
        let after: Vec<_> = theirs.iter().map(|(kind, id)| world.mirror.get(*kind, *id).cloned()).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn every_guest_is_accounted_for(guests in guests(), others in guests()) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let vmids: Vec<i64> = others.iter().map(|guest| guest.vmid).collect();
        let plan = world.sync(&[inventory("lab", others)]);
        for vmid in vmids {
            let key = Key::new(Kind::VirtualMachine, format!("lab/{vmid}"));
            let counted = usize::from(plan.unchanged.contains_key(&key))
                + usize::from(plan.operations.iter().any(|one| one.key == key));
            let skipped = plan.skipped.iter().any(|one| one.key == key);
            prop_assert!(counted == 1 || skipped, "{key} is counted {counted} times: {plan}");
        }
    }

    #[test]
    fn what_was_done_before_a_break_is_not_done_again(
        guests in guests(),
        others in guests(),
        part in any::<prop::sample::Index>(),
    ) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let lab = [inventory("lab", others)];
        let policy = Policy::default();
        let whole = plan(&lab, &world.mirror, &world.base, &policy);
        let done = if whole.is_empty() { 0 } else { part.index(whole.operations.len()) };
        let first = Plan { operations: whole.operations[..done].to_vec(), ..Plan::default() };
        let mut unbroken = world.clone();
        unbroken.carry_out(&whole);
        world.carry_out(&first);
        let rest = world.sync(&lab);
        let twice = rest.operations.iter().filter(|one| one.action == Action::Create);
        for operation in twice {
            let again = first.operations.iter().any(|done| {
                done.action == Action::Create && done.key == operation.key
            });
            prop_assert!(!again, "{operation}");
        }
        let next = world.sync(&lab);
        prop_assert!(next.is_empty(), "{next}");
        for kind in Kind::ALL {
            let (one, other) = (world.mirror.all(*kind).count(), unbroken.mirror.all(*kind).count());
            prop_assert_eq!(one, other, "{}", kind);
        }
    }

    #[test]
    fn a_revert_is_the_inverse(guests in guests(), others in guests()) {
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let before = world.described();
        let lab = [inventory("lab", others)];
        let there = plan(&lab, &world.mirror, &world.base, &Policy::default());
        let done = world.carry_out(&there);
        let back = revert(&done, &world.mirror, &world.base);
        world.carry_out(&back);
        let after = world.described();
        let lost: Vec<_> = before.difference(&after).collect();
        let left: Vec<_> = after.difference(&before).collect();
        prop_assert!(lost.is_empty() && left.is_empty(), "{lost:#?} {left:#?} {there} {back}");
        // And it stays so: nothing is left to take back.
        let again = revert(&done, &world.mirror, &world.base);
        prop_assert!(again.is_empty(), "{again}");
    }

    #[test]
    fn a_plan_for_one_guest_touches_no_other(
        guests in guests(),
        others in guests(),
        chosen in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!others.is_empty());
        let mut world = World::default();
        world.sync(&[inventory("lab", guests)]);
        let one = chosen.get(&others).clone();
        let path = format!("lab/{}", one.vmid);
        let lab = Inventory { is_part: true, ..inventory("lab", vec![one]) };
        let plan = world.sync(&[lab]);
        for operation in &plan.operations {
            let below = operation.key.path.starts_with(&format!("{path}/"));
            let of_guest = operation.key.path == path || below;
            // An address that it has now is taken from whoever had it.
            let makes_way = operation.reason == Reason::InTheWay;
            prop_assert!(of_guest || makes_way || operation.key.kind == Kind::Tag, "{operation}");
        }
    }
}
