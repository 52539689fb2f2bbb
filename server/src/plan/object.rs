//! NetBox objects as the planner sees them: a kind, fields, and references between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A kind of NetBox object that the sync writes, in the order in which they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `extras.customfield`
    CustomField,
    /// `extras.tag`
    Tag,
    /// `virtualization.clustertype`
    ClusterType,
    /// `dcim.manufacturer`
    Manufacturer,
    /// `dcim.devicetype`
    DeviceType,
    /// `dcim.devicerole`, of nodes and of guests
    DeviceRole,
    /// `virtualization.virtualmachinetype`, from NetBox 4.6
    VirtualMachineType,
    /// `dcim.site`
    Site,
    /// `virtualization.cluster`
    Cluster,
    /// `dcim.device`: a node
    Device,
    /// `dcim.interface`: a bridge of a node
    Interface,
    /// `virtualization.virtualmachine`: a guest
    VirtualMachine,
    /// `virtualization.vminterface`
    VmInterface,
    /// `dcim.macaddress`
    MacAddress,
    /// `virtualization.virtualdisk`
    VirtualDisk,
    /// `ipam.ipaddress`
    IpAddress,
}

impl Kind {
    /// All kinds, in the order of their dependencies.
    pub const ALL: [Self; 16] = [
        Self::CustomField,
        Self::Tag,
        Self::ClusterType,
        Self::Manufacturer,
        Self::DeviceType,
        Self::DeviceRole,
        Self::VirtualMachineType,
        Self::Site,
        Self::Cluster,
        Self::Device,
        Self::Interface,
        Self::VirtualMachine,
        Self::VmInterface,
        Self::MacAddress,
        Self::VirtualDisk,
        Self::IpAddress,
    ];

    /// NetBox's name for it: `virtualization.virtualmachine`.
    pub const fn model(self) -> &'static str {
        match self {
            Self::CustomField => "extras.customfield",
            Self::Tag => "extras.tag",
            Self::ClusterType => "virtualization.clustertype",
            Self::Manufacturer => "dcim.manufacturer",
            Self::DeviceType => "dcim.devicetype",
            Self::DeviceRole => "dcim.devicerole",
            Self::VirtualMachineType => "virtualization.virtualmachinetype",
            Self::Site => "dcim.site",
            Self::Cluster => "virtualization.cluster",
            Self::Device => "dcim.device",
            Self::Interface => "dcim.interface",
            Self::VirtualMachine => "virtualization.virtualmachine",
            Self::VmInterface => "virtualization.vminterface",
            Self::VirtualDisk => "virtualization.virtualdisk",
            Self::MacAddress => "dcim.macaddress",
            Self::IpAddress => "ipam.ipaddress",
        }
    }

    /// What people call it: `virtual machine`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::CustomField => "custom field",
            Self::Tag => "tag",
            Self::ClusterType => "cluster type",
            Self::Manufacturer => "manufacturer",
            Self::DeviceType => "device type",
            Self::DeviceRole => "device role",
            Self::VirtualMachineType => "virtual machine type",
            Self::Site => "site",
            Self::Cluster => "cluster",
            Self::Device => "device",
            Self::Interface => "node interface",
            Self::VirtualMachine => "virtual machine",
            Self::VmInterface => "VM interface",
            Self::VirtualDisk => "virtual disk",
            Self::MacAddress => "MAC address",
            Self::IpAddress => "IP address",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// Names an object within one plan, whether NetBox has it yet or not: kind and a readable path,
/// `lab/100/net0` for an interface of guest 100.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The object's kind.
    pub kind: Kind,
    /// The path, unique within the kind.
    pub path: String,
}

impl Key {
    /// The key with this path.
    pub fn new(kind: Kind, path: impl Into<String>) -> Self {
        Self { kind, path: path.into() }
    }

    /// The path of what the object belongs to: `lab/100` for `lab/100/scsi0`.
    pub fn parent(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(parent, _)| parent)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path)
    }
}

/// A reference to an object that exists, or that an earlier operation of the plan creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// NetBox has it under this id.
    Id(i64),
    /// The plan creates it.
    New(Key),
}

impl Ref {
    /// The id, if NetBox has the object already.
    pub const fn id(&self) -> Option<i64> {
        match self {
            Self::Id(id) => Some(*id),
            Self::New(_) => None,
        }
    }
}

/// A field's value in the form in which values are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Not set.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with two digits after the point, counted in hundredths: NetBox keeps vCPUs so.
    Hundredths(i64),
    /// Text, or the value of a choice.
    Text(String),
    /// Another object.
    Ref(Ref),
    /// A set of names: slugs of tags, model names.
    Set(BTreeSet<String>),
    /// Custom fields by name.
    Custom(BTreeMap<String, serde_json::Value>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Ref> for Value {
    fn from(value: Ref) -> Self {
        Self::Ref(value)
    }
}

/// Fields by NetBox's names.
pub type Fields = BTreeMap<&'static str, Value>;

/// An object that NetBox holds, with the fields that the planner looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// NetBox's id.
    pub id: i64,
    /// What NetBox holds; fields that are not set are absent.
    pub fields: Fields,
}

impl Existing {
    /// The text in a field; empty when it is not set.
    pub fn text(&self, field: &str) -> &str {
        match self.fields.get(field) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The id that a field refers to.
    pub fn reference(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            Some(Value::Ref(reference)) => reference.id(),
            _ => None,
        }
    }

    /// The whole number in a field.
    pub fn int(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A whole number out of the custom fields.
    pub fn custom_int(&self, name: &str) -> Option<i64> {
        match self.fields.get("custom_fields") {
            Some(Value::Custom(values)) => values.get(name).and_then(serde_json::Value::as_i64),
            _ => None,
        }
    }

    /// Whether the object carries the tag with this slug.
    pub fn has_tag(&self, slug: &str) -> bool {
        matches!(self.fields.get("tags"), Some(Value::Set(slugs)) if slugs.contains(slug))
    }
}
