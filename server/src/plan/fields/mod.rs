//! The one table of what the sync reads and writes of each kind, and who owns each field.

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
    /// Another object: read as an object or an id, written as an id.
    Ref(Kind),
    /// Tags: read as objects, written as `{"slug"}`.
    Tags,
    /// A list of texts whose order does not matter.
    Names,
    /// Custom fields; only those that the plan names are compared and written.
    Custom,
    /// A MAC address, compared in upper case.
    Mac,
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

use Mode::{Human, Marked, Owned, Seed, Union};
use Shape::{Bool, Choice, Custom, Decimal, Int, Mac, Names, Ref, Tags, Text};

const CUSTOM_FIELD: &[FieldRule] = &[
    row("name", Text, Seed),
    row("type", Choice, Seed),
    row("object_types", Names, Union),
    row("label", Text, Seed),
    row("group_name", Text, Seed),
    row("ui_visible", Choice, Seed),
    row("ui_editable", Choice, Seed),
    row("filter_logic", Choice, Seed),
    row("weight", Int, Seed),
];

const TAG: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("color", Text, Seed),
    row("description", Text, Seed),
];

const NAMED: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("description", Text, Seed),
    row("tags", Tags, Seed),
];

const DEVICE_TYPE: &[FieldRule] = &[
    row("manufacturer", Ref(Kind::Manufacturer), Seed),
    row("model", Text, Seed),
    row("slug", Text, Seed),
    row("tags", Tags, Seed),
];

const DEVICE_ROLE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("color", Text, Seed),
    row("vm_role", Bool, Seed),
    row("tags", Tags, Seed),
];

const SITE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("status", Choice, Seed),
    row("tags", Tags, Seed),
];

const CLUSTER: &[FieldRule] = &[
    row("name", Text, Seed),
    row("type", Ref(Kind::ClusterType), Owned),
    row("scope_type", Text, Seed),
    row("scope_id", Ref(Kind::Site), Seed),
    row("tenant", Int, Seed),
    flagged("description", Text, Marked("Proxmox "), Overwrite::ClusterDescription),
    flagged("tags", Tags, Union, Overwrite::ClusterTags),
];

const DEVICE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("cluster", Ref(Kind::Cluster), Owned),
    row("site", Ref(Kind::Site), Seed),
    row("tenant", Int, Seed),
    flagged("status", Choice, Owned, Overwrite::DeviceStatus),
    flagged("device_type", Ref(Kind::DeviceType), Owned, Overwrite::DeviceType),
    flagged("role", Ref(Kind::DeviceRole), Owned, Overwrite::DeviceRole),
    flagged("description", Text, Marked("Proxmox Node "), Overwrite::DeviceDescription),
    flagged("tags", Tags, Union, Overwrite::DeviceTags),
];

const INTERFACE: &[FieldRule] = &[
    row("device", Ref(Kind::Device), Seed),
    row("name", Text, Seed),
    row("type", Choice, Seed),
    row("enabled", Bool, Owned),
    flagged("tags", Tags, Union, Overwrite::NodeInterfaceTags),
];

const VIRTUAL_MACHINE: &[FieldRule] = &[
    row("name", Text, Owned),
    row("status", Choice, Owned),
    row("cluster", Ref(Kind::Cluster), Owned),
    row("device", Ref(Kind::Device), Owned),
    row("site", Ref(Kind::Site), Seed),
    row("tenant", Int, Seed),
    row("vcpus", Decimal, Owned),
    row("memory", Int, Owned),
    flagged("role", Ref(Kind::DeviceRole), Owned, Overwrite::VmRole),
    flagged("virtual_machine_type", Ref(Kind::VirtualMachineType), Owned, Overwrite::VmType),
    flagged("description", Text, Marked("Synced from Proxmox node "), Overwrite::VmDescription),
    flagged("tags", Tags, Union, Overwrite::VmTags),
    row("custom_fields", Custom, Owned),
    // The sum of the virtual disks, which NetBox keeps itself and gets wrong at times.
    row("disk", Int, Human),
    row("primary_ip4", Ref(Kind::IpAddress), Owned),
    row("primary_ip6", Ref(Kind::IpAddress), Owned),
];

const VM_INTERFACE: &[FieldRule] = &[
    row("virtual_machine", Ref(Kind::VirtualMachine), Seed),
    row("name", Text, Seed),
    row("enabled", Bool, Owned),
    row("primary_mac_address", Ref(Kind::MacAddress), Owned),
    flagged("tags", Tags, Union, Overwrite::VmInterfaceTags),
];

const VIRTUAL_DISK: &[FieldRule] = &[
    row("virtual_machine", Ref(Kind::VirtualMachine), Seed),
    row("name", Text, Seed),
    row("size", Int, Owned),
    row("description", Text, Marked("Storage: ")),
    row("tags", Tags, Union),
];

const MAC_ADDRESS: &[FieldRule] = &[
    row("mac_address", Mac, Owned),
    row("assigned_object_type", Text, Owned),
    row("assigned_object_id", Ref(Kind::VmInterface), Owned),
    row("tags", Tags, Union),
];

const IP_ADDRESS: &[FieldRule] = &[
    row("address", Text, Owned),
    row("assigned_object_type", Text, Owned),
    row("assigned_object_id", Ref(Kind::VmInterface), Owned),
    flagged("status", Choice, Seed, Overwrite::IpStatus),
    flagged("tags", Tags, Union, Overwrite::IpTags),
    row("vrf", Int, Human),
];

impl Kind {
    /// The fields of this kind that are read, compared and written.
    pub const fn fields(self) -> &'static [FieldRule] {
        match self {
            Self::CustomField => CUSTOM_FIELD,
            Self::Tag => TAG,
            Self::ClusterType | Self::Manufacturer | Self::VirtualMachineType => NAMED,
            Self::DeviceType => DEVICE_TYPE,
            Self::DeviceRole => DEVICE_ROLE,
            Self::Site => SITE,
            Self::Cluster => CLUSTER,
            Self::Device => DEVICE,
            Self::Interface => INTERFACE,
            Self::VirtualMachine => VIRTUAL_MACHINE,
            Self::VmInterface => VM_INTERFACE,
            Self::VirtualDisk => VIRTUAL_DISK,
            Self::MacAddress => MAC_ADDRESS,
            Self::IpAddress => IP_ADDRESS,
        }
    }

    /// The row for one field.
    pub fn field(self, name: &str) -> Option<&'static FieldRule> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The fields that no two objects of this kind share: to find one again whose creation is
    /// uncertain.
    pub const fn identity(self) -> &'static [&'static str] {
        match self {
            Self::CustomField => &["name"],
            Self::Tag
            | Self::ClusterType
            | Self::Manufacturer
            | Self::DeviceType
            | Self::DeviceRole
            | Self::VirtualMachineType
            | Self::Site => &["slug"],
            Self::Cluster => &["name"],
            Self::Device | Self::VirtualMachine => &["name", "cluster"],
            Self::Interface => &["name", "device"],
            Self::VmInterface | Self::VirtualDisk => &["name", "virtual_machine"],
            Self::MacAddress => &["mac_address", "assigned_object_type", "assigned_object_id"],
            Self::IpAddress => &["address", "assigned_object_type", "assigned_object_id"],
        }
    }

    /// Whether an object can do without this reference, when what it refers to could not be
    /// created.
    pub fn can_do_without(self, field: &str) -> bool {
        let optional: &[&str] = match self {
            Self::VirtualMachine => &["device", "role", "site", "virtual_machine_type"],
            _ => &[],
        };
        optional.contains(&field)
    }
}
