//! One situation after another.

use std::collections::BTreeSet;

use super::world::*;
use crate::inventory::*;
use crate::part::Part;
use crate::plan::*;

fn creates(plan: &Plan, kind: Kind) -> usize {
    let created = plan.operations.iter().filter(|one| one.action == Action::Create);
    created.filter(|one| one.key.kind == kind).count()
}

fn reasons(plan: &Plan) -> Vec<(Kind, Reason)> {
    plan.operations.iter().map(|one| (one.key.kind, one.reason)).collect()
}

#[test]
fn a_second_run_writes_nothing() {
    let mut world = World::default();
    let lab = [inventory("lab", vec![guest(100, "web"), guest(101, "db")])];
    assert!(!world.sync(&lab).is_empty());
    let second = world.sync(&lab);
    assert!(second.is_empty(), "{second}");
    let machines = second.unchanged.keys().filter(|key| key.kind == Kind::VirtualMachine);
    assert_eq!(machines.count(), 2);
}

#[test]
fn a_renamed_guest_is_updated_not_recreated() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let plan = world.sync(&[inventory("lab", vec![guest(100, "shop")])]);
    assert_eq!(reasons(&plan), [(Kind::VirtualMachine, Reason::Renamed)]);
    assert_eq!(world.machine(100).text("name"), "shop");
}

#[test]
fn a_migrated_guest_is_updated_not_recreated() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let moved = Guest { node: "pve2".into(), ..guest(100, "web") };
    let plan = world.sync(&[inventory("lab", vec![moved])]);
    assert_eq!(reasons(&plan), [(Kind::VirtualMachine, Reason::Migrated)]);
    assert_eq!(world.machine(100).text("description"), "Synced from Proxmox node pve2");
}

#[test]
fn two_guests_that_swap_names_do_not_collide() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "blue"), guest(101, "green")])]);
    world.sync(&[inventory("lab", vec![guest(100, "green"), guest(101, "blue")])]);
    assert_eq!(world.machine(100).text("name"), "green");
    assert_eq!(world.machine(101).text("name"), "blue");
}

#[test]
fn equal_vmids_in_two_clusters_are_two_machines() {
    let mut world = World::default();
    let mut other = inventory("other", vec![guest(100, "web")]);
    other.endpoint = 2;
    other.guests[0].nics.clear();
    let both = [inventory("lab", vec![guest(100, "web")]), other];
    assert_eq!(creates(&world.sync(&both), Kind::VirtualMachine), 2);
    assert!(world.sync(&both).is_empty());
}

#[test]
fn clusters_of_one_name_get_their_endpoints_name() {
    let mut world = World::default();
    let mut other = inventory("lab", vec![guest(100, "mail")]);
    (other.endpoint, other.endpoint_name) = (2, "branch".into());
    other.guests[0].nics.clear();
    let both = [inventory("lab", vec![guest(100, "web")]), other];
    world.sync(&both);
    let clusters: Vec<_> =
        world.mirror.all(Kind::Cluster).map(|cluster| cluster.text("name")).collect();
    assert_eq!(clusters, ["lab", "lab (branch)"]);
    assert!(world.sync(&both).is_empty());
}

#[test]
fn one_cluster_behind_two_endpoints_is_synced_once() {
    let mut world = World::default();
    let mut twin = inventory("lab", vec![guest(100, "web")]);
    twin.endpoint = 2;
    let plan = world.sync(&[inventory("lab", vec![guest(100, "web")]), twin]);
    assert_eq!(creates(&plan, Kind::VirtualMachine), 1);
    assert_eq!(plan.skipped.len(), 1, "{plan}");
}

#[test]
fn guests_of_one_name_are_told_apart_by_vmid_and_reported() {
    let mut world = World::default();
    let lab = [inventory("lab", vec![guest(100, "web"), guest(101, "Web")])];
    let plan = world.sync(&lab);
    assert_eq!(world.machine(101).text("name"), "Web (101)");
    assert_eq!(plan.duplicate_names[0].resolved, "Web (101)");
    assert!(world.sync(&lab).is_empty());
}

#[test]
fn tags_that_people_added_stay() {
    let mut world = World::default();
    let tagged = Guest { tags: vec!["prod".into()], ..guest(100, "web") };
    world.sync(&[inventory("lab", vec![tagged])]);
    let id = world.machine(100).id;
    let theirs = Fields::from([("tags", tags(&["proxbox", "prod", "gold"]))]);
    world.change(Kind::VirtualMachine, id, theirs);
    let tagged = Guest { tags: vec!["prod".into(), "new".into()], ..guest(100, "web") };
    world.sync(&[inventory("lab", vec![tagged])]);
    assert_eq!(world.machine(100).fields["tags"], tags(&["gold", "new", "prod", "proxbox"]));
}

#[test]
fn a_description_that_people_wrote_stays() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let id = world.machine(100).id;
    let theirs = Fields::from([("description", "Call Anna first".into())]);
    world.change(Kind::VirtualMachine, id, theirs);
    let moved = Guest { node: "pve2".into(), ..guest(100, "web") };
    world.sync(&[inventory("lab", vec![moved])]);
    assert_eq!(world.machine(100).text("description"), "Call Anna first");
}

#[test]
fn a_machine_that_people_made_is_adopted_by_its_name() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![])]);
    let cluster = world.mirror.all(Kind::Cluster).next().unwrap().id;
    let machine = Fields::from([
        ("name", "WEB".into()),
        ("cluster", Ref::Id(cluster).into()),
        ("status", "planned".into()),
    ]);
    let id = world.add(Kind::VirtualMachine, machine);
    let plan = world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    assert_eq!(creates(&plan, Kind::VirtualMachine), 0);
    assert_eq!(world.machine(100).id, id);
    assert!(reasons(&plan).contains(&(Kind::VirtualMachine, Reason::Adopted)));
}

#[test]
fn a_vanished_guest_is_reported_and_its_name_stays_taken() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let plan = world.sync(&[inventory("lab", vec![guest(200, "web")])]);
    assert!(plan.orphaned.keys().eq([&Key::new(Kind::VirtualMachine, "lab/100")]), "{plan}");
    assert_eq!(world.machine(200).text("name"), "web (200)");
    assert_eq!(world.machine(100).text("name"), "web");
}

#[test]
fn a_guest_is_deleted_only_in_a_run_after_the_one_that_marked_it() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web"), guest(101, "db")])]);
    let lab = [inventory("lab", vec![guest(100, "web")])];
    let policy = Policy { prune: true, ..Policy::default() };
    let deletes = |plan: &Plan| {
        plan.operations.iter().filter(|one| matches!(one.action, Action::Delete(_))).count()
    };
    assert_eq!(deletes(&world.sync_with(&lab, &policy)), 0);
    world.wait(30 * DAY);
    let marked = world.sync_with(&lab, &policy);
    assert_eq!((deletes(&marked), marked.operations.len()), (0, 1), "{marked}");
    assert_eq!(deletes(&world.sync_with(&lab, &policy)), 5);
}

#[test]
fn a_guest_that_was_deleted_comes_back_with_its_parts() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web"), guest(101, "db")])]);
    let lab = [inventory("lab", vec![guest(100, "web")])];
    let policy = Policy { prune: true, orphan_delay: 0, ..Policy::default() };
    for _ in 0..2 {
        world.sync_with(&lab, &policy);
        world.wait(3600);
    }
    let before = world.described();
    let done = world.sync_with_record(&lab, &policy);
    assert_eq!(done.len(), 5, "{done:?}");
    let back = revert(&done, &world.mirror, &world.base);
    world.carry_out(&back);
    assert_eq!(world.described(), before);
}

#[test]
fn what_somebody_changed_since_stays_when_a_run_is_taken_back() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let mut changed = guest(100, "shop");
    changed.memory_mb = Some(4096);
    let lab = [inventory("lab", vec![changed, guest(101, "db")])];
    let done = world.sync_with_record(&lab, &Policy::default());
    let (web, db) = (world.machine(100).id, world.machine(101).id);
    world.change(Kind::VirtualMachine, web, Fields::from([("memory", Value::Int(1))]));
    world.change(Kind::VirtualMachine, db, Fields::from([("memory", Value::Int(2))]));
    let back = revert(&done, &world.mirror, &world.base);
    world.carry_out(&back);
    assert_eq!(
        (world.machine(100).text("name"), world.machine(100).int("memory")),
        ("web", Some(1))
    );
    assert_eq!(world.machine(101).int("memory"), Some(2));
    assert!(back.skipped.iter().any(|one| one.key.path == "lab/101"), "{back}");
    assert_eq!(back.kept.len(), 1, "{back}");
    // That the name was set back counts as an edit.
    let next = world.sync(&lab);
    assert!(next.kept.iter().any(|kept| kept.field == "name"), "{next}");
    assert_eq!(world.machine(100).text("name"), "web");
}

#[test]
fn nobody_is_an_orphan_when_proxmox_did_not_show_everything() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let mut lab = inventory("lab", vec![]);
    lab.completeness = Completeness::Partial(vec!["node pve2 does not answer".into()]);
    let plan = world.sync(&[lab]);
    assert!(plan.orphaned.is_empty() && plan.is_empty(), "{plan}");
    assert_eq!(plan.skipped.len(), 1);
}

#[test]
fn a_removed_interface_goes_with_its_address_and_nothing_else() {
    let mut world = World::default();
    let mut two = guest(100, "web");
    two.nics.push(nic("net1", 100, "10.9.0.5/24"));
    world.sync(&[inventory("lab", vec![two])]);
    assert!(world.part(Kind::VmInterface, 100, "net1").is_some());
    let plan = world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let removed = [
        (Kind::IpAddress, Reason::Vanished),
        (Kind::MacAddress, Reason::Vanished),
        (Kind::VmInterface, Reason::Vanished),
    ];
    assert_eq!(reasons(&plan), removed);
    assert!(world.part(Kind::VmInterface, 100, "net0").is_some());
}

#[test]
fn an_interface_stays_while_its_configuration_is_not_proven_gone() {
    let mut two = guest(100, "web");
    two.nics.push(nic("net1", 100, "10.9.0.5/24"));
    for config in [ConfigRead::Not, ConfigRead::Except(["net1".to_owned()].into())] {
        let mut world = World::default();
        world.sync(&[inventory("lab", vec![two.clone()])]);
        let less = Guest { config, ..guest(100, "web") };
        let plan = world.sync(&[inventory("lab", vec![less])]);
        assert!(plan.is_empty(), "{plan}");
    }
}

#[test]
fn an_interface_with_an_address_that_people_entered_stays() {
    let mut world = World::default();
    let mut two = guest(100, "web");
    two.nics.push(nic("net1", 100, ""));
    world.sync(&[inventory("lab", vec![two])]);
    let interface = world.part(Kind::VmInterface, 100, "net1").unwrap().id;
    let theirs = Fields::from([
        ("address", "10.9.0.9/24".into()),
        ("assigned_object_type", "virtualization.vminterface".into()),
        ("assigned_object_id", Ref::Id(interface).into()),
    ]);
    world.add(Kind::IpAddress, theirs);
    let plan = world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(plan.skipped.len(), 1);
}

#[test]
fn an_address_that_moves_to_another_guest_is_moved_not_duplicated() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web"), guest(101, "db")])]);
    let address = world.address("10.0.0.101").unwrap().id;
    assert_eq!(world.machine(100).reference("primary_ip4"), Some(address));
    let mut web = guest(100, "web");
    let mut db = guest(101, "db");
    db.nics[0].addresses.append(&mut web.nics[0].addresses);
    let swapped = [inventory("lab", vec![web, db])];
    let plan = world.sync(&swapped);
    assert!(reasons(&plan).contains(&(Kind::IpAddress, Reason::Moved)), "{plan}");
    assert_eq!(world.address("10.0.0.101").unwrap().id, address);
    assert_eq!(world.machine(100).reference("primary_ip4"), None);
    assert!(world.sync(&swapped).is_empty());
}

#[test]
fn an_address_goes_once_its_interface_shows_another_and_stays_until_then() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let mut web = guest(100, "web");
    web.nics[0].addresses.clear();
    let plan = world.sync(&[inventory("lab", vec![web.clone()])]);
    assert!(plan.is_empty(), "{plan}");
    web.nics[0] = nic("net0", 100, "10.0.0.222/24");
    world.sync(&[inventory("lab", vec![web])]);
    assert!(world.address("10.0.0.101").is_none());
    let new = world.address("10.0.0.222").unwrap().id;
    assert_eq!(world.machine(100).reference("primary_ip4"), Some(new));
}

#[test]
fn two_guests_with_one_address_share_nothing_and_flap_never() {
    let mut world = World::default();
    let mut db = guest(101, "db");
    db.nics[0].addresses = guest(100, "web").nics[0].addresses.clone();
    let lab = [inventory("lab", vec![guest(100, "web"), db])];
    let plan = world.sync(&lab);
    assert_eq!(creates(&plan, Kind::IpAddress), 1);
    assert_eq!(plan.skipped.len(), 1);
    assert!(world.sync(&lab).is_empty());
}

#[test]
fn addresses_that_mean_nothing_outside_are_left_out() {
    for (text, policy, expected) in [
        ("127.0.0.1/8 ::1/128 169.254.1.1/16", Policy::default(), 0),
        ("fe80::1/64", Policy::default(), 0),
        ("fe80::1/64", Policy { ignore_ipv6_link_local_addresses: false, ..Policy::default() }, 1),
        ("10.0.0.0/24 10.0.0.255/24", Policy::default(), 0),
        ("10.0.0.0/31 2001:db8::1/64", Policy::default(), 2),
        ("2001:db8::/64", Policy::default(), 0),
    ] {
        let mut web = guest(100, "web");
        web.nics[0] = nic("net0", 100, text);
        let plan = World::default().sync_with(&[inventory("lab", vec![web])], &policy);
        assert_eq!(creates(&plan, Kind::IpAddress), expected, "{text}");
    }
}

#[test]
fn an_address_on_an_object_of_other_people_is_left_there() {
    let mut world = World::default();
    let theirs = Fields::from([
        ("address", "10.0.0.101/24".into()),
        ("assigned_object_type", "dcim.interface".into()),
        ("assigned_object_id", Ref::Id(7).into()),
    ]);
    world.add(Kind::IpAddress, theirs);
    let plan = world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    assert_eq!(creates(&plan, Kind::IpAddress), 0);
    assert_eq!(plan.skipped.len(), 1);
}

#[test]
fn the_primary_address_is_of_the_preferred_family() {
    for (preference, set, unset) in
        [(Family::V4, "primary_ip4", "primary_ip6"), (Family::V6, "primary_ip6", "primary_ip4")]
    {
        let mut web = guest(100, "web");
        web.nics[0] = nic("net0", 100, "2001:db8::5/64 10.0.0.5/24");
        let policy = Policy { primary_ip_preference: preference, ..Policy::default() };
        let mut world = World::default();
        world.sync_with(&[inventory("lab", vec![web])], &policy);
        assert!(world.machine(100).reference(set).is_some(), "{set}");
        assert!(world.machine(100).reference(unset).is_none(), "{unset}");
    }
}

#[test]
fn a_primary_address_that_people_chose_stays() {
    let mut world = World::default();
    let mut web = guest(100, "web");
    web.nics[0] = nic("net0", 100, "10.0.0.5/24 10.0.0.6/24");
    let lab = [inventory("lab", vec![web])];
    world.sync(&lab);
    let (machine, second) = (world.machine(100).id, world.address("10.0.0.6").unwrap().id);
    let choice = Fields::from([("primary_ip4", Ref::Id(second).into())]);
    world.change(Kind::VirtualMachine, machine, choice);
    assert!(world.sync(&lab).is_empty());
}

#[test]
fn a_guest_that_moved_out_of_sight_keeps_what_is_known() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let hidden = Guest {
        name: None,
        status: GuestStatus::Unknown,
        vcpus: None,
        memory_mb: None,
        disks: Vec::new(),
        nics: Vec::new(),
        config: ConfigRead::Not,
        addresses_known: false,
        ..guest(100, "")
    };
    let mut lab = inventory("lab", vec![hidden]);
    lab.completeness = Completeness::Partial(vec!["pve1 is down".into()]);
    let plan = world.sync(&[lab]);
    assert!(plan.is_empty(), "{plan}");
}

#[test]
fn a_changed_mac_changes_its_object() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let mut web = guest(100, "web");
    web.nics[0].mac = Some("BC:24:11:FF:FF:FF".into());
    let plan = world.sync(&[inventory("lab", vec![web])]);
    assert_eq!(reasons(&plan), [(Kind::MacAddress, Reason::Changed)]);
}

#[test]
fn a_flag_that_is_off_leaves_existing_objects_alone() {
    let mut world = World::default();
    world.sync(&[inventory("lab", vec![guest(100, "web")])]);
    let tagged = Guest { tags: vec!["prod".into()], ..guest(100, "web") };
    let lab = [inventory("lab", vec![tagged])];
    // The tag itself is no field of the guest.
    world.add(Kind::Tag, Fields::from([("name", "prod".into()), ("slug", "prod".into())]));
    let mut policy = Policy::default();
    policy.overwrite.remove(&Overwrite::VmTags);
    assert!(world.sync_with(&lab, &policy).is_empty());
    assert!(!world.sync(&lab).is_empty());
}

#[test]
fn a_mode_decides_what_is_created_and_changed() {
    let lab = [inventory("lab", vec![guest(100, "web")])];
    let off =
        Policy { modes: [(Kind::VmInterface, SyncMode::Disabled)].into(), ..Policy::default() };
    let mut world = World::default();
    let plan = world.sync_with(&lab, &off);
    assert_eq!(creates(&plan, Kind::VmInterface) + creates(&plan, Kind::IpAddress), 0);
    assert_eq!(creates(&plan, Kind::VirtualMachine), 1);

    let once = Policy {
        modes: [(Kind::VirtualMachine, SyncMode::BootstrapOnly)].into(),
        ..Policy::default()
    };
    let mut world = World::default();
    world.sync_with(&lab, &once);
    let plan = world.sync_with(&[inventory("lab", vec![guest(100, "shop")])], &once);
    assert!(plan.is_empty(), "{plan}");
}

#[test]
fn tags_that_would_share_a_slug_get_two() {
    let mut world = World::default();
    let tagged = Guest { tags: vec!["a.b".into(), "a-b".into()], ..guest(100, "web") };
    let lab = [inventory("lab", vec![tagged])];
    let plan = world.sync(&lab);
    let own = plan.operations.iter().filter(|one| one.key.kind == Kind::Tag).count();
    assert_eq!(own, 5 + 2);
    assert!(world.sync(&lab).is_empty());
}

#[test]
fn a_wrong_total_of_disks_is_corrected_before_anything_else() {
    let mut world = World::default();
    let lab = [inventory("lab", vec![guest(100, "web")])];
    world.sync(&lab);
    let mut machine = world.machine(100).clone();
    machine.fields.insert("disk", Value::Int(7));
    world.mirror.insert(Kind::VirtualMachine, machine);
    let plan = world.sync(&[inventory("lab", vec![guest(100, "shop")])]);
    let stages: Vec<Stage> = plan.operations.iter().map(|one| one.stage).collect();
    assert_eq!(stages, [Stage::Repair, Stage::Write(Kind::VirtualMachine)]);
    assert_eq!(world.machine(100).int("disk"), Some(32768));
    assert!(world.sync(&lab).operations.iter().all(|one| one.stage != Stage::Repair));
}

/// The plugin's migrations make some fields for machines alone.
#[test]
fn a_field_that_other_kinds_lack_is_given_to_them_by_whatever_part_needs_it() {
    let mut world = World::default();
    let types = |of: &[&str]| {
        Value::Set(of.iter().map(|kind| (*kind).to_owned()).collect::<BTreeSet<_>>().into())
    };
    let vm = "virtualization.virtualmachine";
    let field = Fields::from([
        ("name", "proxmox_node".into()),
        ("type", "text".into()),
        ("label", "chosen by people".into()),
        ("object_types", types(&[vm])),
    ]);
    let id = world.add(Kind::CustomField, field);
    let mut policy = Policy { custom_fields: true, ..Policy::default() };
    policy.parts = [Part::Devices].into();
    let lab = [inventory("lab", vec![guest(100, "web")])];
    world.sync_with(&lab, &policy);
    let field = world.mirror.get(Kind::CustomField, id).unwrap();
    assert_eq!(field.fields["object_types"], types(&["dcim.device", vm]));
    assert_eq!(field.text("label"), "chosen by people");
    assert!(world.sync_with(&lab, &policy).is_empty());
    // Where nothing of it may be made, objects go without.
    let mut world = World::default();
    let field = Fields::from([("name", "proxmox_node".into()), ("object_types", types(&[vm]))]);
    world.add(Kind::CustomField, field);
    policy.ensure_netbox_objects = false;
    let plan = world.sync_with(&lab, &policy);
    let device = plan.operations.iter().find(|one| one.key.kind == Kind::Device);
    let custom = device.and_then(|one| one.after.get("custom_fields"));
    assert!(!format!("{custom:?}").contains("proxmox_node"), "{custom:?}");
}
