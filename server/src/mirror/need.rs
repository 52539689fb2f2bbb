//! Which kinds of objects a plan looks at, by the parts that it is made for.

use std::collections::BTreeSet;

use crate::part::Part;
use crate::plan::{Kind, Policy};

/// What every plan stands on.
const ALWAYS: &[Kind] = &[
    Kind::CustomField,
    Kind::Tag,
    Kind::ClusterType,
    Kind::Manufacturer,
    Kind::DeviceType,
    Kind::DeviceRole,
    Kind::VirtualMachineType,
    Kind::Site,
    Kind::Cluster,
    Kind::Device,
    Kind::ProxmoxEndpoint,
    Kind::ProxmoxCluster,
    Kind::ProxmoxNode,
];

/// With a machine NetBox deletes its parts, so they are looked at first.
const OF_MACHINES: [Kind; 6] = [
    Kind::VmInterface,
    Kind::MacAddress,
    Kind::IpAddress,
    Kind::VirtualDisk,
    Kind::GuestInterface,
    Kind::GuestAddress,
];

/// The kinds that a plan with this policy looks at.
pub(super) fn kinds(policy: &Policy, plugin: bool) -> BTreeSet<Kind> {
    let mut kinds: BTreeSet<Kind> = ALWAYS.iter().copied().collect();
    if policy.prune && policy.parts.contains(&Part::VirtualMachines) {
        kinds.extend(OF_MACHINES);
    }
    for part in &policy.parts {
        let own = of_part(*part);
        kinds.extend(own);
        kinds.extend(own.iter().filter_map(|kind| kind.state()));
        kinds.extend(
            ALWAYS.iter().filter(|kind| kind.part() == *part).filter_map(|one| one.state()),
        );
    }
    kinds.retain(|kind| plugin || !kind.is_of_plugin());
    kinds
}

const fn of_part(part: Part) -> &'static [Kind] {
    match part {
        Part::Bootstrap | Part::Devices => &[],
        Part::Storage => &[Kind::Storage],
        // NetBox refuses every change of a machine while the sum of its disks is wrong.
        Part::VirtualMachines => &[Kind::VirtualMachine, Kind::CloudInit, Kind::VirtualDisk],
        Part::TaskHistory => &[Kind::VirtualMachine, Kind::TaskHistory],
        Part::VirtualDisks => &[Kind::VirtualMachine, Kind::VirtualDisk, Kind::Storage],
        Part::Backups => &[Kind::VirtualMachine, Kind::Storage, Kind::Backup],
        Part::Snapshots => &[Kind::VirtualMachine, Kind::Storage, Kind::Snapshot],
        Part::NodeInterfaces => &[Kind::Interface, Kind::Vlan, Kind::IpAddress],
        // With an interface NetBox deletes its addresses, so they are looked at first.
        Part::VmInterfaces => &[
            Kind::VirtualMachine,
            Kind::Interface,
            Kind::Vlan,
            Kind::VmInterface,
            Kind::MacAddress,
            Kind::GuestInterface,
            Kind::IpAddress,
        ],
        Part::IpAddresses => &[
            Kind::VirtualMachine,
            Kind::VmInterface,
            Kind::MacAddress,
            Kind::GuestInterface,
            Kind::IpAddress,
            Kind::GuestAddress,
        ],
        Part::Replications => &[Kind::VirtualMachine, Kind::Replication],
        Part::BackupRoutines => &[Kind::Storage, Kind::BackupRoutine],
    }
}
