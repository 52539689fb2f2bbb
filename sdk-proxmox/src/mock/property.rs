//! The few things the mock reads in property strings, and what Proxmox fills in when it stores one.

use super::{Guest, GuestKind};

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

/// An identifier that no other guest has at another time.
pub(crate) fn new_uuid(vmid: u32, now: u64) -> String {
    format!("{:08x}-0000-4000-8000-{vmid:012}", now % (1 << 32))
}

/// Gives a copy addresses and identifiers of its own.
pub(crate) fn renew(now: u64, guest: &mut Guest) {
    let vmid = guest.vmid;
    for (key, value) in guest.config.iter_mut() {
        let number = key.trim_start_matches(|c: char| !c.is_ascii_digit());
        let Some(text) = value.as_str() else { continue };
        if let (true, Some(old), Ok(index)) = (key.starts_with("net"), mac(text), number.parse()) {
            *value = text.replace(old, &new_mac(vmid, index)).into();
        } else if key == "smbios1" {
            let rest: Vec<&str> =
                text.split(',').filter(|part| !part.starts_with("uuid=")).collect();
            let uuid = format!("uuid={}", new_uuid(vmid, now));
            *value = [vec![uuid.as_str()], rest].concat().join(",").into();
        } else if key == "vmgenid" {
            *value = new_uuid(vmid, now).into();
        }
    }
}

/// What is stored for a value that was sent: interfaces get an address.
pub(crate) fn stored(kind: GuestKind, vmid: u32, key: &str, value: &str) -> String {
    let number = key.trim_start_matches(|c: char| !c.is_ascii_digit());
    let index: u32 = number.parse().unwrap_or(0);
    if !key.starts_with("net") || number.is_empty() {
        return value.to_owned();
    }
    let new = new_mac(vmid, index);
    match (kind, mac(value).is_some()) {
        (GuestKind::Qemu, true) => value.to_owned(),
        (GuestKind::Qemu, false) => {
            let model = self::value(value, "model");
            let parts = value.split(',').filter(|part| !part.starts_with("model="));
            let (alone, rest): (Vec<&str>, Vec<&str>) = parts.partition(|part| !part.contains('='));
            let model = model.or(alone.first().copied()).unwrap_or("virtio");
            let first = format!("{model}={new}");
            [vec![first.as_str()], rest].concat().join(",")
        }
        (GuestKind::Lxc, known) => {
            let mut parts: Vec<String> = value.split(',').map(str::to_owned).collect();
            if !known {
                parts.push(format!("hwaddr={new}"));
            }
            if self::value(value, "type").is_none() {
                parts.push("type=veth".to_owned());
            }
            // Printed in order, the name first.
            parts.sort_by_key(|part| (!part.starts_with("name="), part.clone()));
            parts.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_stored_with_an_address() {
        let cases = [
            (GuestKind::Qemu, "ide2", "none,media=cdrom", "none,media=cdrom"),
            (
                GuestKind::Qemu,
                "net0",
                "virtio,bridge=vmbr0",
                "virtio=BC:24:11:00:00:E0,bridge=vmbr0",
            ),
            (GuestKind::Qemu, "net0", "bridge=vmbr0,e1000", "e1000=BC:24:11:00:00:E0,bridge=vmbr0"),
            (
                GuestKind::Qemu,
                "net0",
                "model=virtio,bridge=vmbr0",
                "virtio=BC:24:11:00:00:E0,bridge=vmbr0",
            ),
            (GuestKind::Lxc, "net1", "name=eth1", "name=eth1,hwaddr=BC:24:11:00:00:E1,type=veth"),
            (GuestKind::Qemu, "name", "a:b", "a:b"),
        ];
        for (kind, key, sent, expected) in cases {
            assert_eq!(stored(kind, 7, key, sent), expected);
        }
    }
}
