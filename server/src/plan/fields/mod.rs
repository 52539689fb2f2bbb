//! The one table of what the sync reads and writes of each kind, and who owns each field.

mod native;
mod proxbox;

use super::{Kind, Overwrite};

/// How a field travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text, compared as it is.
    Text,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number with two digits after the point.
    Decimal,
    /// Read as `{"value", "label"}`, written as the value.
    Choice,
    /// A point in time, compared in UTC to the second.
    Time,
    /// Another object: read as an object or an id, written as an id.
    Ref,
    /// A set of other objects.
    Refs,
    /// Tags: read as objects, written as `{"slug"}`.
    Tags,
    /// A list of texts whose order does not matter.
    Names,
    /// Custom fields; only those that the plan names are compared and written.
    Custom,
    /// A MAC address, compared in upper case.
    Mac,
    /// Any JSON, compared as a whole.
    Json,
}

/// Who decides about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Proxmox decides: NetBox is made equal on each run.
    Owned,
    /// Written when the object is created, then left to people.
    Seed,
    /// Owned as long as the text there starts like ours: whoever rewrites it keeps it.
    Marked(&'static str),
    /// Ours are added, what people added stays.
    Union,
    /// People decide: read, never written.
    Human,
    /// When and by which run the object was written: no reason to write it.
    Stamp,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    /// NetBox's name for the field.
    pub name: &'static str,
    /// How it travels.
    pub shape: Shape,
    /// Who decides about it.
    pub mode: Mode,
    /// The flag that, when it is off, makes the field a [`Mode::Seed`].
    pub flag: Option<Overwrite>,
}

const fn row(name: &'static str, shape: Shape, mode: Mode) -> FieldRule {
    FieldRule { name, shape, mode, flag: None }
}

const fn flagged(name: &'static str, shape: Shape, mode: Mode, flag: Overwrite) -> FieldRule {
    FieldRule { name, shape, mode, flag: Some(flag) }
}

impl Kind {
    /// The fields of this kind that are read, compared and written.
    pub const fn fields(self) -> &'static [FieldRule] {
        match self {
            Self::CustomField => native::CUSTOM_FIELD,
            Self::Tag => native::TAG,
            Self::ClusterType | Self::Manufacturer | Self::VirtualMachineType => native::NAMED,
            Self::DeviceType => native::DEVICE_TYPE,
            Self::DeviceRole => native::DEVICE_ROLE,
            Self::Site => native::SITE,
            Self::Cluster => native::CLUSTER,
            Self::Device => native::DEVICE,
            Self::Vlan => native::VLAN,
            Self::Interface => native::INTERFACE,
            Self::VirtualMachine => native::VIRTUAL_MACHINE,
            Self::VmInterface => native::VM_INTERFACE,
            Self::VirtualDisk => native::VIRTUAL_DISK,
            Self::MacAddress => native::MAC_ADDRESS,
            Self::IpAddress => native::IP_ADDRESS,
            Self::JournalEntry => native::JOURNAL_ENTRY,
            Self::ProxmoxEndpoint => proxbox::ENDPOINT,
            Self::ProxmoxCluster => proxbox::CLUSTER,
            Self::ProxmoxNode => proxbox::NODE,
            Self::Storage => proxbox::STORAGE,
            Self::CloudInit => proxbox::CLOUD_INIT,
            Self::GuestInterface => proxbox::GUEST_INTERFACE,
            Self::GuestAddress => proxbox::GUEST_ADDRESS,
            Self::TaskHistory => proxbox::TASK_HISTORY,
            Self::Backup => proxbox::BACKUP,
            Self::Snapshot => proxbox::SNAPSHOT,
            Self::Replication => proxbox::REPLICATION,
            Self::BackupRoutine => proxbox::BACKUP_ROUTINE,
            Self::ManufacturerState => proxbox::MANUFACTURER_STATE,
            Self::DeviceTypeState => proxbox::DEVICE_TYPE_STATE,
            Self::DeviceRoleState => proxbox::DEVICE_ROLE_STATE,
            Self::ClusterTypeState => proxbox::CLUSTER_TYPE_STATE,
            Self::SiteState => proxbox::SITE_STATE,
            Self::ClusterState => proxbox::CLUSTER_STATE,
            Self::DeviceState => proxbox::DEVICE_STATE,
            Self::VlanState => proxbox::VLAN_STATE,
            Self::InterfaceState => proxbox::INTERFACE_STATE,
            Self::MachineState => proxbox::MACHINE_STATE,
            Self::VmInterfaceState => proxbox::VM_INTERFACE_STATE,
            Self::VirtualDiskState => proxbox::VIRTUAL_DISK_STATE,
            Self::IpAddressState => proxbox::IP_ADDRESS_STATE,
        }
    }

    /// The row for one field.
    pub fn field(self, name: &str) -> Option<&'static FieldRule> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The fields that no two objects of this kind share: to find one again whose creation is
    /// uncertain.
    pub fn identity(self) -> &'static [&'static str] {
        match self {
            Self::CustomField => &["name"],
            Self::Tag
            | Self::ClusterType
            | Self::Manufacturer
            | Self::DeviceType
            | Self::DeviceRole
            | Self::VirtualMachineType
            | Self::Site => &["slug"],
            Self::Cluster | Self::ProxmoxEndpoint | Self::ProxmoxNode => &["name"],
            Self::Device | Self::VirtualMachine | Self::Storage => &["name", "cluster"],
            Self::ProxmoxCluster => &["name", "endpoint"],
            Self::Vlan => &["vid", "site"],
            Self::Interface => &["name", "device"],
            Self::VmInterface | Self::VirtualDisk | Self::GuestInterface => {
                &["name", "virtual_machine"]
            }
            Self::MacAddress => &["mac_address", "assigned_object_type", "assigned_object_id"],
            Self::IpAddress => &["address", "assigned_object_type", "assigned_object_id"],
            Self::CloudInit => &["virtual_machine"],
            Self::GuestAddress => &["guest_interface", "ip_address"],
            Self::TaskHistory => &["upid"],
            Self::Backup => &["volume_id", "virtual_machine"],
            Self::Snapshot => &["vmid", "name", "node"],
            Self::Replication => &["endpoint", "replication_id"],
            Self::BackupRoutine => &["endpoint", "job_id"],
            Self::JournalEntry => &["assigned_object_type", "assigned_object_id", "comments"],
            // One state for each object: the reference to it comes first.
            state => match state.fields() {
                [parent, ..] => std::slice::from_ref(&parent.name),
                [] => &[],
            },
        }
    }

    /// Whether an object can do without this reference, when what it refers to could not be
    /// created.
    pub fn can_do_without(self, field: &str) -> bool {
        let optional: &[&str] = match self {
            Self::VirtualMachine => &["device", "role", "site", "virtual_machine_type"],
            Self::VmInterface | Self::Interface => &["untagged_vlan", "tagged_vlans"],
            Self::Backup | Self::Snapshot => &["proxmox_storage"],
            Self::BackupRoutine => &["storage", "fleecing_storage"],
            Self::VirtualDiskState => &["proxbox_storage"],
            Self::VmInterfaceState => &["proxbox_bridge"],
            _ => &[],
        };
        optional.contains(&field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_is_made_of_fields_that_are_read() {
        for kind in Kind::ALL {
            assert!(!kind.identity().is_empty(), "{kind}");
            for name in kind.identity() {
                assert!(kind.field(name).is_some(), "{kind}: {name}");
            }
        }
    }
}
