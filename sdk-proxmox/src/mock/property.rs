//! The few things the mock reads in property strings, and what Proxmox fills in when it stores one.

use super::GuestKind;

/// The value of `key` in a property string; `None` for an absent key.
pub(crate) fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='))
}

/// The MAC address in a `net0`: `virtio=BC:24:...`, `hwaddr=...` or `macaddr=...`.
pub(crate) fn mac(text: &str) -> Option<&str> {
    let parts = text.split(',').filter_map(|part| part.split_once('='));
    parts.map(|(_, value)| value).find(|value| is_mac(value))
}

fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.split(':').count() == 6
        && text.bytes().all(|b| b == b':' || b.is_ascii_hexdigit())
}

/// A MAC address in Proxmox's range.
pub(crate) fn new_mac(vmid: u32, index: u32) -> String {
    let [_, high, middle, low] = vmid.wrapping_mul(32).wrapping_add(index).to_be_bytes();
    format!("BC:24:11:{high:02X}:{middle:02X}:{low:02X}")
}

/// What is stored for a value that was sent: disks are allocated, interfaces get an address.
pub(crate) fn stored(kind: GuestKind, vmid: u32, key: &str, value: &str) -> String {
    let number = key.trim_start_matches(|c: char| !c.is_ascii_digit());
    let index: u32 = number.parse().unwrap_or(0);
    if key.starts_with("net") && !number.is_empty() && mac(value).is_none() {
        return with_mac(kind, value, &new_mac(vmid, index));
    }
    allocated(kind, vmid, index, value).unwrap_or_else(|| value.to_owned())
}

fn with_mac(kind: GuestKind, value: &str, mac: &str) -> String {
    match (kind, value.split_once(',')) {
        (GuestKind::Lxc, _) => format!("{value},hwaddr={mac}"),
        (GuestKind::Qemu, Some((model, rest))) => format!("{model}={mac},{rest}"),
        (GuestKind::Qemu, None) => format!("{value}={mac}"),
    }
}

/// `local-lvm:32` asks for a new volume of 32 GiB.
fn allocated(kind: GuestKind, vmid: u32, index: u32, value: &str) -> Option<String> {
    let (volume, rest) = value.split_once(',').map_or((value, None), |(v, rest)| (v, Some(rest)));
    let (storage, size) = volume.split_once(':')?;
    let size: f64 = size.parse().ok().filter(|size: &f64| *size > 0.0)?;
    let name = match kind {
        GuestKind::Qemu => format!("{storage}:vm-{vmid}-disk-{index}"),
        GuestKind::Lxc => format!("{storage}:subvol-{vmid}-disk-{index}"),
    };
    let rest = rest.map(|rest| format!(",{rest}")).unwrap_or_default();
    Some(format!("{name}{rest},size={size}G"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_stored_with_its_volume_and_address() {
        let cases = [
            (GuestKind::Qemu, "scsi1", "local-lvm:32", "local-lvm:vm-7-disk-1,size=32G"),
            (GuestKind::Lxc, "rootfs", "ceph:8,acl=1", "ceph:subvol-7-disk-0,acl=1,size=8G"),
            (GuestKind::Qemu, "ide2", "none,media=cdrom", "none,media=cdrom"),
            (GuestKind::Qemu, "scsi0", "ceph:vm-7-disk-0,size=1G", "ceph:vm-7-disk-0,size=1G"),
            (
                GuestKind::Qemu,
                "net0",
                "virtio,bridge=vmbr0",
                "virtio=BC:24:11:00:00:E0,bridge=vmbr0",
            ),
            (GuestKind::Lxc, "net1", "name=eth1", "name=eth1,hwaddr=BC:24:11:00:00:E1"),
            (GuestKind::Qemu, "name", "a:b", "a:b"),
        ];
        for (kind, key, sent, expected) in cases {
            assert_eq!(stored(kind, 7, key, sent), expected);
        }
    }
}
