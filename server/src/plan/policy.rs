//! What the operator decides: which kinds are synced, and which fields of existing objects change.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldRule, Kind, Mode};
use crate::inventory::GuestKind;
use crate::part::Part;

/// In seconds.
pub const DAY: i64 = 86_400;

/// How far a kind of object is synced, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SyncMode {
    /// Neither created nor changed.
    Disabled,
    /// Created, then left alone.
    BootstrapOnly,
    /// Created and kept equal.
    #[default]
    Always,
}

impl SyncMode {
    /// The mode with the wire name `always`, `bootstrap_only` or `disabled`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "always" => Some(Self::Always),
            "bootstrap_only" => Some(Self::BootstrapOnly),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// A family of IP addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// IPv4
    #[default]
    V4,
    /// IPv6
    V6,
}

/// Where the names that guests give their interfaces are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InterfaceNames {
    /// In the plugin's own tables; NetBox's interface is called `net0`.
    #[default]
    GuestTables,
    /// NetBox's interface is called as the guest calls it.
    Renamed,
    /// Nowhere.
    Ignored,
}

/// By which run something is written, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The run.
    pub run: String,
    /// RFC 3339, in UTC to the second.
    pub at: String,
}

macro_rules! overwrites {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A field of existing objects that the sync may change. New objects always get it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Overwrite { $($(#[$doc])* $variant,)* }

        impl Overwrite {
            /// All flags that this version acts on.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The query parameter of the plugin's contract.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The flag with this name; none for flags of later stages.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|flag| flag.name() == name)
            }
        }
    };
}

overwrites!(
    /// Role of a node.
    DeviceRole = "overwrite_device_role",
    /// Type of a node.
    DeviceType = "overwrite_device_type",
    /// Tags of a node.
    DeviceTags = "overwrite_device_tags",
    /// Status of a node.
    DeviceStatus = "overwrite_device_status",
    /// Description of a node.
    DeviceDescription = "overwrite_device_description",
    /// Custom fields of a node.
    DeviceCustomFields = "overwrite_device_custom_fields",
    /// Role of a guest.
    VmRole = "overwrite_vm_role",
    /// Virtual machine type of a guest.
    VmType = "overwrite_vm_type",
    /// Tags of a guest.
    VmTags = "overwrite_vm_tags",
    /// Those tags of a guest that come from Proxmox.
    VmProxmoxTags = "overwrite_vm_proxmox_tags",
    /// Description of a guest.
    VmDescription = "overwrite_vm_description",
    /// Custom fields of a guest.
    VmCustomFields = "overwrite_vm_custom_fields",
    /// What cloud-init gives a guest.
    VmCloudInit = "overwrite_vm_cloudinit",
    /// Tags of a cluster.
    ClusterTags = "overwrite_cluster_tags",
    /// Description of a cluster.
    ClusterDescription = "overwrite_cluster_description",
    /// Custom fields of a cluster.
    ClusterCustomFields = "overwrite_cluster_custom_fields",
    /// Tags of a node's interfaces.
    NodeInterfaceTags = "overwrite_node_interface_tags",
    /// Custom fields of a node's interfaces.
    NodeInterfaceCustomFields = "overwrite_node_interface_custom_fields",
    /// Tags of a storage.
    StorageTags = "overwrite_storage_tags",
    /// Tags of a guest's interfaces.
    VmInterfaceTags = "overwrite_vm_interface_tags",
    /// Custom fields of a guest's interfaces.
    VmInterfaceCustomFields = "overwrite_vm_interface_custom_fields",
    /// Status of an IP address.
    IpStatus = "overwrite_ip_status",
    /// Tags of an IP address.
    IpTags = "overwrite_ip_tags",
    /// Custom fields of an IP address.
    IpCustomFields = "overwrite_ip_custom_fields",
    /// DNS name of an IP address.
    IpDnsName = "overwrite_ip_address_dns_name",
);

/// Everything that the operator decides about a run.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The parts that this run brings in step; of others, what they stand on is created where it
    /// is missing, and the rest only looked up.
    pub parts: BTreeSet<Part>,
    /// Only these guests, by vmid; all where nothing is said.
    pub guests: Option<BTreeSet<i64>>,
    /// Only guests that are these virtual machines, by NetBox's id; all where nothing is said.
    pub machines: Option<BTreeSet<i64>>,
    /// Only these nodes, for what is read of nodes; all where nothing is said.
    pub nodes: Option<BTreeSet<String>>,
    /// Tasks that ended before this point are left out, in unix seconds.
    pub tasks_since: Option<i64>,
    /// Tasks of one node at most, the newest.
    pub tasks_per_node: i64,
    /// How far kinds are synced; [`SyncMode::Always`] where nothing is said.
    pub modes: BTreeMap<Kind, SyncMode>,
    /// The same for guests that are templates.
    pub template_mode: SyncMode,
    /// Fields of existing objects that may change.
    pub overwrite: BTreeSet<Overwrite>,
    /// Creates tags, types and roles where they are missing.
    pub ensure_netbox_objects: bool,
    /// Writes the custom fields of the contract, beside the vmid that is always written.
    pub custom_fields: bool,
    /// Keeps interfaces by the guests' own names, in the plugin's tables or as the interface's name.
    pub interface_names: InterfaceNames,
    /// Backups that Proxmox no longer has are deleted.
    pub delete_gone_backups: bool,
    /// Snapshots that Proxmox no longer has are deleted; they are marked as stale otherwise.
    pub delete_gone_snapshots: bool,
    /// Takes role, tenant, platform, site and device of a guest out of a block in its notes.
    pub parse_description_metadata: bool,
    /// NetBox ids of the roles of guests, where neither node nor endpoint has one.
    pub default_roles: BTreeMap<GuestKind, i64>,
    /// Guests that Proxmox no longer has are deleted, after a delay.
    pub prune: bool,
    /// For how many seconds a guest has to be missing before it is deleted.
    pub orphan_delay: i64,
    /// Deletes exactly so many objects, although it is more than a run may do.
    pub allow_deletes: Option<usize>,
    /// By which run, and when: what is written carries it.
    pub stamp: Stamp,
    /// Leaves `fe80::/10` out.
    pub ignore_ipv6_link_local_addresses: bool,
    /// Which family a guest's primary address is taken from, when it has both.
    pub primary_ip_preference: Family,
    /// Requests to one Proxmox endpoint at the same time.
    pub fetch_max_concurrency: usize,
    /// Objects in one request to NetBox.
    pub bulk_batch_size: usize,
}

impl Default for Policy {
    /// Everything is synced. Role and type of existing devices and guests and the status of addresses
    /// are left to people: what they chose says more than our placeholders.
    fn default() -> Self {
        let left_to_people =
            [Overwrite::DeviceRole, Overwrite::DeviceType, Overwrite::VmRole, Overwrite::IpStatus];
        let all = Overwrite::ALL.iter().copied();
        Self {
            parts: Part::all(),
            guests: None,
            machines: None,
            nodes: None,
            tasks_since: None,
            tasks_per_node: 500,
            modes: BTreeMap::new(),
            template_mode: SyncMode::Always,
            overwrite: all.filter(|flag| !left_to_people.contains(flag)).collect(),
            ensure_netbox_objects: true,
            custom_fields: false,
            interface_names: InterfaceNames::GuestTables,
            delete_gone_backups: false,
            delete_gone_snapshots: false,
            parse_description_metadata: false,
            default_roles: BTreeMap::new(),
            prune: false,
            orphan_delay: 7 * DAY,
            allow_deletes: None,
            stamp: Stamp::default(),
            ignore_ipv6_link_local_addresses: true,
            primary_ip_preference: Family::V4,
            fetch_max_concurrency: 8,
            bulk_batch_size: 50,
        }
    }
}

impl Policy {
    /// How far this kind is synced, for an object that belongs to this part.
    pub fn mode(&self, kind: Kind, part: Part) -> SyncMode {
        self.part_mode(part).min(self.modes.get(&kind).copied().unwrap_or_default())
    }

    /// How far this run goes with a part. Storages, guests and interfaces need a cluster and nodes.
    pub fn part_mode(&self, part: Part) -> SyncMode {
        use Part::{Bootstrap, Devices, NodeInterfaces, Storage, VirtualMachines};
        let needed_by: &[Part] = match part {
            Devices => &[Storage, VirtualMachines, NodeInterfaces],
            Bootstrap if self.ensure_netbox_objects => Part::ALL,
            _ => &[],
        };
        if self.parts.contains(&part) {
            SyncMode::Always
        } else if needed_by.iter().any(|part| self.parts.contains(part)) {
            SyncMode::BootstrapOnly
        } else {
            SyncMode::Disabled
        }
    }

    /// Who decides about a field, the operator's flags considered.
    pub fn owner(&self, field: &FieldRule) -> Mode {
        match field.flag {
            Some(flag) if !self.overwrite.contains(&flag) => Mode::Seed,
            _ => field.mode,
        }
    }
}
