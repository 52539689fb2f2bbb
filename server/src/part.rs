//! The parts of a sync, as the plugin's contract cuts it into stages.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident = $name:literal,)*) => {
        /// A part of a sync; each can be run alone.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Part { $($(#[$doc])* #[serde(rename = $name)] $part,)* }

        impl Part {
            /// All parts, in the order in which they run.
            pub const ALL: &[Self] = &[$(Self::$part),*];

            /// The contract's word for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$part => $name,)* }
            }
        }
    };
}

parts!(
    /// Tags, types, roles and custom fields that the others stand on.
    Bootstrap = "bootstrap",
    /// Sites, clusters and nodes.
    Devices = "devices",
    /// Storages.
    Storage = "storage",
    /// Guests and what cloud-init gives them.
    VirtualMachines = "virtual-machines",
    /// Finished tasks of guests.
    TaskHistory = "task-history",
    /// Disks of guests.
    VirtualDisks = "virtual-disks",
    /// Backups of guests.
    Backups = "backups",
    /// Snapshots of guests.
    Snapshots = "snapshots",
    /// Interfaces of nodes with their addresses.
    NodeInterfaces = "node-interfaces",
    /// Interfaces of guests with their MAC addresses.
    VmInterfaces = "vm-interfaces",
    /// Addresses of guests.
    IpAddresses = "vm-ip-addresses",
    /// Replication jobs.
    Replications = "replications",
    /// Backup jobs.
    BackupRoutines = "backup-routines",
);

impl Part {
    /// All parts as a set.
    pub fn all() -> BTreeSet<Self> {
        Self::ALL.iter().copied().collect()
    }

    /// The parts that are about single guests.
    pub fn of_guests() -> BTreeSet<Self> {
        use Part::{
            Backups, IpAddresses, Replications, Snapshots, TaskHistory, VirtualDisks,
            VirtualMachines, VmInterfaces,
        };
        [
            VirtualMachines,
            TaskHistory,
            VirtualDisks,
            Backups,
            Snapshots,
            VmInterfaces,
            IpAddresses,
            Replications,
        ]
        .into()
    }

    /// The parts where nothing was said: all, or for single guests those that are about them.
    pub fn usual(for_guests: bool) -> BTreeSet<Self> {
        if for_guests { Self::of_guests() } else { Self::all() }
    }

    /// The part with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|part| part.name() == name)
    }
}
