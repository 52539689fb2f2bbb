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
    // Resolved first: the guest that it was made of may be replaced.
    let source = archive.map(|volid| backup::find(cluster, &volid)).transpose()?;
    let replaced = is_free(cluster, call, vmid, verb)?;
    match built(cluster, call, Guest::new(vmid, kind, &node), source) {
        Ok(guest) => {
            let what = (&*kind.task(verb), &*vmid.to_string());
            data(cluster.spawn_guest(&node, what, &call.user, ("create", guest)))
        }
        Err(refusal) => {
            cluster.guests.extend(replaced.map(|guest| (vmid, guest)));
            Err(refusal)
        }
    }
}

/// The guest with all that was asked for.
fn built(
    cluster: &mut Cluster,
    call: &Call,
    mut guest: Guest,
    source: Option<Guest>,
) -> Result<Guest, Refusal> {
    only_root(call, &guest)?;
    guest.pool = call.text("pool");
    let restored = source.is_some();
    match source {
        Some(source) => backup::restore(cluster, call, source, &mut guest)?,
        None => fresh(cluster, call, &mut guest)?,
    }
    let changes: Map<String, Value> = settings(&call.params).collect();
    store(cluster, &mut guest, &changes)?;
    if !restored && guest.kind == GuestKind::Qemu && !guest.config.contains_key("boot") {
        boot_order(&mut guest);
    }
    guest.running = call.flag("start");
    Ok(guest)
}

/// The backup that a call restores.
fn archive(call: &Call) -> Option<String> {
    match call.kind() {
        GuestKind::Qemu => call.text("archive"),
        GuestKind::Lxc => call.text("ostemplate").filter(|_| call.flag("restore")),
    }
}

/// A number that is taken is taken by a guest of either kind. A backup may replace one by force, which
/// is given then, for the case that something else is wrong.
fn is_free(
    cluster: &mut Cluster,
    call: &Call,
    vmid: u32,
    verb: &str,
) -> Result<Option<Guest>, Refusal> {
    let Some(other) = cluster.guests.get(&vmid) else { return Ok(None) };
    let here = other.kind == call.kind() && other.node == node_name(cluster, call);
    let who = other.kind.short();
    if verb == "restore" && call.flag("force") && here {
        if other.running {
            return Err(failed(format!("unable to restore {who} {vmid} - {who} is running")));
        }
        cluster.free_disks(vmid);
        return Ok(cluster.guests.remove(&vmid));
    }
    let exists = format!("{who} {vmid} already exists on node '{}'", other.node);
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
