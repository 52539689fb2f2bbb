//! The kinds of the netbox-proxbox plugin. What they hold is Proxmox's, so nearly all is owned.

use super::Mode::{Human, Owned, Seed, Stamp, Union};
use super::Shape::{Bool, Choice, Decimal, Int, Json, Ref, Tags, Text, Time};
use super::{FieldRule, flagged, row};
use crate::plan::Overwrite;

pub(super) const ENDPOINT: &[FieldRule] = &[
    row("name", Text, Human),
    row("default_role_qemu", Ref, Human),
    row("default_role_lxc", Ref, Human),
];

pub(super) const CLUSTER: &[FieldRule] =
    &[row("name", Text, Human), row("endpoint", Ref, Human), row("netbox_cluster", Ref, Owned)];

pub(super) const NODE: &[FieldRule] = &[
    row("name", Text, Human),
    row("endpoint", Ref, Human),
    row("netbox_device", Ref, Owned),
    row("default_role_qemu", Ref, Human),
    row("default_role_lxc", Ref, Human),
];

pub(super) const STORAGE: &[FieldRule] = &[
    row("cluster", Ref, Seed),
    row("name", Text, Seed),
    row("storage_type", Text, Owned),
    row("content", Text, Owned),
    row("path", Text, Owned),
    row("nodes", Text, Owned),
    row("shared", Bool, Owned),
    row("enabled", Bool, Owned),
    row("server", Text, Owned),
    row("port", Int, Owned),
    row("username", Text, Owned),
    row("export", Text, Owned),
    row("share", Text, Owned),
    row("pool", Text, Owned),
    row("monhost", Text, Owned),
    row("namespace", Text, Owned),
    row("datastore", Text, Owned),
    row("subdir", Text, Owned),
    row("mountpoint", Text, Owned),
    row("is_mountpoint", Text, Owned),
    row("preallocation", Text, Owned),
    row("format", Text, Owned),
    row("prune_backups", Text, Owned),
    row("max_protected_backups", Int, Owned),
    row("raw_config", Json, Owned),
    flagged("tags", Tags, Union, Overwrite::StorageTags),
];

const fn cloud_init(name: &'static str, shape: super::Shape) -> FieldRule {
    flagged(name, shape, Owned, Overwrite::VmCloudInit)
}

pub(super) const CLOUD_INIT: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    cloud_init("ciuser", Text),
    cloud_init("sshkeys", Text),
    cloud_init("sshkeys_truncated", Bool),
    cloud_init("ipconfig0", Text),
    cloud_init("hostname", Text),
    cloud_init("search_domain", Text),
    cloud_init("dns_servers", Text),
    cloud_init("bridge", Text),
    cloud_init("vlan_tag", Int),
    cloud_init("gateway", Text),
    cloud_init("ip_cidr", Text),
    cloud_init("enable_agent", Bool),
    // A plan that people made in NetBox for a machine that is yet to be built.
    row("is_intent", Bool, Human),
];

pub(super) const GUEST_INTERFACE: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    row("vm_interface", Ref, Owned),
    row("name", Text, Seed),
    row("mac_address", Text, Owned),
    row("enabled", Bool, Owned),
    row("tags", Tags, Union),
];

pub(super) const GUEST_ADDRESS: &[FieldRule] =
    &[row("guest_interface", Ref, Seed), row("ip_address", Ref, Seed), row("tags", Tags, Union)];

pub(super) const TASK_HISTORY: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    row("vm_type", Text, Seed),
    row("upid", Text, Seed),
    row("node", Text, Seed),
    row("pid", Int, Seed),
    row("pstart", Int, Seed),
    row("task_id", Text, Seed),
    row("task_type", Text, Seed),
    row("username", Text, Seed),
    row("start_time", Time, Seed),
    row("end_time", Time, Owned),
    row("description", Text, Seed),
    row("status", Text, Owned),
    row("task_state", Text, Owned),
    row("exitstatus", Text, Owned),
    row("tags", Tags, Seed),
];

pub(super) const BACKUP: &[FieldRule] = &[
    row("virtual_machine", Ref, Owned),
    row("proxmox_storage", Ref, Owned),
    row("storage", Text, Seed),
    row("volume_id", Text, Seed),
    row("vmid", Int, Seed),
    row("subtype", Choice, Seed),
    row("format", Choice, Seed),
    row("creation_time", Time, Owned),
    row("size", Int, Owned),
    row("used", Int, Owned),
    row("notes", Text, Owned),
    row("encrypted", Text, Owned),
    row("verification_state", Text, Owned),
    row("verification_upid", Text, Owned),
    row("tags", Tags, Union),
];

pub(super) const SNAPSHOT: &[FieldRule] = &[
    row("virtual_machine", Ref, Owned),
    row("proxmox_storage", Ref, Owned),
    row("name", Text, Seed),
    row("vmid", Int, Seed),
    row("node", Text, Seed),
    row("subtype", Choice, Seed),
    row("description", Text, Owned),
    row("snaptime", Time, Owned),
    row("parent", Text, Owned),
    row("status", Choice, Owned),
    row("tags", Tags, Union),
];

pub(super) const REPLICATION: &[FieldRule] = &[
    row("endpoint", Ref, Seed),
    row("replication_id", Text, Seed),
    row("virtual_machine", Ref, Owned),
    row("proxmox_node", Ref, Owned),
    row("guest", Int, Owned),
    row("jobnum", Int, Owned),
    row("target", Text, Owned),
    row("job_type", Choice, Owned),
    row("schedule", Text, Owned),
    row("rate", Decimal, Owned),
    row("comment", Text, Owned),
    row("disable", Bool, Owned),
    row("source", Text, Owned),
    row("remove_job", Choice, Owned),
    row("status", Choice, Owned),
    row("raw_config", Json, Owned),
    row("tags", Tags, Union),
];

pub(super) const BACKUP_ROUTINE: &[FieldRule] = &[
    row("endpoint", Ref, Seed),
    row("job_id", Text, Seed),
    row("enabled", Bool, Owned),
    row("schedule", Text, Owned),
    row("node", Ref, Owned),
    row("storage", Ref, Owned),
    row("selection", Json, Owned),
    row("comment", Text, Owned),
    row("status", Choice, Owned),
    row("keep_last", Int, Owned),
    row("keep_daily", Int, Owned),
    row("keep_weekly", Int, Owned),
    row("keep_monthly", Int, Owned),
    row("keep_yearly", Int, Owned),
    row("keep_all", Bool, Owned),
    row("notes_template", Text, Owned),
    row("bwlimit", Int, Owned),
    row("zstd", Int, Owned),
    row("io_workers", Int, Owned),
    row("fleecing", Text, Owned),
    row("fleecing_storage", Ref, Owned),
    row("repeat_missed", Bool, Owned),
    row("pbs_change_detection_mode", Text, Owned),
    row("raw_config", Json, Owned),
    row("tags", Tags, Union),
];

/// A state that says no more than when, and by which run.
macro_rules! bare_state {
    ($name:ident, $parent:literal) => {
        pub(super) const $name: &[FieldRule] = &[
            row($parent, Ref, Seed),
            row("proxmox_last_updated", Time, Stamp),
            row("last_run_id", Text, Stamp),
        ];
    };
}

bare_state!(MANUFACTURER_STATE, "manufacturer");
bare_state!(DEVICE_TYPE_STATE, "device_type");
bare_state!(DEVICE_ROLE_STATE, "device_role");
bare_state!(CLUSTER_TYPE_STATE, "cluster_type");
bare_state!(SITE_STATE, "site");
bare_state!(INTERFACE_STATE, "interface");

pub(super) const CLUSTER_STATE: &[FieldRule] = &[
    row("cluster", Ref, Seed),
    row("proxmox_cluster", Ref, Owned),
    row("proxmox_cluster_name", Text, Owned),
    row("proxmox_cluster_status", Text, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const DEVICE_STATE: &[FieldRule] = &[
    row("device", Ref, Seed),
    row("endpoint", Ref, Owned),
    row("proxmox_node", Ref, Owned),
    row("proxmox_node_name", Text, Owned),
    row("proxmox_cluster", Ref, Owned),
    row("proxmox_cluster_name", Text, Owned),
    row("proxmox_link", Text, Owned),
    row("proxmox_os", Text, Owned),
    row("proxmox_cpu_type", Text, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const VLAN_STATE: &[FieldRule] = &[
    row("vlan", Ref, Seed),
    row("proxmox_vlan_id", Int, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const MACHINE_STATE: &[FieldRule] = &[
    row("virtual_machine", Ref, Seed),
    row("endpoint", Ref, Owned),
    row("proxmox_node", Ref, Owned),
    row("proxmox_node_name", Text, Owned),
    row("proxmox_cluster", Ref, Owned),
    row("proxmox_cluster_name", Text, Owned),
    row("proxmox_endpoint_raw_id", Int, Owned),
    row("proxmox_vm_id", Int, Owned),
    row("proxmox_vm_type", Text, Owned),
    row("proxmox_vm_name", Text, Owned),
    row("proxmox_status", Text, Owned),
    row("proxmox_link", Text, Owned),
    row("proxmox_start_at_boot", Bool, Owned),
    row("proxmox_unprivileged_container", Bool, Owned),
    row("proxmox_qemu_agent", Bool, Owned),
    row("proxmox_search_domain", Text, Owned),
    row("proxmox_os", Text, Owned),
    row("proxmox_cpu_type", Text, Owned),
    row("proxmox_tags", Text, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const VM_INTERFACE_STATE: &[FieldRule] = &[
    row("vm_interface", Ref, Seed),
    row("proxbox_bridge", Ref, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const VIRTUAL_DISK_STATE: &[FieldRule] = &[
    row("virtual_disk", Ref, Seed),
    row("proxbox_storage", Ref, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];

pub(super) const IP_ADDRESS_STATE: &[FieldRule] = &[
    row("ip_address", Ref, Seed),
    row("proxmox_interface", Text, Owned),
    row("proxmox_mac", Text, Owned),
    row("proxmox_last_updated", Time, Stamp),
    row("last_run_id", Text, Stamp),
];
