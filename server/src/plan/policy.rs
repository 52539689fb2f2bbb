//! What the operator decides: which kinds are synced, and which fields of existing objects change.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldRule, Kind, Mode};

/// How far a kind of object is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// Created and kept equal.
    #[default]
    Always,
    /// Created, then left alone.
    BootstrapOnly,
    /// Neither created nor changed.
    Disabled,
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
    /// Tags of a cluster.
    ClusterTags = "overwrite_cluster_tags",
    /// Description of a cluster.
    ClusterDescription = "overwrite_cluster_description",
    /// Tags of a node's interfaces.
    NodeInterfaceTags = "overwrite_node_interface_tags",
    /// Tags of a guest's interfaces.
    VmInterfaceTags = "overwrite_vm_interface_tags",
    /// Status of an IP address.
    IpStatus = "overwrite_ip_status",
    /// Tags of an IP address.
    IpTags = "overwrite_ip_tags",
);

/// Everything that the operator decides about a run.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The kinds that this run writes; others are only looked up.
    pub scope: BTreeSet<Kind>,
    /// How far kinds are synced; [`SyncMode::Always`] where nothing is said.
    pub modes: BTreeMap<Kind, SyncMode>,
    /// The same for guests that are templates.
    pub template_mode: SyncMode,
    /// Fields of existing objects that may change.
    pub overwrite: BTreeSet<Overwrite>,
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
    /// Everything is synced. Role and type of existing devices and guests are left to people:
    /// what they chose says more than our placeholders.
    fn default() -> Self {
        let left_to_people = [Overwrite::DeviceRole, Overwrite::DeviceType, Overwrite::VmRole];
        let all = Overwrite::ALL.iter().copied();
        Self {
            scope: Kind::ALL.into_iter().collect(),
            modes: BTreeMap::new(),
            template_mode: SyncMode::Always,
            overwrite: all.filter(|flag| !left_to_people.contains(flag)).collect(),
            ignore_ipv6_link_local_addresses: true,
            primary_ip_preference: Family::V4,
            fetch_max_concurrency: 8,
            bulk_batch_size: 50,
        }
    }
}

impl Policy {
    /// How far this kind is synced.
    pub fn mode(&self, kind: Kind) -> SyncMode {
        if !self.scope.contains(&kind) {
            return SyncMode::Disabled;
        }
        self.modes.get(&kind).copied().unwrap_or_default()
    }

    /// Who decides about a field, the operator's flags considered.
    pub fn owner(&self, field: &FieldRule) -> Mode {
        match field.flag {
            Some(flag) if !self.overwrite.contains(&flag) => Mode::Seed,
            _ => field.mode,
        }
    }
}
