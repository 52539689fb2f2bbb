//! The phases of a run as the plugin's contract names them.

use crate::plan::{Kind, Stage};

/// A part of a run that is shown as one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Bootstrap,
    Devices,
    NodeInterfaces,
    VirtualMachines,
    VmInterfaces,
    VirtualDisks,
    IpAddresses,
    /// References that point back, set once both ends exist.
    Links,
    Removals,
}

impl Phase {
    /// All phases, in the order in which they run.
    pub(super) const ALL: [Self; 9] = [
        Self::Bootstrap,
        Self::Devices,
        Self::NodeInterfaces,
        Self::VirtualMachines,
        Self::VmInterfaces,
        Self::VirtualDisks,
        Self::IpAddresses,
        Self::Links,
        Self::Removals,
    ];

    /// The name in frames.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Devices => "devices",
            Self::NodeInterfaces => "node-interfaces",
            Self::VirtualMachines => "virtual-machines",
            Self::VmInterfaces => "vm-interfaces",
            Self::VirtualDisks => "virtual-disks",
            Self::IpAddresses => "vm-ip-addresses",
            Self::Links => "primary-addresses",
            Self::Removals => "removals",
        }
    }

    /// Whether it is shown when there is nothing to do.
    pub(super) const fn is_stage(self) -> bool {
        !matches!(self, Self::Bootstrap | Self::Links | Self::Removals)
    }

    /// The phase that a stage of the plan belongs to.
    pub(super) const fn of(stage: Stage) -> Self {
        match stage {
            Stage::Repair | Stage::Release => Self::VirtualMachines,
            Stage::Write(kind) => Self::of_kind(kind),
            Stage::Link(_) => Self::Links,
            Stage::Remove(_) => Self::Removals,
        }
    }

    /// The phase that creates objects of a kind.
    pub(super) const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::CustomField
            | Kind::Tag
            | Kind::ClusterType
            | Kind::Manufacturer
            | Kind::DeviceType
            | Kind::DeviceRole
            | Kind::VirtualMachineType => Self::Bootstrap,
            Kind::Site | Kind::Cluster | Kind::Device => Self::Devices,
            Kind::Interface => Self::NodeInterfaces,
            Kind::VirtualMachine => Self::VirtualMachines,
            Kind::VmInterface | Kind::MacAddress => Self::VmInterfaces,
            Kind::VirtualDisk => Self::VirtualDisks,
            Kind::IpAddress => Self::IpAddresses,
        }
    }
}

/// The counters of the final frame, each with the kind that it counts; none is built yet for the
/// others, which stay 0.
pub(super) const COUNTERS: [(&str, Option<Kind>); 12] = [
    ("devices_count", Some(Kind::Device)),
    ("storage_count", None),
    ("virtual_machines_count", Some(Kind::VirtualMachine)),
    ("virtual_disks_count", Some(Kind::VirtualDisk)),
    ("task_history_count", None),
    ("backups_count", None),
    ("snapshots_count", None),
    ("node_interfaces_count", Some(Kind::Interface)),
    ("vm_interfaces_count", Some(Kind::VmInterface)),
    ("vm_ip_addresses_count", Some(Kind::IpAddress)),
    ("replications_count", None),
    ("backup_routines_count", None),
];
