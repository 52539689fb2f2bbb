//! The phases of a run as the plugin's contract names them.

use crate::part::Part;
use crate::plan::{Kind, Operation, Stage};

/// What of a run is shown as one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// A part of the sync.
    Part(Part),
    /// References that point back, set once both ends exist.
    Links,
    /// Objects that Proxmox no longer has.
    Removals,
}

impl Phase {
    /// All phases, in the order in which they run.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Part::ALL.iter().copied().map(Self::Part).chain([Self::Links, Self::Removals])
    }

    /// The name in frames.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Part(part) => part.name(),
            Self::Links => "primary-addresses",
            Self::Removals => "removals",
        }
    }

    /// Whether it is shown when there is nothing to do.
    pub(super) const fn is_stage(self) -> bool {
        matches!(self, Self::Part(part) if !matches!(part, Part::Bootstrap))
    }

    /// The phase in which an operation is carried out.
    pub(super) fn of(operation: &Operation) -> Self {
        match operation.stage {
            Stage::Link(Kind::Interface) => Self::Part(operation.part),
            Stage::Link(_) => Self::Links,
            Stage::Remove(_) => Self::Removals,
            // Their numbers are in the bodies of those that follow.
            Stage::Write(Kind::Tag | Kind::CustomField) => Self::Part(Part::Bootstrap),
            Stage::Repair | Stage::Release => Self::Part(Part::VirtualMachines),
            Stage::Write(_) => Self::Part(operation.part),
        }
    }
}

/// The counters of the final frame, each with the kind that it counts.
pub(super) const COUNTERS: [(&str, Kind); 12] = [
    ("devices_count", Kind::Device),
    ("storage_count", Kind::Storage),
    ("virtual_machines_count", Kind::VirtualMachine),
    ("virtual_disks_count", Kind::VirtualDisk),
    ("task_history_count", Kind::TaskHistory),
    ("backups_count", Kind::Backup),
    ("snapshots_count", Kind::Snapshot),
    ("node_interfaces_count", Kind::Interface),
    ("vm_interfaces_count", Kind::VmInterface),
    ("vm_ip_addresses_count", Kind::IpAddress),
    ("replications_count", Kind::Replication),
    ("backup_routines_count", Kind::BackupRoutine),
];
