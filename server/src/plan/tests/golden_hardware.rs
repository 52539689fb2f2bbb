//! What happens to disks, interfaces and addresses.

use super::scene::Scene;
use super::world::*;
use crate::inventory::*;
use crate::plan::*;

macro_rules! golden {
    ($($(#[$note:meta])* $name:ident: $scene:expr;)*) => {
        $($(#[$note])* #[test] fn $name() { $scene.golden(stringify!($name)); })*
    };
}

fn disk(name: &str, size_mb: i64) -> Disk {
    Disk { name: name.into(), size_mb, storage: Some("fast".into()) }
}

/// Somebody sets a field of a part of `web`.
fn edit(world: &mut World, kind: Kind, name: &str, field: &'static str, value: Value) {
    let id = world.part(kind, 100, name).unwrap().id;
    world.change(kind, id, Fields::from([(field, value)]));
}

golden! {
    disk_added: Scene::bare().synced().proxmox(|lab| lab.guests[0].disks.push(disk("scsi1", 1024)));
    disk_grown: Scene::bare().synced().proxmox(|lab| lab.guests[0].disks[0].size_mb = 65536);
    disk_moved_to_another_storage: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].disks[0].storage = Some("fast".into());
    });
    disk_removed: Scene::bare().synced().proxmox(|lab| lab.guests[0].disks.clear());
    disk_whose_text_does_not_parse_stays: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].disks.clear();
        lab.guests[0].config = ConfigRead::Except(["scsi0".to_owned()].into());
    });
    disk_of_an_unread_configuration_stays: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].disks.clear();
        lab.guests[0].config = ConfigRead::Not;
    });
    disk_size_edited_by_somebody_stays: Scene::bare()
        .synced()
        .netbox(|world| edit(world, Kind::VirtualDisk, "scsi0", "size", Value::Int(1)));
    disk_made_by_somebody_stays: Scene::bare().synced().netbox(|world| {
        let machine = world.machine(100).id;
        let fields = [
            ("virtual_machine", Ref::Id(machine).into()),
            ("name", "usb".into()),
            ("size", Value::Int(8)),
        ];
        world.add(Kind::VirtualDisk, Fields::from(fields));
    });

    interface_added: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics.push(nic("net1", 100, "10.1.0.5/24"));
    });
    interface_removed_with_its_address: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics.clear();
    });
    interface_replaced: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics = vec![nic("net1", 100, "10.0.0.101/24")];
    });
    interface_with_another_mac: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].mac = Some("BC:24:11:FF:FF:FF".into());
    });
    interface_without_link: Scene::bare().synced().proxmox(|lab| lab.guests[0].nics[0].enabled = false);
    interface_with_a_frame_size: Scene::bare().synced().proxmox(|lab| lab.guests[0].nics[0].mtu = Some(9000));
    interface_in_a_vlan: Scene::bare().synced().proxmox(|lab| lab.guests[0].nics[0].vlan = Some(20));
    interface_leaves_its_vlan: Scene::bare()
        .proxmox(|lab| lab.guests[0].nics[0].vlan = Some(20))
        .synced()
        .proxmox(|lab| lab.guests[0].nics[0].vlan = None);
    interface_with_trunks: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].vlan = Some(20);
        lab.guests[0].nics[0].trunks = vec![(30, 32)];
    });
    interface_with_all_vlans: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].trunks = vec![(2, 4094)];
    });
    interface_on_another_bridge: Scene::with_plugin()
        .proxmox(|lab| {
            let bridge = node_interface("vmbr1", InterfaceKind::Bridge);
            lab.nodes[0].interfaces.as_mut().unwrap().push(bridge);
        })
        .synced()
        .proxmox(|lab| lab.guests[0].nics[0].bridge = Some("vmbr1".into()));
    interface_under_the_name_that_the_guest_gives_it: Scene::bare()
        .policy(|policy| policy.interface_names = InterfaceNames::Renamed)
        .synced()
        .proxmox(|lab| {
            let mac = lab.guests[0].nics[0].mac.clone();
            lab.guests[0].own_interfaces =
                Some(vec![OwnInterface { name: "eth0".into(), mac, addresses: Vec::new() }]);
        });
    interface_names_of_the_guest_in_the_tables_of_the_plugin: Scene::with_plugin()
        .synced()
        .proxmox(|lab| {
            let mac = lab.guests[0].nics[0].mac.clone();
            let addresses = vec!["10.0.0.101/24".parse().unwrap()];
            lab.guests[0].own_interfaces =
                Some(vec![OwnInterface { name: "eth0".into(), mac, addresses }]);
        });
    interfaces_are_left_alone_by_their_mode: Scene::bare()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::VmInterface, SyncMode::BootstrapOnly); })
        .proxmox(|lab| {
            lab.guests[0].nics[0].enabled = false;
            lab.guests[1].nics.push(nic("net1", 101, ""));
        });
    macs_are_left_alone_by_their_mode: Scene::bare()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::MacAddress, SyncMode::Disabled); })
        .proxmox(|lab| lab.guests[0].nics[0].mac = Some("BC:24:11:FF:FF:FF".into()));

    address_added: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].addresses.push("10.9.0.1/16".parse().unwrap());
    });
    address_changed: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].addresses = vec!["10.9.0.1/16".parse().unwrap()];
    });
    address_with_another_prefix: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].addresses = vec!["10.0.0.101/16".parse().unwrap()];
    });
    address_moves_to_another_guest: Scene::bare().synced().proxmox(|lab| {
        let addresses = std::mem::take(&mut lab.guests[0].nics[0].addresses);
        lab.guests[1].nics[0].addresses = addresses;
    });
    address_on_two_guests_at_once: Scene::bare().synced().proxmox(|lab| {
        lab.guests[1].nics[0].addresses = lab.guests[0].nics[0].addresses.clone();
    });
    addresses_of_a_guest_that_cannot_be_asked_stay: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].addresses.clear();
        lab.guests[0].addresses_known = false;
    });
    ipv6_is_preferred: Scene::bare()
        .proxmox(|lab| {
            lab.guests[0].nics[0].addresses.push("2001:db8::5/64".parse().unwrap());
        })
        .synced()
        .policy(|policy| policy.primary_ip_preference = Family::V6);
    link_local_addresses_are_left_out: Scene::bare().synced().proxmox(|lab| {
        lab.guests[0].nics[0].addresses.push("fe80::1/64".parse().unwrap());
    });
    link_local_addresses_are_wanted: Scene::bare()
        .synced()
        .policy(|policy| policy.ignore_ipv6_link_local_addresses = false)
        .proxmox(|lab| lab.guests[0].nics[0].addresses.push("fe80::1/64".parse().unwrap()));
    primary_address_chosen_by_somebody_stays: Scene::bare()
        .proxmox(|lab| lab.guests[0].nics[0].addresses.push("10.9.0.1/16".parse().unwrap()))
        .synced()
        .netbox(|world| {
            let (machine, address) = (world.machine(100).id, world.address("10.9.0.1").unwrap().id);
            let fields = Fields::from([("primary_ip4", Ref::Id(address).into())]);
            world.change(Kind::VirtualMachine, machine, fields);
        });
    addresses_are_left_alone_by_their_mode: Scene::bare()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::IpAddress, SyncMode::Disabled); })
        .proxmox(|lab| lab.guests[0].nics[0].addresses.push("10.9.0.1/16".parse().unwrap()));

    node_interfaces_of_all_kinds: Scene::bare().synced().proxmox(|lab| {
        let interfaces = lab.nodes[0].interfaces.as_mut().unwrap();
        interfaces.push(node_interface("eno1", InterfaceKind::Physical));
        interfaces.push(NodeInterface {
            members: vec!["eno1".into()],
            ..node_interface("bond0", InterfaceKind::Bond)
        });
        interfaces.push(NodeInterface {
            vlan: Some(20),
            parent: Some("bond0".into()),
            addresses: vec!["192.168.20.2/24".parse().unwrap()],
            ..node_interface("bond0.20", InterfaceKind::Vlan)
        });
        interfaces[0].members = vec!["bond0".into()];
    });
    node_interface_goes_down: Scene::bare().synced().proxmox(|lab| {
        lab.nodes[0].interfaces.as_mut().unwrap()[0].active = false;
    });
    node_interfaces_that_were_not_read_stay: Scene::bare().synced().proxmox(|lab| {
        lab.nodes[0].interfaces = None;
    });
}
