//! What happens to guests, to what people made of them, and what the operator decides.

use super::scene::Scene;
use super::world::*;
use crate::inventory::*;
use crate::part::Part;
use crate::plan::*;

fn tagged(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Guest 101 is gone since the last sync.
fn vanished() -> Scene {
    Scene::bare().synced().proxmox(|lab| lab.guests.truncate(1))
}

/// Eight guests are gone for a week.
fn many_vanished() -> Scene {
    let lots = |lab: &mut Inventory| {
        lab.guests.extend(
            (110..118).map(|vmid| Guest { name: Some(format!("node{vmid}")), ..guest(vmid, "") }),
        )
    };
    let scene = Scene::bare().proxmox(lots).synced().proxmox(|lab| lab.guests.truncate(2));
    scene.synced_then(3600).synced_then(7 * DAY)
}

fn with_metadata(guest: Guest) -> Guest {
    let ids = [("role", 901), ("tenant", 902), ("platform", 903), ("site", 904)];
    Guest { metadata: ids.into(), ..guest }
}

fn pruned(scene: Scene) -> Scene {
    scene.policy(|policy| policy.prune = true)
}

macro_rules! golden {
    ($($(#[$note:meta])* $name:ident: $scene:expr;)*) => {
        $($(#[$note])* #[test] fn $name() { $scene.golden(stringify!($name)); })*
    };
}

golden! {
    guest_renamed: Scene::bare().synced().proxmox(|lab| lab.guests[0].name = Some("shop".into()));
    guest_migrated: Scene::bare().synced().proxmox(|lab| lab.guests[0].node = "pve2".into());
    guest_renamed_and_migrated: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].name = Some("shop".into());
        lab.guests[0].node = "pve2".into();
    });
    guest_with_more_memory_and_cpus: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].memory_mb = Some(8192);
        lab.guests[0].vcpus = Some(450);
    });
    guest_stopped: Scene::bare().synced().proxmox(|lab| lab.guests[0].status = GuestStatus::Stopped);
    guest_of_a_silent_node_keeps_its_status: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].status = GuestStatus::Unknown;
        lab.guests[0].config = ConfigRead::Not;
        lab.guests[0].disks.clear();
        lab.guests[0].nics.clear();
        lab.guests[0].addresses_known = false;
        lab.completeness = Completeness::Partial(vec!["node pve1 does not answer".into()]);
    });
    guest_with_metadata_in_its_notes:
        Scene::bare().synced().policy(|policy| policy.parse_description_metadata = true)
            .proxmox(|lab| lab.guests.push(with_metadata(guest(102, "mail"))));
    guest_with_metadata_that_nobody_asked_for:
        Scene::bare().synced().proxmox(|lab| lab.guests.push(with_metadata(guest(102, "mail"))));
    guest_appears: Scene::bare().synced().proxmox(|lab| lab.guests.push(guest(102, "mail")));
    container_appears: Scene::bare().synced().proxmox(|lab| {
        lab.guests.push(Guest { kind: GuestKind::Lxc, ..guest(102, "dns") });
    });
    guest_vanishes: Scene::bare().synced().proxmox(|lab| { lab.guests.pop(); });
    /// Half an hour proves nothing.
    guest_is_missing_for_half_an_hour: pruned(vanished().synced_then(1800));
    guest_is_missing_for_an_hour: vanished().synced_then(3600);
    guest_is_missing_for_a_week_and_nobody_wants_it_deleted:
        vanished().synced_then(3600).synced_then(7 * DAY);
    guest_is_missing_for_a_week_and_deleted: pruned(vanished().synced_then(3600).synced_then(7 * DAY));
    guest_is_missing_for_less_than_the_delay: pruned(vanished().synced_then(3600).synced_then(6 * DAY));
    guest_comes_back_after_it_was_marked: vanished().synced_then(3600).synced_then(3600)
        .proxmox(|lab| lab.guests.push(guest(101, "db")));
    guest_that_somebody_called_active_again_stays:
        pruned(vanished().synced_then(3600).synced_then(7 * DAY).netbox(|world| {
            let machine = world.machine(101).id;
            let active = Fields::from([("status", "active".into())]);
            world.change(Kind::VirtualMachine, machine, active);
        }));
    guest_with_a_disk_of_people_stays:
        pruned(vanished().synced_then(3600).synced_then(7 * DAY).netbox(|world| {
            let machine = Ref::Id(world.machine(101).id);
            let disk = [("virtual_machine", machine.into()), ("name", "theirs".into())];
            world.add(Kind::VirtualDisk, Fields::from(disk));
        }));
    guest_is_missing_and_so_is_a_node: vanished().synced_then(3600).synced_then(7 * DAY)
        .proxmox(|lab| { lab.nodes.pop(); });
    guest_is_missing_and_so_is_everything: pruned(vanished().synced_then(3600).synced_then(7 * DAY))
        .proxmox(|lab| lab.guests.clear());
    /// Eight guests are more than a run may delete.
    many_guests_are_missing_for_a_week: pruned(many_vanished());
    many_guests_are_missing_and_the_wrong_number_is_allowed:
        pruned(many_vanished()).policy(|policy| policy.allow_deletes = Some(8));
    many_guests_are_missing_and_their_number_is_allowed:
        pruned(many_vanished()).policy(|policy| policy.allow_deletes = Some(40));
    guest_is_not_seen_in_a_partial_reading: Scene::bare().synced().proxmox(|lab| {
        lab.guests.pop();
        lab.completeness = Completeness::Partial(vec!["a page is missing".into()]);
    });
    all_guests_vanish: Scene::bare().synced().proxmox(|lab| lab.guests.clear());
    guest_loses_its_name: Scene::bare().synced().proxmox(|lab| lab.guests[0].name = None);
    guest_takes_a_name_that_is_taken: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].name = Some("DB".into());
    });
    guests_swap_names: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].name = Some("db".into());
        lab.guests[1].name = Some("web".into());
    });
    guest_with_a_long_name: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].name = Some("w".repeat(80));
    });
    guest_with_one_number_and_another_name_is_the_same: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0] = Guest { memory_mb: Some(512), ..guest(100, "reborn") };
    });

    tag_added_in_proxmox: Scene::bare().synced().proxmox(|lab| lab.guests[0].tags = tagged(&["prod"]));
    tag_removed_in_proxmox: Scene::bare()
        .proxmox(|lab| lab.guests[0].tags = tagged(&["prod", "old"]))
        .synced()
        .proxmox(|lab| lab.guests[0].tags = tagged(&["prod"]));
    tag_added_by_somebody_stays: Scene::bare()
        .synced()
        .edited(100, "tags", tags(&["proxbox", "gold"]))
        .proxmox(|lab| lab.guests[0].tags = tagged(&["prod"]));
    tag_removed_by_somebody_stays_away: Scene::bare()
        .proxmox(|lab| lab.guests[0].tags = tagged(&["prod"]))
        .synced()
        .edited(100, "tags", tags(&["proxbox"]));
    tags_that_make_one_slug: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].tags = tagged(&["a.b", "a-b"]);
    });

    memory_edited_by_somebody_stays: Scene::bare().synced().edited(100, "memory", Value::Int(4096));
    memory_edited_by_somebody_and_changed_in_proxmox: Scene::bare()
        .synced()
        .edited(100, "memory", Value::Int(4096))
        .proxmox(|lab| lab.guests[0].memory_mb = Some(8192));
    memory_edited_to_what_proxmox_says_later: Scene::bare()
        .synced()
        .edited(100, "memory", Value::Int(4096))
        .proxmox(|lab| lab.guests[0].memory_mb = Some(4096));
    name_edited_by_somebody_stays: Scene::bare().synced().edited(100, "name", "Web of Anna");
    status_edited_by_somebody_stays: Scene::bare().synced().edited(100, "status", "planned");
    description_edited_by_somebody_stays: Scene::bare()
        .synced()
        .edited(100, "description", "Call Anna first")
        .proxmox(|lab| lab.guests[0].node = "pve2".into());
    field_emptied_by_somebody_stays_empty: Scene::bare().synced().edited(100, "vcpus", Value::Null);
    role_chosen_by_somebody_stays: Scene::bare()
        .synced()
        .netbox(|world| {
            let role = Fields::from([("name", "Shop".into()), ("slug", "shop".into())]);
            let role = world.add(Kind::DeviceRole, role);
            let machine = world.machine(100).id;
            let fields = Fields::from([("role", Ref::Id(role).into())]);
            world.change(Kind::VirtualMachine, machine, fields);
        });
    machine_deleted_by_somebody_comes_back: Scene::bare().synced().netbox(|world| {
        let machine = world.machine(101).id;
        let parts: Vec<(Kind, i64)> = [Kind::IpAddress, Kind::MacAddress]
            .into_iter()
            .flat_map(|kind| world.mirror.all(kind).map(move |one| (kind, one.id)))
            .filter(|(kind, id)| {
                let interface = world.mirror.get(*kind, *id).unwrap().reference("assigned_object_id");
                let interface = interface.and_then(|id| world.mirror.get(Kind::VmInterface, id));
                interface.is_some_and(|one| one.reference("virtual_machine") == Some(machine))
            })
            .collect();
        parts.into_iter().for_each(|(kind, id)| world.delete(kind, id));
        for kind in [Kind::VmInterface, Kind::VirtualDisk] {
            let of_it = world.mirror.all(kind);
            let of_it = of_it.filter(|one| one.reference("virtual_machine") == Some(machine));
            let ids: Vec<i64> = of_it.map(|one| one.id).collect();
            ids.into_iter().for_each(|id| world.delete(kind, id));
        }
        world.delete(Kind::VirtualMachine, machine);
    });
    machine_made_by_somebody_is_adopted: Scene::bare().synced().netbox(|world| {
        let cluster = world.mirror.all(Kind::Cluster).next().unwrap().id;
        let fields = [("name", "MAIL".into()), ("cluster", Ref::Id(cluster).into()), ("status", "planned".into())];
        world.add(Kind::VirtualMachine, Fields::from(fields));
    }).proxmox(|lab| lab.guests.push(guest(102, "mail")));

    mode_disabled_leaves_guests_alone: Scene::bare()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::VirtualMachine, SyncMode::Disabled); })
        .proxmox(|lab| {
            lab.guests[0].name = Some("shop".into());
            lab.guests.push(guest(102, "mail"));
        });
    mode_bootstrap_only_creates_and_never_changes: Scene::bare()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::VirtualMachine, SyncMode::BootstrapOnly); })
        .proxmox(|lab| {
            lab.guests[0].name = Some("shop".into());
            lab.guests.push(guest(102, "mail"));
        });
    templates_are_left_out_by_their_mode: Scene::bare()
        .synced()
        .policy(|policy| policy.template_mode = SyncMode::Disabled)
        .proxmox(|lab| lab.guests.push(Guest { template: true, ..guest(900, "golden") }));
    a_part_alone_writes_nothing_of_others: Scene::bare()
        .synced()
        .policy(|policy| policy.parts = [Part::VirtualDisks].into())
        .proxmox(|lab| {
            lab.guests[0].name = Some("shop".into());
            lab.guests[0].disks[0].size_mb = 65536;
        });
    without_leave_to_create_what_is_needed_nothing_is_created: Scene::bare()
        .policy(|policy| {
            policy.ensure_netbox_objects = false;
            policy.parts.remove(&Part::Bootstrap);
        });
    custom_fields_are_written_when_they_are_wanted: Scene::bare()
        .synced()
        .policy(|policy| policy.custom_fields = true);
    names_too_long_for_frames_are_no_matter: Scene::bare().synced().proxmox(|lab| {
        lab.guests.push(guest(103, "ünïcödé"));
    });

    tenant_and_site_of_the_endpoint: Scene::bare()
        .netbox(|world| {
            let site = [("name", "Hall 1".into()), ("slug", "hall-1".into())];
            world.add(Kind::Site, Fields::from(site));
        })
        .proxmox(|lab| (lab.site, lab.tenant) = (Some(1), Some(7)));
    node_that_stands_alone: Scene::bare().proxmox(|lab| {
        lab.cluster.mode = ClusterMode::Standalone;
        lab.nodes.truncate(1);
        lab.guests.truncate(1);
    });
    node_goes_down: Scene::bare().synced().proxmox(|lab| lab.nodes[1].online = false);
    node_appears: Scene::bare().synced().proxmox(|lab| lab.nodes.push(node("pve3")));
    quorum_is_lost: Scene::with_plugin().synced().proxmox(|lab| {
        lab.cluster.quorate = false;
        lab.completeness = Completeness::Partial(vec!["the cluster has no quorum".into()]);
        lab.guests.clear();
    });
}
