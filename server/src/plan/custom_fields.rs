//! The custom fields of the plugin's contract: name, label, type, kinds, where they show.

use std::collections::BTreeSet;

use super::draft::{Draft, Wanted};
use super::vocabulary::VMID_FIELD;
use super::{Existing, Fields, Key, Kind, SyncMode, Value};
use crate::part::Part;

/// A custom field of the contract.
struct CustomField {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    of: &'static [&'static str],
    /// `always` or `if-set`
    shown: &'static str,
    weight: i64,
    /// What a field of type `object` refers to.
    object: Option<&'static str>,
}

const VM: &str = "virtualization.virtualmachine";
const VM_AND_DEVICE: &[&str] = &["dcim.device", VM];
const CLUSTERS: &[&str] = &["virtualization.clustergroup", "virtualization.cluster"];
const STAMPED: &[&str] = &[
    "dcim.interface",
    "dcim.manufacturer",
    "dcim.devicetype",
    "dcim.devicerole",
    "dcim.device",
    "dcim.site",
    "ipam.ipaddress",
    "ipam.vlan",
    "virtualization.clustertype",
    "virtualization.cluster",
    VM,
    "virtualization.vminterface",
    "virtualization.virtualdisk",
];

const fn field(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    of: &'static [&'static str],
    shown: &'static str,
) -> CustomField {
    CustomField { name, label, kind, of, shown, weight: 100, object: None }
}

const fn heavier(field: CustomField, weight: i64) -> CustomField {
    CustomField { weight, ..field }
}

const fn object(field: CustomField, object: &'static str) -> CustomField {
    CustomField { object: Some(object), ..field }
}

#[rustfmt::skip]
const ALL: &[CustomField] = &[
    field(VMID_FIELD, "VM ID", "integer", &[VM], "always"),
    field("proxmox_vm_type", "VM Type", "text", &[VM], "always"),
    field("proxmox_start_at_boot", "Start at Boot", "boolean", &[VM], "always"),
    field("proxmox_unprivileged_container", "Unprivileged Container", "boolean", &[VM], "if-set"),
    field("proxmox_qemu_agent", "QEMU Guest Agent", "boolean", &[VM], "if-set"),
    field("proxmox_search_domain", "Search Domain", "text", &[VM], "if-set"),
    field("proxmox_link", "Proxmox Link", "url", VM_AND_DEVICE, "always"),
    field("proxmox_node", "Proxmox Node", "text", VM_AND_DEVICE, "always"),
    field("proxmox_cluster", "Proxmox Cluster", "text", VM_AND_DEVICE, "always"),
    field("proxmox_status", "Proxmox Status", "text", &[VM], "always"),
    field("proxmox_uptime", "Uptime (seconds)", "integer", &[VM], "if-set"),
    field("proxmox_tags", "Proxmox Tags", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_os", "Operating System", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_storage", "Storage", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_disk", "Disk (GB)", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_interfaces", "Network Interfaces", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_interface", "Proxmox Interface", "text", &["ipam.ipaddress"], "if-set"),
    field("proxmox_vmid", "Proxmox VMID", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_mac", "Proxmox MAC", "text", &["ipam.ipaddress"], "if-set"),
    field("proxmox_notes", "Proxmox Notes", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_vlan_id", "Proxmox VLAN ID", "integer", &["ipam.vlan"], "if-set"),
    field("proxmox_cluster_name", "Cluster Name", "text", CLUSTERS, "always"),
    field("proxmox_cluster_status", "Cluster Status", "text", CLUSTERS, "always"),
    field("proxmox_tcp_states", "TCP States", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_cpu_type", "CPU Type", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_ip_addresses", "IP Addresses", "text", &["ipam.ipaddress"], "if-set"),
    field("proxmox_cluster_id", "Cluster ID", "integer", &["virtualization.cluster"], "always"),
    field("proxmox_storage_ids", "Storage IDs", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_storage_names", "Storage Names", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_device_names", "Device Names", "text", VM_AND_DEVICE, "if-set"),
    field("proxmox_migration_duration", "Migration Duration", "integer", &[VM], "if-set"),
    field("proxmox_migration_type", "Migration Type", "text", &[VM], "if-set"),
    object(field("proxbox_storage_id", "Proxbox Storage", "object", &["virtualization.virtualdisk"], "always"), "netbox_proxbox.proxmoxstorage"),
    object(field("proxbox_bridge", "Proxbox Bridge", "object", &["virtualization.vminterface"], "always"), "dcim.interface"),
    heavier(field("proxmox_last_updated", "Last Updated", "datetime", STAMPED, "always"), 200),
    heavier(field("proxbox_last_run_id", "Last Run ID", "text", &["dcim.device", "virtualization.cluster", VM], "if-set"), 250),
    heavier(field("hardware_chassis_serial", "Chassis Serial", "text", &["dcim.device"], "if-set"), 300),
    heavier(field("hardware_chassis_manufacturer", "Chassis Manufacturer", "text", &["dcim.device"], "if-set"), 300),
    heavier(field("hardware_chassis_product", "Chassis Product", "text", &["dcim.device"], "if-set"), 300),
    heavier(field("nic_speed_gbps", "NIC Speed (Gbps)", "integer", &["dcim.interface"], "if-set"), 300),
    heavier(field("nic_duplex", "NIC Duplex", "text", &["dcim.interface"], "if-set"), 300),
    heavier(field("nic_link", "NIC Link Up", "boolean", &["dcim.interface"], "if-set"), 300),
    field("proxmox_endpoint_id", "Proxmox Endpoint ID", "integer", &[VM], "if-set"),
];

/// The names of all custom fields of the contract.
pub fn custom_field_names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|field| field.name)
}

/// The custom fields that objects can carry: by name, with the kinds that have them.
#[derive(Debug, Default)]
pub(super) struct CustomFields {
    there: BTreeSet<(&'static str, &'static str)>,
}

impl CustomFields {
    /// Settles the fields: all of the contract, or only the vmid.
    pub(super) fn plan(draft: &mut Draft<'_>) -> Self {
        let mut there = BTreeSet::new();
        let all = draft.policy.custom_fields;
        for field in ALL.iter().filter(|field| all || field.name == VMID_FIELD) {
            // The plugin's own type is unknown to a NetBox without it.
            let foreign = field.object.is_some_and(|of| of.starts_with("netbox_proxbox."));
            if foreign && !draft.mirror.knows(Kind::Storage) {
                continue;
            }
            there.extend(field.settle(draft).into_iter().map(|kind| (kind, field.name)));
        }
        Self { there }
    }

    /// Whether objects of this kind can carry the field.
    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.there.iter().any(|(of, field)| *of == kind.model() && *field == name)
    }
}

impl CustomField {
    /// Settles the field, and tells which kinds have it then.
    fn settle(&self, draft: &mut Draft<'_>) -> Vec<&'static str> {
        let existing = draft.mirror.find(Kind::CustomField, "name", self.name);
        let (found, known) = match existing {
            Some(field) => (Some(field.id), self.kinds_of(field)),
            None => (None, self.of.to_vec()),
        };
        let of: BTreeSet<String> = self.of.iter().map(|kind| (*kind).to_owned()).collect();
        let mut fields = Fields::from([
            ("name", self.name.into()),
            ("type", self.kind.into()),
            ("object_types", Value::Set(of.into())),
            ("label", self.label.into()),
            ("group_name", "Proxmox".into()),
            ("ui_visible", self.shown.into()),
            ("ui_editable", "hidden".into()),
            ("filter_logic", "loose".into()),
            ("weight", Value::Int(self.weight)),
        ]);
        if let Some(object) = self.object {
            fields.insert("related_object_type", object.into());
        }
        let mode = draft.policy.part_mode(Part::Bootstrap);
        let part = draft.policy.parts.first().copied();
        let short = known.len() < self.of.len() && mode == SyncMode::BootstrapOnly;
        if short {
            // The plugin makes some fields for machines alone. Giving them to a kind that has none of it
            // creates something, and leaves what people chose.
            fields.retain(|name, _| matches!(name, "name" | "object_types"));
        }
        let mut wanted = Wanted::new(Key::new(Kind::CustomField, self.name), found, fields);
        if let (true, Some(part)) = (short, part) {
            wanted = wanted.in_part(part);
        }
        let left_out = mode == SyncMode::Disabled;
        if self.name == VMID_FIELD && left_out {
            // Without it no guest is known again, whatever else is left to people.
            wanted = wanted.in_part(Part::VirtualMachines);
        }
        match draft.settle(wanted) {
            None => Vec::new(),
            // The one that settles itself with the guests is theirs when they are written.
            Some(_) if left_out && self.name != VMID_FIELD => known,
            Some(_) => self.of.to_vec(),
        }
    }

    /// The kinds of the contract that have an existing field.
    fn kinds_of(&self, field: &Existing) -> Vec<&'static str> {
        let Some(Value::Set(types)) = field.fields.get("object_types") else { return Vec::new() };
        self.of.iter().copied().filter(|kind| types.contains(*kind)).collect()
    }
}
