//! Creating guests, by themselves or from a backup.

use serde_json::{Map, Value};

use super::{need, node_name};
use crate::mock::answer::{Outcome, Refusal, data, failed, refuse};
use crate::mock::api::backup;
use crate::mock::api::config::{only_root, settings, store};
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, GuestKind, property};

pub(crate) fn create(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (kind, node) = (call.kind(), node_name(cluster, call));
    let vmid = call.number("vmid").and_then(|vmid| u32::try_from(vmid).ok());
    let vmid = vmid.unwrap_or_else(|| cluster.next_id());
    need(cluster, &format!("/vms/{vmid}"), "VM.Allocate")?;
    if let Some(pool) = call.text("pool")
        && !cluster.pools.contains_key(&pool)
    {
        return Err(refuse(403, format!("pool '{pool}' does not exist")));
    }
    let archive = archive(call);
    let verb = if archive.is_some() { "restore" } else { "create" };
    is_free(cluster, call, vmid, verb)?;
    let mut guest = Guest::new(vmid, kind, &node);
    only_root(call, &guest)?;
    guest.pool = call.text("pool");
    match &archive {
        Some(volid) => backup::restore(cluster, call, volid, &mut guest)?,
        None => fresh(cluster, call, &mut guest)?,
    }
    let changes: Map<String, Value> = settings(&call.params).collect();
    store(cluster, &mut guest, &changes)?;
    if archive.is_none() && kind == GuestKind::Qemu && !guest.config.contains_key("boot") {
        boot_order(&mut guest);
    }
    let mut reserved = guest.clone();
    reserved.config.insert("lock".into(), "create".into());
    guest.running = call.flag("start");
    // Listed from the first moment on, as what it is: locked.
    cluster.guests.insert(vmid, reserved);
    let what = (&*kind.task(verb), &*vmid.to_string());
    data(cluster.spawn(&node, what, &call.user, move |cluster| {
        cluster.guests.insert(vmid, guest.clone());
    }))
}

/// The backup that a call restores.
fn archive(call: &Call) -> Option<String> {
    match call.kind() {
        GuestKind::Qemu => call.text("archive"),
        GuestKind::Lxc => call.text("ostemplate").filter(|_| call.flag("restore")),
    }
}

/// A number that is taken is taken by a guest of either kind; a backup may replace one by force.
fn is_free(cluster: &mut Cluster, call: &Call, vmid: u32, verb: &str) -> Result<(), Refusal> {
    let Some(other) = cluster.guests.get(&vmid) else { return Ok(()) };
    let here = other.kind == call.kind() && other.node == node_name(cluster, call);
    if verb == "restore" && call.flag("force") && here {
        if other.running {
            let who = other.kind.short();
            return Err(failed(format!("unable to restore {who} {vmid} - {who} is running")));
        }
        cluster.free_disks(vmid);
        cluster.guests.remove(&vmid);
        return Ok(());
    }
    let exists = format!("{} {vmid} already exists on node '{}'", other.kind.short(), other.node);
    Err(failed(match call.kind() {
        GuestKind::Qemu => format!("unable to {verb} VM {vmid} - {exists}"),
        GuestKind::Lxc => exists,
    }))
}

/// What a new guest has without being told.
fn fresh(cluster: &mut Cluster, call: &Call, guest: &mut Guest) -> Result<(), Refusal> {
    let mut set = |key: &str, value: Value| guest.config.insert(key.to_owned(), value);
    match call.kind() {
        GuestKind::Qemu => {
            let meta = format!("creation-qemu=10.0.2,ctime={}", cluster.clock);
            set("meta", meta.into());
            set("memory", "512".into());
            let uuid = property::new_uuid(guest.vmid, cluster.clock);
            set("smbios1", format!("uuid={uuid}").into());
            set("vmgenid", uuid.into());
        }
        GuestKind::Lxc => {
            let template = call.text("ostemplate").unwrap_or_default();
            let file = template.rsplit('/').next().unwrap_or_default();
            let system = file.split('-').next().filter(|system| !system.is_empty());
            set("ostype", system.unwrap_or("unmanaged").into());
            set("arch", "amd64".into());
            set("memory", 512.into());
            set("swap", 512.into());
            set("unprivileged", 1.into());
            if !call.params.contains_key("rootfs") {
                let storage = call.text("storage").unwrap_or_else(|| "local".to_owned());
                let rootfs = Value::from(format!("{storage}:4"));
                store(cluster, guest, &Map::from_iter([("rootfs".to_owned(), rootfs)]))?;
            }
        }
    }
    Ok(())
}

/// The first disk, the first drive, the first interface.
fn boot_order(guest: &mut Guest) {
    let first = |families: &[&str], drive: bool| {
        let fits = |key: &&String| {
            let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
            let is_drive = guest.text(key).is_some_and(|text| text.contains("media=cdrom"));
            families.contains(&family) && family.len() < key.len() && is_drive == drive
        };
        guest.config.keys().filter(fits).min().cloned()
    };
    let disks = ["scsi", "virtio", "sata", "ide"];
    let order: Vec<String> = [first(&disks, false), first(&disks, true), first(&["net"], false)]
        .into_iter()
        .flatten()
        .collect();
    if !order.is_empty() {
        guest.config.insert("boot".into(), format!("order={}", order.join(";")).into());
    }
}
