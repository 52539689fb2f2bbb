//! Disks of guests: growing, moving and removing them.

use serde_json::Value;

use super::{guest, task, task_fails};
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::api::config::{check_digest, keep_unused, wanted_size};
use crate::mock::call::Call;
use crate::mock::volumes::{own_disks, volid, with_size, with_volume};
use crate::mock::{Cluster, Guest, GuestKind, property};
use crate::parse::{disk_size, split_list};

/// Grows a disk; it never shrinks.
pub(crate) fn resize(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Config.Disk")?.clone();
    check_digest(&guest, call)?;
    let (key, size) =
        (call.text("disk").unwrap_or_default(), call.text("size").unwrap_or_default());
    let grown = grown(&guest, &key, &size);
    match (grown, guest.kind) {
        (Ok((value, bytes)), _) => {
            let vmid = guest.vmid;
            data(task(cluster, call, "resize", move |cluster| {
                if let Some(id) = volid(&value) {
                    cluster.change_volume(id, |row| {
                        row.insert("size".into(), bytes.into());
                    });
                }
                cluster.change(vmid, |guest| {
                    guest.config.insert(key.clone(), value.as_str().into());
                });
            }))
        }
        (Err(error), GuestKind::Qemu) => data(task_fails(cluster, call, "resize", error)),
        (Err(error), GuestKind::Lxc) => Err(failed(error)),
    }
}

fn grown(guest: &Guest, key: &str, size: &str) -> Result<(String, u64), String> {
    let value = guest.text(key).ok_or_else(|| format!("disk '{key}' does not exist"))?;
    let now = property::value(&value, "size").and_then(disk_size).unwrap_or(0);
    let bytes = wanted_size(now, size).unwrap_or(0);
    match bytes < now {
        true if guest.kind == GuestKind::Qemu => Err("shrinking disks is not supported".into()),
        true => Err("unable to shrink disk size".into()),
        false => Ok((with_size(&value, bytes), bytes)),
    }
}

/// Moves a disk to another storage; the old one stays as an unused one unless it is to be deleted.
pub(crate) fn relocate(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Config.Disk")?.clone();
    check_digest(&guest, call)?;
    let (key, verb) = match guest.kind {
        GuestKind::Qemu => (call.text("disk"), "move"),
        GuestKind::Lxc => (call.text("volume"), "move_volume"),
    };
    let key = key.unwrap_or_default();
    let missing = || failed(format!("disk '{key}' does not exist"));
    let old = own_disks(&guest).into_iter().find(|(known, _)| *known == key).ok_or_else(missing)?.1;
    let value = guest.text(&key).unwrap_or_default();
    let target = call.text("storage").unwrap_or_default();
    if old.split(':').next() == Some(target.as_str()) {
        return Err(failed("you can't move to the same storage with same format"));
    }
    let size = cluster.volume_size(&old).unwrap_or(0);
    let new = cluster.allocate(&target, &guest, size, None)?;
    let (vmid, delete) = (guest.vmid, call.flag("delete"));
    data(task(cluster, call, verb, move |cluster| {
        let Some(mut guest) = cluster.guests.get(&vmid).cloned() else { return };
        guest.config.insert(key.clone(), with_volume(&value, &new).into());
        match delete {
            true => cluster.free_volume(&old),
            false => keep_unused(cluster, &mut guest, &old),
        }
        cluster.guests.insert(vmid, guest);
    }))
}

/// Detaches disks, or removes them.
pub(crate) fn unlink(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut guest = guest(cluster, call, "VM.Config.Disk")?.clone();
    let (list, force) = (call.text("idlist").unwrap_or_default(), call.flag("force"));
    for key in split_list(&list) {
        let (_, volid) = own_disks(&guest)
            .into_iter()
            .find(|(known, _)| known == key)
            .ok_or_else(|| failed(format!("disk '{key}' does not exist")))?;
        guest.config.remove(key);
        match force || key.starts_with("unused") {
            true => cluster.free_volume(&volid),
            false => keep_unused(cluster, &mut guest, &volid),
        }
    }
    cluster.guests.insert(guest.vmid, guest);
    data(Value::Null)
}

/// The disks of a guest that only its node can reach.
pub(crate) fn local_disks(cluster: &Cluster, guest: &Guest) -> Vec<(String, String)> {
    let mut disks = own_disks(guest);
    disks.retain(|(_, volid)| !cluster.is_on_shared_storage(volid));
    disks
}

/// New volumes for all disks of a copy, on `storage` or where the old ones are.
pub(crate) fn copy_disks(
    cluster: &mut Cluster,
    source: &Guest,
    copy: &mut Guest,
    storage: Option<&str>,
) -> Result<(), Refusal> {
    for (key, old) in own_disks(source) {
        if key.starts_with("unused") {
            copy.config.remove(&key);
            continue;
        }
        let target =
            storage.unwrap_or_else(|| old.split(':').next().unwrap_or_default()).to_owned();
        let size = cluster.volume_size(&old).unwrap_or(0);
        let name = old.ends_with("-cloudinit").then(|| format!("vm-{}-cloudinit", copy.vmid));
        let new = cluster.allocate(&target, copy, size, name.as_deref())?;
        let value = source.text(&key).unwrap_or_default();
        copy.config.insert(key, with_volume(&value, &new).into());
    }
    Ok(())
}
