//! The kinds of NetBox objects that the sync reads or writes.

use std::fmt;

use crate::part::Part;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $model:literal, $noun:literal;)*) => {
        /// A kind of NetBox object, in the order in which they depend on each other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All kinds, in the order of their dependencies.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// NetBox's name for it: `virtualization.virtualmachine`.
            pub const fn model(self) -> &'static str {
                match self { $(Self::$kind => $model,)* }
            }

            /// What people call it: `virtual machine`.
            pub const fn noun(self) -> &'static str {
                match self { $(Self::$kind => $noun,)* }
            }
        }
    };
}

kinds!(
    /// A custom field.
    CustomField = "extras.customfield", "custom field";
    /// A tag.
    Tag = "extras.tag", "tag";
    /// Cluster or standalone.
    ClusterType = "virtualization.clustertype", "cluster type";
    /// Proxmox.
    Manufacturer = "dcim.manufacturer", "manufacturer";
    /// The type of all nodes.
    DeviceType = "dcim.devicetype", "device type";
    /// A role of nodes or of guests.
    DeviceRole = "dcim.devicerole", "device role";
    /// Machine or container; from NetBox 4.6.
    VirtualMachineType = "virtualization.virtualmachinetype", "virtual machine type";
    /// Where a cluster is.
    Site = "dcim.site", "site";
    /// A cluster.
    Cluster = "virtualization.cluster", "cluster";
    /// A node.
    Device = "dcim.device", "device";
    /// A VLAN that an interface is in.
    Vlan = "ipam.vlan", "VLAN";
    /// An interface of a node.
    Interface = "dcim.interface", "node interface";
    /// The plugin's record of a Proxmox endpoint; only looked up.
    ProxmoxEndpoint = "netbox_proxbox.proxmoxendpoint", "Proxmox endpoint";
    /// The plugin's record of a cluster; only linked.
    ProxmoxCluster = "netbox_proxbox.proxmoxcluster", "Proxmox cluster";
    /// The plugin's record of a node; only linked.
    ProxmoxNode = "netbox_proxbox.proxmoxnode", "Proxmox node";
    /// A storage.
    Storage = "netbox_proxbox.proxmoxstorage", "storage";
    /// A guest.
    VirtualMachine = "virtualization.virtualmachine", "virtual machine";
    /// A guest's interface.
    VmInterface = "virtualization.vminterface", "VM interface";
    /// The MAC address of a guest's interface.
    MacAddress = "dcim.macaddress", "MAC address";
    /// A guest's disk.
    VirtualDisk = "virtualization.virtualdisk", "virtual disk";
    /// An address of a guest or of a node.
    IpAddress = "ipam.ipaddress", "IP address";
    /// What cloud-init gives a guest.
    CloudInit = "netbox_proxbox.proxmoxvmcloudinit", "cloud-init configuration";
    /// An interface as the guest itself calls it.
    GuestInterface = "netbox_proxbox.guestvminterface", "guest interface";
    /// An address on an interface of the guest's own.
    GuestAddress = "netbox_proxbox.guestvminterfaceaddress", "guest interface address";
    /// A finished task of a guest.
    TaskHistory = "netbox_proxbox.vmtaskhistory", "task";
    /// A backup of a guest.
    Backup = "netbox_proxbox.vmbackup", "backup";
    /// A snapshot of a guest.
    Snapshot = "netbox_proxbox.vmsnapshot", "snapshot";
    /// A replication job.
    Replication = "netbox_proxbox.replication", "replication";
    /// A backup job.
    BackupRoutine = "netbox_proxbox.backuproutine", "backup routine";
    /// A note that a backup appeared; only written.
    JournalEntry = "extras.journalentry", "journal entry";
    /// What the plugin keeps beside a manufacturer.
    ManufacturerState = "netbox_proxbox.proxboxmanufacturersyncstate", "manufacturer state";
    /// What the plugin keeps beside a device type.
    DeviceTypeState = "netbox_proxbox.proxboxdevicetypesyncstate", "device type state";
    /// What the plugin keeps beside a role.
    DeviceRoleState = "netbox_proxbox.proxboxdevicerolesyncstate", "device role state";
    /// What the plugin keeps beside a cluster type.
    ClusterTypeState = "netbox_proxbox.proxboxclustertypesyncstate", "cluster type state";
    /// What the plugin keeps beside a site.
    SiteState = "netbox_proxbox.proxboxsitesyncstate", "site state";
    /// What the plugin keeps beside a cluster.
    ClusterState = "netbox_proxbox.proxboxclustersyncstate", "cluster state";
    /// What the plugin keeps beside a node.
    DeviceState = "netbox_proxbox.proxboxdevicesyncstate", "device state";
    /// What the plugin keeps beside a VLAN.
    VlanState = "netbox_proxbox.proxboxvlansyncstate", "VLAN state";
    /// What the plugin keeps beside a node's interface.
    InterfaceState = "netbox_proxbox.proxboxinterfacesyncstate", "node interface state";
    /// What the plugin keeps beside a guest.
    MachineState = "netbox_proxbox.proxboxvirtualmachinesyncstate", "virtual machine state";
    /// What the plugin keeps beside a guest's interface.
    VmInterfaceState = "netbox_proxbox.proxboxvminterfacesyncstate", "VM interface state";
    /// What the plugin keeps beside a guest's disk.
    VirtualDiskState = "netbox_proxbox.proxboxvirtualdisksyncstate", "virtual disk state";
    /// What the plugin keeps beside an address.
    IpAddressState = "netbox_proxbox.proxboxipaddresssyncstate", "IP address state";
);

impl Kind {
    /// The part of the sync that objects of this kind mostly belong to.
    pub const fn part(self) -> Part {
        match self {
            Self::CustomField
            | Self::Tag
            | Self::ClusterType
            | Self::ClusterTypeState
            | Self::Manufacturer
            | Self::ManufacturerState
            | Self::DeviceType
            | Self::DeviceTypeState
            | Self::DeviceRole
            | Self::DeviceRoleState
            | Self::VirtualMachineType => Part::Bootstrap,
            Self::Site
            | Self::SiteState
            | Self::Cluster
            | Self::ClusterState
            | Self::Device
            | Self::DeviceState
            | Self::ProxmoxEndpoint
            | Self::ProxmoxCluster
            | Self::ProxmoxNode => Part::Devices,
            Self::Storage => Part::Storage,
            Self::VirtualMachine | Self::MachineState | Self::CloudInit => Part::VirtualMachines,
            Self::TaskHistory => Part::TaskHistory,
            Self::VirtualDisk | Self::VirtualDiskState => Part::VirtualDisks,
            Self::Backup | Self::JournalEntry => Part::Backups,
            Self::Snapshot => Part::Snapshots,
            Self::Interface | Self::InterfaceState => Part::NodeInterfaces,
            Self::Vlan
            | Self::VlanState
            | Self::VmInterface
            | Self::VmInterfaceState
            | Self::MacAddress
            | Self::GuestInterface => Part::VmInterfaces,
            Self::IpAddress | Self::IpAddressState | Self::GuestAddress => Part::IpAddresses,
            Self::Replication => Part::Replications,
            Self::BackupRoutine => Part::BackupRoutines,
        }
    }

    /// The kind with this model name.
    pub fn from_model(model: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.model() == model)
    }

    /// Whether only a NetBox with the plugin has it.
    pub fn is_of_plugin(self) -> bool {
        self.model().starts_with("netbox_proxbox.")
    }

    /// The kind that the plugin keeps a state beside, for a kind of state.
    pub const fn state_of(self) -> Option<Self> {
        Some(match self {
            Self::ManufacturerState => Self::Manufacturer,
            Self::DeviceTypeState => Self::DeviceType,
            Self::DeviceRoleState => Self::DeviceRole,
            Self::ClusterTypeState => Self::ClusterType,
            Self::SiteState => Self::Site,
            Self::ClusterState => Self::Cluster,
            Self::DeviceState => Self::Device,
            Self::VlanState => Self::Vlan,
            Self::InterfaceState => Self::Interface,
            Self::MachineState => Self::VirtualMachine,
            Self::VmInterfaceState => Self::VmInterface,
            Self::VirtualDiskState => Self::VirtualDisk,
            Self::IpAddressState => Self::IpAddress,
            _ => return None,
        })
    }

    /// The kind of state that the plugin keeps beside this kind.
    pub fn state(self) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.state_of() == Some(self))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}
