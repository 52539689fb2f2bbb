//! NetBox's own kinds.

use super::Mode::{Human, Marked, Owned, Seed, Union};
use super::Shape::{Bool, Choice, Custom, Decimal, Int, Mac, Names, Ref, Refs, Tags, Text};
use super::{FieldRule, flagged, row};
use crate::plan::Overwrite;

pub(super) const CUSTOM_FIELD: &[FieldRule] = &[
    row("name", Text, Seed),
    row("type", Choice, Seed),
    row("object_types", Names, Union),
    row("label", Text, Seed),
    row("group_name", Text, Seed),
    row("ui_visible", Choice, Seed),
    row("ui_editable", Choice, Seed),
    row("filter_logic", Choice, Seed),
    row("weight", Int, Seed),
    row("related_object_type", Text, Seed),
];

pub(super) const TAG: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("color", Text, Seed),
    row("description", Text, Seed),
];

pub(super) const NAMED: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("description", Text, Seed),
    row("tags", Tags, Seed),
];

pub(super) const DEVICE_TYPE: &[FieldRule] = &[
    row("manufacturer", Ref, Seed),
    row("model", Text, Seed),
    row("slug", Text, Seed),
    row("tags", Tags, Seed),
];

pub(super) const DEVICE_ROLE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("color", Text, Seed),
    row("vm_role", Bool, Seed),
    row("tags", Tags, Seed),
];

pub(super) const SITE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("slug", Text, Seed),
    row("status", Choice, Seed),
    row("tags", Tags, Seed),
];

pub(super) const CLUSTER: &[FieldRule] = &[
    row("name", Text, Seed),
    row("type", Ref, Owned),
    row("scope_type", Text, Seed),
    row("scope_id", Ref, Seed),
    row("tenant", Int, Seed),
    flagged("description", Text, Marked("Proxmox "), Overwrite::ClusterDescription),
    flagged("tags", Tags, Union, Overwrite::ClusterTags),
    flagged("custom_fields", Custom, Owned, Overwrite::ClusterCustomFields),
];

pub(super) const DEVICE: &[FieldRule] = &[
    row("name", Text, Seed),
    row("cluster", Ref, Owned),
    row("site", Ref, Seed),
    row("tenant", Int, Seed),
    flagged("status", Choice, Owned, Overwrite::DeviceStatus),
    flagged("device_type", Ref, Owned, Overwrite::DeviceType),
    flagged("role", Ref, Owned, Overwrite::DeviceRole),
    flagged("description", Text, Marked("Proxmox Node "), Overwrite::DeviceDescription),
    flagged("tags", Tags, Union, Overwrite::DeviceTags),
    flagged("custom_fields", Custom, Owned, Overwrite::DeviceCustomFields),
];

pub(super) const VLAN: &[FieldRule] = &[
    row("vid", Int, Seed),
    row("name", Text, Seed),
    row("site", Ref, Seed),
    row("group", Int, Human),
    row("status", Choice, Seed),
    row("tags", Tags, Union),
    row("custom_fields", Custom, Owned),
];

pub(super) const INTERFACE: &[FieldRule] = &[
    row("device", Ref, Seed),
    row("name", Text, Seed),
    row("type", Choice, Seed),
    row("enabled", Bool, Owned),
    row("mtu", Int, Owned),
    row("description", Text, Seed),
    row("mode", Choice, Owned),
    row("untagged_vlan", Ref, Owned),
    row("lag", Ref, Owned),
    row("bridge", Ref, Owned),
    row("parent", Ref, Owned),
    flagged("tags", Tags, Union, Overwrite::NodeInterfaceTags),
    flagged("custom_fields", Custom, Owned, Overwrite::NodeInterfaceCustomFields),
];

pub(super) const VIRTUAL_MACHINE: &[FieldRule] = &[
    row("name", Text, Owned),
    row("status", Choice, Owned),
    row("cluster", Ref, Owned),
    row("device", Ref, Owned),
    row("site", Ref, Seed),
    row("tenant", Int, Seed),
    row("platform", Ref, Seed),
    row("vcpus", Decimal, Owned),
    row("memory", Int, Owned),
    flagged("role", Ref, Owned, Overwrite::VmRole),
    flagged("virtual_machine_type", Ref, Owned, Overwrite::VmType),
    flagged("description", Text, Marked("Synced from Proxmox node "), Overwrite::VmDescription),
    flagged("tags", Tags, Union, Overwrite::VmTags),
    flagged("custom_fields", Custom, Owned, Overwrite::VmCustomFields),
    // The sum of the virtual disks, which NetBox keeps itself and gets wrong at times.
    row("disk", Int, Human),
    row("primary_ip4", Ref, Owned),
    row("primary_ip6", Ref, Owned),
];

pub(super) const VM_INTERFACE: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    row("name", Text, Owned),
    row("enabled", Bool, Owned),
    row("mtu", Int, Owned),
    row("mode", Choice, Owned),
    row("untagged_vlan", Ref, Owned),
    row("tagged_vlans", Refs, Owned),
    row("primary_mac_address", Ref, Owned),
    flagged("tags", Tags, Union, Overwrite::VmInterfaceTags),
    flagged("custom_fields", Custom, Owned, Overwrite::VmInterfaceCustomFields),
];

pub(super) const VIRTUAL_DISK: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    row("name", Text, Seed),
    row("size", Int, Owned),
    row("description", Text, Marked("Storage: ")),
    row("tags", Tags, Union),
    row("custom_fields", Custom, Owned),
];

pub(super) const MAC_ADDRESS: &[FieldRule] = &[
    row("mac_address", Mac, Owned),
    row("assigned_object_type", Text, Owned),
    row("assigned_object_id", Ref, Owned),
    row("tags", Tags, Union),
];

pub(super) const IP_ADDRESS: &[FieldRule] = &[
    row("address", Text, Owned),
    row("assigned_object_type", Text, Owned),
    row("assigned_object_id", Ref, Owned),
    flagged("status", Choice, Owned, Overwrite::IpStatus),
    flagged("dns_name", Text, Owned, Overwrite::IpDnsName),
    flagged("tags", Tags, Union, Overwrite::IpTags),
    flagged("custom_fields", Custom, Owned, Overwrite::IpCustomFields),
    row("vrf", Int, Human),
];

pub(super) const JOURNAL_ENTRY: &[FieldRule] = &[
    row("assigned_object_type", Text, Seed),
    row("assigned_object_id", Ref, Seed),
    row("kind", Choice, Seed),
    row("comments", Text, Seed),
];
