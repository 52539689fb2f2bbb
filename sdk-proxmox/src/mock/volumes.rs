//! Volumes on storages: names, sizes, and who they belong to.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, bad_param, failed};
use super::property;
use super::{Cluster, Guest, GuestKind};
use crate::parse::{disk_size, split_list};

impl Cluster {
    /// Makes a volume for a guest and answers its id.
    pub(crate) fn allocate(
        &mut self,
        storage: &str,
        guest: &Guest,
        size: u64,
        name: Option<&str>,
    ) -> Result<String, Refusal> {
        let place = self.storages.get(storage).cloned();
        let place = place.ok_or_else(|| failed(format!("storage '{storage}' does not exist")))?;
        let (content, said) = match guest.kind {
            GuestKind::Qemu => ("images", "vm images"),
            GuestKind::Lxc => ("rootdir", "container directories"),
        };
        let takes = place.get("content").and_then(Value::as_str).unwrap_or_default();
        if !split_list(takes).contains(&content) {
            let text = format!("storage '{storage}' does not support {said}");
            return Err(match guest.kind {
                GuestKind::Qemu => bad_param("storage", text),
                GuestKind::Lxc => failed(text),
            });
        }
        let kind = place.get("type").and_then(Value::as_str).unwrap_or_default();
        let base = match (kind, guest.kind) {
            ("zfspool", GuestKind::Lxc) => "subvol",
            _ => "vm",
        };
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.free_name(guest, base),
        };
        let volid = match kind {
            "dir" | "nfs" | "cifs" | "btrfs" | "cephfs" => {
                format!("{storage}:{}/{name}.raw", guest.vmid)
            }
            _ => format!("{storage}:{name}"),
        };
        let mut row = json!({
            "storage": storage, "volid": volid, "vmid": guest.vmid, "content": content,
            "format": "raw", "size": size, "ctime": self.clock,
        });
        if !is_shared(&place) {
            row["node"] = guest.node.as_str().into();
        }
        self.volumes.extend(row.as_object().cloned());
        Ok(volid)
    }

    /// The first `vm-100-disk-0`, `vm-100-disk-1`, ... that no volume has.
    fn free_name(&self, guest: &Guest, base: &str) -> String {
        let known = |name: &str| {
            let ends = |volid: &str| {
                volid.trim_end_matches(".raw").rsplit([':', '/']).next() == Some(name)
            };
            let registered = self.volumes.iter().filter_map(|row| row.get("volid")?.as_str());
            let others = self.guests.get(&guest.vmid).into_iter();
            let configured = others.chain([guest]).flat_map(|guest| guest.config.values());
            registered.chain(configured.filter_map(|value| volid(value.as_str()?))).any(ends)
        };
        let names = (0..).map(|number| format!("{base}-{}-disk-{number}", guest.vmid));
        names.into_iter().find(|name| !known(name)).unwrap_or_default()
    }

    /// The size of a volume in bytes.
    pub(crate) fn volume_size(&self, id: &str) -> Option<u64> {
        let row = self.volumes.iter().find(|row| row.get("volid").is_some_and(|known| known == id));
        row.and_then(|row| row.get("size")?.as_u64()).or_else(|| {
            let configured = self.guests.values().flat_map(|guest| guest.config.values());
            let text = configured.filter_map(Value::as_str).find(|text| volid(text) == Some(id))?;
            property::value(text, "size").and_then(disk_size)
        })
    }

    /// Changes what is known about a volume.
    pub(crate) fn change_volume(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let found = |row: &&mut Map<String, Value>| row.get("volid").is_some_and(|v| v == id);
        if let Some(row) = self.volumes.iter_mut().find(found) {
            change(row);
        }
    }

    /// Removes a volume.
    pub(crate) fn free_volume(&mut self, id: &str) {
        self.volumes.retain(|row| row.get("volid").is_none_or(|known| known != id));
    }

    /// Removes all disks of a guest.
    pub(crate) fn free_disks(&mut self, vmid: u32) {
        self.volumes.retain(|row| !(is_disk(row) && row.get("vmid").is_some_and(|v| *v == vmid)));
    }

    /// Moves the disks of a guest that are on one node only.
    pub(crate) fn move_disks(&mut self, vmid: u32, node: &str) {
        for row in &mut self.volumes {
            if is_disk(row)
                && row.get("vmid").is_some_and(|v| *v == vmid)
                && row.contains_key("node")
            {
                row.insert("node".into(), node.into());
            }
        }
    }

    /// Whether a volume can be reached from every node.
    pub(crate) fn is_on_shared_storage(&self, volid: &str) -> bool {
        let storage = volid.split(':').next().unwrap_or_default();
        self.storages.get(storage).is_some_and(is_shared)
    }
}

fn is_disk(row: &Map<String, Value>) -> bool {
    row.get("content").is_some_and(|content| content == "images" || content == "rootdir")
}

pub(crate) fn is_shared(storage: &Map<String, Value>) -> bool {
    storage.get("shared").is_some_and(|flag| *flag == 1 || *flag == "1")
}

/// The volume that a value of a configuration names: `local-lvm:vm-100-disk-0,size=4G`.
pub(crate) fn volid(value: &str) -> Option<&str> {
    let first = value.split(',').next()?;
    let first = first.strip_prefix("file=").or(first.strip_prefix("volume=")).unwrap_or(first);
    let (storage, name) = first.split_once(':')?;
    (!storage.is_empty() && !name.is_empty() && !storage.contains('=')).then_some(first)
}

/// Whether a key of a configuration holds a volume.
pub(crate) fn is_disk_key(key: &str) -> bool {
    let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = family.len() < key.len();
    key == "rootfs"
        || (numbered
            && matches!(
                family,
                "scsi" | "virtio" | "sata" | "ide" | "efidisk" | "tpmstate" | "mp" | "unused"
            ))
}

/// Disks that belong to the guest: no images that are only mounted, no numbers of GiB.
pub(crate) fn own_disks(guest: &Guest) -> Vec<(String, String)> {
    let own = |(key, value): (&String, &Value)| {
        let volid = volid(value.as_str()?).filter(|_| is_disk_key(key))?;
        let mark = format!("-{}-", guest.vmid);
        volid.contains(&mark).then(|| (key.clone(), volid.to_owned()))
    };
    guest.config.iter().filter_map(own).collect()
}

/// A size as configurations have it: `4G`, `528K`, `100`.
pub(crate) fn size_text(bytes: u64) -> String {
    let units = [(1_u64 << 40, 'T'), (1 << 30, 'G'), (1 << 20, 'M'), (1 << 10, 'K')];
    match units.iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, letter)) => format!("{}{letter}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// The same value with another size.
pub(crate) fn with_size(value: &str, bytes: u64) -> String {
    let rest = value.split(',').filter(|part| !part.starts_with("size="));
    let mut parts: Vec<String> = rest.map(str::to_owned).collect();
    parts.push(format!("size={}", size_text(bytes)));
    parts.join(",")
}

/// The same value with another volume.
pub(crate) fn with_volume(value: &str, volid: &str) -> String {
    match value.split_once(',') {
        Some((_, rest)) => format!("{volid},{rest}"),
        None => volid.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_the_largest_unit_that_fits() {
        for (bytes, text) in [(4 << 30, "4G"), (1 << 40, "1T"), (528 << 10, "528K"), (100, "100")] {
            assert_eq!(size_text(bytes), text);
            assert_eq!(disk_size(text), Some(bytes));
        }
        assert_eq!(with_size("a:b,size=1G,ssd=1", 2 << 30), "a:b,ssd=1,size=2G");
    }

    #[test]
    fn volumes_are_told_from_other_values() {
        let cases = [
            ("local-lvm:vm-1-disk-0,size=4G", Some("local-lvm:vm-1-disk-0")),
            ("none,media=cdrom", None),
            ("virtio=BC:24:11:00:00:01,bridge=vmbr0", None),
            ("file=ceph:vm-1-disk-0", Some("ceph:vm-1-disk-0")),
        ];
        for (value, expected) in cases {
            assert_eq!(volid(value), expected);
        }
    }
}
