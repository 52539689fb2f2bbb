//! Which operations of NetBox read and write which kind of object.

use std::collections::HashMap;
use std::sync::LazyLock;

use proxbox_runtime::{Call, Method, Op, Page, Rows, Untyped};
use sdk_netbox::operations;

use crate::plan::Kind;

/// The operations of one kind. Objects travel untyped: the planner's table of fields says what is
/// in them.
#[derive(Clone, Copy)]
pub struct Calls {
    /// Lists objects.
    pub list: Call<(), Page<Untyped>>,
    /// Creates objects.
    pub create: Call<Untyped, Untyped>,
    /// Changes objects.
    pub update: Call<Vec<Untyped>, Rows<Untyped>>,
    /// Deletes objects.
    pub delete: Call<Vec<Untyped>, Untyped>,
}

static OPERATIONS: LazyLock<HashMap<(Method, &'static str), &'static Op>> =
    LazyLock::new(|| operations().map(|op| ((op.method, op.path), op)).collect());

impl Calls {
    /// The operations of a kind.
    pub fn of(kind: Kind) -> Self {
        let op = |method| {
            // A test looks each of them up, so that the stand-in is never sent.
            OPERATIONS.get(&(method, kind.path())).copied().unwrap_or(&Op::PLAIN)
        };
        Self {
            list: Call::new(op(Method::Get)),
            create: Call::new(op(Method::Post)),
            update: Call::new(op(Method::Patch)),
            delete: Call::new(op(Method::Delete)),
        }
    }
}

impl Kind {
    /// Where NetBox lists objects of this kind.
    pub const fn path(self) -> &'static str {
        match self {
            Self::CustomField => "/api/extras/custom-fields/",
            Self::Tag => "/api/extras/tags/",
            Self::ClusterType => "/api/virtualization/cluster-types/",
            Self::Manufacturer => "/api/dcim/manufacturers/",
            Self::DeviceType => "/api/dcim/device-types/",
            Self::DeviceRole => "/api/dcim/device-roles/",
            Self::VirtualMachineType => "/api/virtualization/virtual-machine-types/",
            Self::Site => "/api/dcim/sites/",
            Self::Cluster => "/api/virtualization/clusters/",
            Self::Device => "/api/dcim/devices/",
            Self::Vlan => "/api/ipam/vlans/",
            Self::Interface => "/api/dcim/interfaces/",
            Self::VirtualMachine => "/api/virtualization/virtual-machines/",
            Self::VmInterface => "/api/virtualization/interfaces/",
            Self::MacAddress => "/api/dcim/mac-addresses/",
            Self::VirtualDisk => "/api/virtualization/virtual-disks/",
            Self::IpAddress => "/api/ipam/ip-addresses/",
            Self::JournalEntry => "/api/extras/journal-entries/",
            Self::ProxmoxEndpoint => "/api/plugins/proxbox/endpoints/proxmox/",
            Self::ProxmoxCluster => "/api/plugins/proxbox/proxmox-clusters/",
            Self::ProxmoxNode => "/api/plugins/proxbox/proxmox-nodes/",
            Self::Storage => "/api/plugins/proxbox/storage/",
            Self::CloudInit => "/api/plugins/proxbox/vm-cloudinit/",
            Self::GuestInterface => "/api/plugins/proxbox/guest-vm-interfaces/",
            Self::GuestAddress => "/api/plugins/proxbox/guest-vm-interface-addresses/",
            Self::TaskHistory => "/api/plugins/proxbox/task-history/",
            Self::Backup => "/api/plugins/proxbox/backups/",
            Self::Snapshot => "/api/plugins/proxbox/snapshots/",
            Self::Replication => "/api/plugins/proxbox/replications/",
            Self::BackupRoutine => "/api/plugins/proxbox/backup-routines/",
            Self::ManufacturerState => "/api/plugins/proxbox/sync-state/manufacturers/",
            Self::DeviceTypeState => "/api/plugins/proxbox/sync-state/device-types/",
            Self::DeviceRoleState => "/api/plugins/proxbox/sync-state/device-roles/",
            Self::ClusterTypeState => "/api/plugins/proxbox/sync-state/cluster-types/",
            Self::SiteState => "/api/plugins/proxbox/sync-state/sites/",
            Self::ClusterState => "/api/plugins/proxbox/sync-state/clusters/",
            Self::DeviceState => "/api/plugins/proxbox/sync-state/devices/",
            Self::VlanState => "/api/plugins/proxbox/sync-state/vlans/",
            Self::InterfaceState => "/api/plugins/proxbox/sync-state/interfaces/",
            Self::MachineState => "/api/plugins/proxbox/sync-state/virtual-machines/",
            Self::VmInterfaceState => "/api/plugins/proxbox/sync-state/vm-interfaces/",
            Self::VirtualDiskState => "/api/plugins/proxbox/sync-state/virtual-disks/",
            Self::IpAddressState => "/api/plugins/proxbox/sync-state/ip-addresses/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netbox_has_all_four_operations_for_each_kind() {
        for kind in Kind::ALL {
            for method in [Method::Get, Method::Post, Method::Patch, Method::Delete] {
                assert!(
                    OPERATIONS.contains_key(&(method, kind.path())),
                    "{method} {}",
                    kind.path()
                );
            }
        }
    }

    #[test]
    fn every_field_is_one_that_netbox_describes() {
        for kind in Kind::ALL {
            let calls = Calls::of(*kind);
            let proxbox_runtime::Kind::Page(proxbox_runtime::Kind::Record(row)) =
                calls.list.op.returns
            else {
                panic!("{kind}")
            };
            for field in kind.fields() {
                assert!(row.find(field.name).is_some(), "{kind} has no {}", field.name);
            }
        }
    }
}
