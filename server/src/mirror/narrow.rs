//! What a run for a few guests reads: their own machines and what belongs to them.

use std::collections::{BTreeMap, BTreeSet};

use proxbox_runtime::Query;
use sdk_netbox::{Client, Error, filters};

use super::Mirror;
use super::read::fill;
use crate::inventory::{Guest, Inventory};
use crate::part::Part;
use crate::plan::{Existing, Kind, Policy, VMID_FIELD};

/// For more guests than that, whole lists are cheaper.
const FEW: usize = 20;

/// Rows that are asked for one by one, where a filter takes only one value; more are read whole.
const SINGLY: usize = 3;

/// Kinds of which only those of the chosen guests are read.
const NARROWED: [Kind; 12] = [
    Kind::MachineState,
    Kind::VmInterface,
    Kind::VmInterfaceState,
    Kind::MacAddress,
    Kind::VirtualDisk,
    Kind::VirtualDiskState,
    Kind::IpAddress,
    Kind::IpAddressState,
    Kind::GuestInterface,
    Kind::GuestAddress,
    Kind::Backup,
    Kind::Snapshot,
];

/// Whether objects of a kind are read for the chosen guests alone. Addresses of nodes may be any.
pub(super) fn narrows(policy: &Policy, kind: Kind) -> bool {
    let of_nodes = matches!(kind, Kind::IpAddress | Kind::IpAddressState)
        && policy.parts.contains(&Part::NodeInterfaces);
    is_narrow(policy) && NARROWED.contains(&kind) && !of_nodes
}

fn is_narrow(policy: &Policy) -> bool {
    policy.guests.as_ref().is_some_and(|guests| guests.len() <= FEW)
}

/// Reads what belongs to the chosen guests; their machines are there already.
pub(super) async fn read(
    netbox: &Client,
    mirror: &mut Mirror,
    policy: &Policy,
    kinds: &BTreeSet<Kind>,
    inventories: &[Inventory],
) -> Result<(), Error> {
    if !is_narrow(policy) {
        return Ok(());
    }
    let wanted = |kind: Kind| kinds.contains(&kind) && narrows(policy, kind);
    let guests: Vec<&Guest> = inventories.iter().flat_map(|one| &one.guests).collect();
    if wanted(Kind::MachineState) {
        let of = filters::plugins_proxbox::sync_state_virtual_machines::PROXMOX_VM_ID;
        let vmids = guests.iter().map(|guest| guest.vmid);
        fill(netbox, mirror, vec![(Kind::MachineState, vec![of.in_(vmids)])]).await?;
    }
    let machines = machines(mirror, &guests);
    let mut lists = Vec::new();
    if !machines.is_empty() {
        use filters::virtualization::{interfaces, virtual_disks};
        let of_machines = [
            (Kind::VmInterface, interfaces::VIRTUAL_MACHINE_ID.in_(&machines)),
            (Kind::VirtualDisk, virtual_disks::VIRTUAL_MACHINE_ID.in_(&machines)),
        ];
        lists.extend(of_machines.into_iter().filter(|(kind, _)| wanted(*kind)));
    }
    let vmids: Vec<i64> = guests.iter().map(|guest| guest.vmid).collect();
    let by_number = [
        (Kind::Backup, filters::plugins_proxbox::backups::VMID.in_(&vmids)),
        (Kind::Snapshot, filters::plugins_proxbox::snapshots::VMID.in_(&vmids)),
    ];
    lists.extend(by_number.into_iter().filter(|(kind, _)| wanted(*kind) && !vmids.is_empty()));
    fill(netbox, mirror, lists.into_iter().map(|(kind, filter)| (kind, vec![filter])).collect())
        .await?;
    fill(netbox, mirror, addresses(mirror, &guests, wanted)).await?;
    // Whose an address is now decides how it is moved.
    let owners = strangers(mirror);
    if !owners.is_empty() && kinds.contains(&Kind::VmInterface) {
        let of = filters::virtualization::interfaces::ID.in_(&owners);
        fill(netbox, mirror, vec![(Kind::VmInterface, vec![of])]).await?;
    }
    fill(netbox, mirror, rows(mirror, &machines, wanted)).await
}

/// Machines of the guests, by number or by name.
fn machines(mirror: &Mirror, guests: &[&Guest]) -> BTreeSet<i64> {
    let vmids: BTreeSet<i64> = guests.iter().map(|guest| guest.vmid).collect();
    let names: BTreeSet<String> =
        guests.iter().filter_map(|guest| Some(guest.name.as_ref()?.to_lowercase())).collect();
    let noted: BTreeMap<i64, i64> = mirror
        .all(Kind::MachineState)
        .filter_map(|state| {
            Some((state.reference("virtual_machine")?, state.int("proxmox_vm_id")?))
        })
        .collect();
    let is_one = |machine: &&Existing| {
        let vmid = machine.custom_int(VMID_FIELD).or_else(|| noted.get(&machine.id).copied());
        vmid.map_or_else(
            || names.contains(&machine.text("name").to_lowercase()),
            |vmid| vmids.contains(&vmid),
        )
    };
    mirror.all(Kind::VirtualMachine).filter(is_one).map(|machine| machine.id).collect()
}

/// Addresses that the guests have, and those on their interfaces.
fn addresses(
    mirror: &Mirror,
    guests: &[&Guest],
    wanted: impl Fn(Kind) -> bool,
) -> Vec<(Kind, Vec<Query>)> {
    use filters::dcim::mac_addresses::{ASSIGNED_OBJECT_ID, ASSIGNED_OBJECT_TYPE, MAC_ADDRESS};
    use filters::ipam::ip_addresses::{ADDRESS, VMINTERFACE_ID};
    let interfaces: Vec<i64> = mirror.all(Kind::VmInterface).map(|one| one.id).collect();
    let nics = || guests.iter().flat_map(|guest| &guest.nics);
    let own = guests.iter().flat_map(|guest| guest.own_interfaces.iter().flatten());
    let mut macs: BTreeSet<&str> = nics().filter_map(|nic| nic.mac.as_deref()).collect();
    let mut hosts: BTreeSet<String> =
        nics().flat_map(|nic| &nic.addresses).map(|net| net.addr().to_string()).collect();
    for interface in own {
        macs.extend(interface.mac.as_deref());
        hosts.extend(interface.addresses.iter().map(|net| net.addr().to_string()));
    }
    let mut lists = Vec::new();
    if wanted(Kind::MacAddress) {
        if !macs.is_empty() {
            lists.push((Kind::MacAddress, vec![MAC_ADDRESS.in_(macs)]));
        }
        if !interfaces.is_empty() {
            let of_guests = ASSIGNED_OBJECT_TYPE.eq(Kind::VmInterface.model());
            let assigned = ASSIGNED_OBJECT_ID.in_(&interfaces);
            lists.push((Kind::MacAddress, vec![of_guests, assigned]));
        }
    }
    if wanted(Kind::IpAddress) {
        if !hosts.is_empty() {
            lists.push((Kind::IpAddress, vec![ADDRESS.in_(hosts)]));
        }
        if !interfaces.is_empty() {
            lists.push((Kind::IpAddress, vec![VMINTERFACE_ID.in_(&interfaces)]));
        }
    }
    lists
}

/// Interfaces of other guests that hold one of the addresses.
fn strangers(mirror: &Mirror) -> BTreeSet<i64> {
    let assigned = mirror.all(Kind::IpAddress).filter_map(|address| {
        let is_guests = address.text("assigned_object_type") == Kind::VmInterface.model();
        address.reference("assigned_object_id").filter(|_| is_guests)
    });
    assigned.filter(|id| mirror.get(Kind::VmInterface, *id).is_none()).collect()
}

/// The filter for what belongs to one object.
type One = fn(i64) -> Query;

/// The plugin's rows beside what was read.
fn rows(
    mirror: &Mirror,
    machines: &BTreeSet<i64>,
    wanted: impl Fn(Kind) -> bool,
) -> Vec<(Kind, Vec<Query>)> {
    use filters::plugins_proxbox::{
        guest_vm_interface_addresses, guest_vm_interfaces, sync_state_ip_addresses,
        sync_state_virtual_disks, sync_state_vm_interfaces,
    };
    let ids = |kind: Kind| -> Vec<i64> { mirror.all(kind).map(|object| object.id).collect() };
    let machines: Vec<i64> = machines.iter().copied().collect();
    let beside: [(Kind, Vec<i64>, One); 5] = [
        (Kind::VmInterfaceState, ids(Kind::VmInterface), |id| {
            sync_state_vm_interfaces::VM_INTERFACE_ID.eq(id)
        }),
        (Kind::VirtualDiskState, ids(Kind::VirtualDisk), |id| {
            sync_state_virtual_disks::VIRTUAL_DISK_ID.eq(id)
        }),
        (Kind::IpAddressState, ids(Kind::IpAddress), |id| {
            sync_state_ip_addresses::IP_ADDRESS_ID.eq(id)
        }),
        (Kind::GuestInterface, machines, |id| guest_vm_interfaces::VIRTUAL_MACHINE_ID.eq(id)),
        (Kind::GuestAddress, ids(Kind::IpAddress), |id| {
            guest_vm_interface_addresses::IP_ADDRESS_ID.eq(id)
        }),
    ];
    let mut lists = Vec::new();
    for (kind, ids, of) in beside.into_iter().filter(|(kind, ..)| wanted(*kind)) {
        match ids.len() {
            0..=SINGLY => lists.extend(ids.into_iter().map(|id| (kind, vec![of(id)]))),
            _ => lists.push((kind, Vec::new())),
        }
    }
    lists
}
