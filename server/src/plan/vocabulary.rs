//! Names, slugs, colours and descriptions that the sync writes, as the NetBox plugin expects them.

use crate::inventory::GuestKind;

/// Slug of the tag on everything that the sync created or adopted.
pub const OUR_TAG: &str = "proxbox";
/// Custom field with the guest's vmid: with the cluster, the guest's identity.
pub const VMID_FIELD: &str = "proxmox_vm_id";
/// Description of tags that came from Proxmox.
pub(super) const TAG_DESCRIPTION: &str = "Synced by Proxbox";
/// Longest name of a virtual machine in NetBox.
pub(super) const NAME_LIMIT: usize = 64;
/// Longest slug in NetBox.
const SLUG_LIMIT: usize = 100;

/// Our own tags: slug, name, colour, description.
pub(super) const TAGS: &[(&str, &str, &str, &str)] = &[
    (
        OUR_TAG,
        "Proxbox",
        "ff5722",
        "Proxbox Identifier (used to identify the items the plugin created)",
    ),
    (
        "proxbox-discovered-qemu",
        "Proxbox: Discovered QEMU VM",
        "2196f3",
        "Discovered by Proxbox as a QEMU VM (apply-on-create-only)",
    ),
    (
        "proxbox-discovered-lxc",
        "Proxbox: Discovered LXC Container",
        "00bcd4",
        "Discovered by Proxbox as an LXC container (apply-on-create-only)",
    ),
    (
        "proxbox-discovered-cluster",
        "Proxbox: Discovered Cluster",
        "4caf50",
        "Discovered by Proxbox as a cluster (apply-on-create-only)",
    ),
    (
        "proxbox-discovered-node",
        "Proxbox: Discovered Node",
        "9c27b0",
        "Discovered by Proxbox as a node (apply-on-create-only)",
    ),
];

/// Role of nodes.
pub(super) const NODE_ROLE: &str = "proxmox-node";

/// Roles: slug, name, colour, for guests or not.
pub(super) const ROLES: &[(&str, &str, &str, bool)] = &[
    (NODE_ROLE, "Proxmox Node", "00bcd4", false),
    ("virtual-machine-qemu", "Virtual Machine (QEMU)", "00ffff", true),
    ("container-lxc", "Container (LXC)", "7fffd4", true),
    ("unknown", "Unknown", "000000", true),
];

/// Virtual machine types: slug, name.
pub(super) const VM_TYPES: &[(&str, &str)] =
    &[("qemu-virtual-machine", "QEMU Virtual Machine"), ("lxc-container", "LXC Container")];

/// Slug of the role of a guest.
pub(super) const fn guest_role(kind: GuestKind) -> &'static str {
    match kind {
        GuestKind::Qemu => "virtual-machine-qemu",
        GuestKind::Lxc => "container-lxc",
    }
}

/// Slug of the virtual machine type of a guest.
pub(super) const fn guest_type(kind: GuestKind) -> &'static str {
    match kind {
        GuestKind::Qemu => "qemu-virtual-machine",
        GuestKind::Lxc => "lxc-container",
    }
}

/// Lower case, with one dash for whatever a slug cannot hold.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_LIMIT);
    slug.trim_end_matches('-').to_owned()
}

/// A slug that two texts with the same [`slug`] do not share.
pub(super) fn distinct_slug(text: &str) -> String {
    let mut base = slug(text);
    base.truncate(SLUG_LIMIT - 9);
    format!("{base}-{:08x}", hash(text)).trim_start_matches('-').to_owned()
}

/// A colour that is always the same for the same text.
pub(super) fn color(text: &str) -> String {
    format!("{:06x}", hash(text) & 0x00ff_ffff)
}

/// FNV-1a: the same on every machine and in every release.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_hold_only_what_netbox_takes() {
        for (text, expected) in [
            ("web", "web"),
            ("Proxmox Default Site - Lab 1", "proxmox-default-site-lab-1"),
            ("10.0.0.95", "10-0-0-95"),
            ("go-proxmox+cloud-init", "go-proxmox-cloud-init"),
            ("--x--", "x"),
            ("", ""),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
        assert!(slug(&"x".repeat(300)).len() <= 100);
        assert!(distinct_slug(&"x".repeat(300)).len() <= 100);
        assert_ne!(distinct_slug("a.b"), distinct_slug("a-b"));
        assert!(!distinct_slug("+++").is_empty());
    }
}
