//! What can be synced alone.

use crate::part::Part;
use crate::plan::Kind;

/// A kind of object that can be synced alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    /// In the path, and `object_type` of the answer.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) parts: &'static [Part],
    /// Parameters of which one names the object, and which ends its key.
    pub(super) named_by: &'static [&'static str],
    /// Parameters that have to be there.
    pub(super) needs: &'static [&'static str],
}

/// All of them.
pub(super) const SUBJECTS: [Subject; 12] = [
    Subject {
        name: "cluster",
        kind: Kind::Cluster,
        parts: &[Part::Devices],
        named_by: &["cluster_name"],
        needs: &["cluster_name"],
    },
    Subject {
        name: "node",
        kind: Kind::Device,
        parts: &[Part::Devices, Part::NodeInterfaces],
        named_by: &["node_name", "node"],
        needs: &["cluster_name"],
    },
    Subject {
        name: "vm",
        kind: Kind::VirtualMachine,
        parts: &[Part::VirtualMachines, Part::VirtualDisks, Part::VmInterfaces, Part::IpAddresses],
        named_by: &["vmid"],
        needs: &["cluster_name", "vmid"],
    },
    Subject {
        name: "storage",
        kind: Kind::Storage,
        parts: &[Part::Storage],
        named_by: &["storage_name", "storage"],
        needs: &["cluster_name"],
    },
    Subject {
        name: "interface",
        kind: Kind::VmInterface,
        parts: &[Part::VmInterfaces],
        named_by: &["interface_name"],
        needs: &["cluster_name", "vmid"],
    },
    Subject {
        name: "ip",
        kind: Kind::IpAddress,
        parts: &[Part::IpAddresses],
        named_by: &["ip_address"],
        needs: &["cluster_name", "vmid"],
    },
    Subject {
        name: "disk",
        kind: Kind::VirtualDisk,
        parts: &[Part::VirtualDisks],
        named_by: &["disk_name"],
        needs: &["cluster_name", "vmid"],
    },
    Subject {
        name: "snapshot",
        kind: Kind::Snapshot,
        parts: &[Part::Snapshots],
        named_by: &["snapshot_name"],
        needs: &["cluster_name", "vmid"],
    },
    Subject {
        name: "backup",
        kind: Kind::Backup,
        parts: &[Part::Backups],
        named_by: &["volid"],
        needs: &["cluster_name", "vmid", "volid"],
    },
    Subject {
        name: "replication",
        kind: Kind::Replication,
        parts: &[Part::Replications],
        named_by: &["replication_id"],
        needs: &["cluster_name"],
    },
    Subject {
        name: "backup-routines",
        kind: Kind::BackupRoutine,
        parts: &[Part::BackupRoutines],
        named_by: &["job_id"],
        needs: &["cluster_name"],
    },
    // The plugin knows no cluster of a task.
    Subject {
        name: "task-history",
        kind: Kind::TaskHistory,
        parts: &[Part::TaskHistory],
        named_by: &["upid"],
        needs: &["vmid"],
    },
];
