//! Copies of guests, and templates to copy from.

use serde_json::Value;

use super::{guest, need, task};
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::api::disks::{copy_disks, local_disks};
use crate::mock::api::snapshots::refuse_locked;
use crate::mock::call::Call;
use crate::mock::volumes::{own_disks, with_volume};
use crate::mock::{Cluster, Guest, GuestKind, property};

pub(crate) fn clone(cluster: &mut Cluster, call: &Call) -> Outcome {
    let source = guest(cluster, call, "VM.Clone")?.clone();
    refuse_locked(&source)?;
    let vmid = call.number("newid").and_then(|vmid| u32::try_from(vmid).ok());
    let vmid = vmid.unwrap_or_else(|| cluster.next_id());
    need(cluster, &format!("/vms/{vmid}"), "VM.Allocate")?;
    let who = source.kind.short();
    if cluster.guests.contains_key(&vmid) {
        return Err(failed(format!("unable to create {who} {vmid}: config file already exists")));
    }
    let full = call.text("full").map_or(!source.is_template(), |full| full == "1");
    may_be_copied(cluster, call, &source, full)?;
    let target = call.text("target").unwrap_or_else(|| source.node.clone());
    let mut source = source;
    if let Some(name) = call.text("snapname") {
        let found = source.snapshots.iter().find(|snapshot| snapshot.name == name);
        let found = found.ok_or_else(|| failed(format!("snapshot '{name}' does not exist")))?;
        source.config = found.config.clone();
    }
    let mut copy = Guest::new(vmid, source.kind, &target);
    copy.config = source.config.clone();
    copy.pool = call.text("pool");
    rename(cluster, call, &source, &mut copy);
    match full {
        true => copy_disks(cluster, &source, &mut copy, call.text("storage").as_deref())?,
        false => link_disks(cluster, &source, &mut copy)?,
    }
    let what = (&*source.kind.task("clone"), &*source.vmid.to_string());
    data(cluster.spawn_guest(&source.node, what, &call.user, ("clone", copy)))
}

fn may_be_copied(
    cluster: &Cluster,
    call: &Call,
    source: &Guest,
    full: bool,
) -> Result<(), Refusal> {
    let who = source.kind.short();
    if let Some(target) = call.text("target").filter(|target| *target != source.node) {
        if cluster.node(&target).is_none() {
            return Err(failed(format!("no such cluster node '{target}'")));
        }
        if !local_disks(cluster, source).is_empty() {
            let text = format!("can't clone {who} to node '{target}' ({who} uses local storage)");
            return Err(failed(text));
        }
    }
    if full {
        let runs = source.kind == GuestKind::Lxc && source.running;
        if runs && call.text("snapname").is_none() {
            let text = "Full clone of a running container is only possible from a snapshot";
            return Err(failed(text));
        }
        return Ok(());
    }
    if call.text("storage").is_some() {
        return Err(failed("parameter 'storage' not allowed for linked clones"));
    }
    let unlinked = own_disks(source).into_iter().find(|(_, volid)| !volid.contains("base-"));
    match unlinked.filter(|(_, volid)| !volid.ends_with("-cloudinit")) {
        None => Ok(()),
        Some((key, volid)) => {
            let text = format!("Linked clone feature is not supported for '{volid}' ({key})");
            Err(failed(text))
        }
    }
}

/// A copy has a name, addresses and identifiers of its own.
fn rename(cluster: &Cluster, call: &Call, source: &Guest, copy: &mut Guest) {
    for key in ["template", "lock", "parent", "protection"] {
        copy.config.remove(key);
    }
    let given = call.text("name").or_else(|| call.text("hostname"));
    let name = given.or_else(|| match source.kind {
        GuestKind::Qemu => {
            let name = source.name().unwrap_or_else(|| source.vmid.to_string());
            Some(format!("Copy-of-VM-{name}"))
        }
        GuestKind::Lxc => source.name(),
    });
    if let Some(name) = name {
        copy.config.insert(copy.name_key().into(), name.into());
    }
    if let Some(description) = call.text("description") {
        copy.config.insert("description".into(), description.into());
    }
    property::renew(cluster.clock, copy);
}

fn link_disks(cluster: &mut Cluster, source: &Guest, copy: &mut Guest) -> Result<(), Refusal> {
    for (key, base) in own_disks(source) {
        let storage = base.split(':').next().unwrap_or_default();
        let size = cluster.volume_size(&base).unwrap_or(0);
        let name = base.ends_with("-cloudinit").then(|| format!("vm-{}-cloudinit", copy.vmid));
        let new = cluster.allocate(storage, copy, size, name.as_deref())?;
        let linked = match name {
            Some(_) => new,
            None => {
                let own = new.split(':').nth(1).unwrap_or_default();
                let linked = format!("{base}/{own}");
                cluster.change_volume(&new, |row| {
                    row.insert("volid".into(), linked.clone().into());
                    row.insert("parent".into(), base.clone().into());
                });
                linked
            }
        };
        let value = source.text(&key).unwrap_or_default();
        copy.config.insert(key, with_volume(&value, &linked).into());
    }
    Ok(())
}

/// Makes a template of a guest: its disks become what others are linked to.
pub(crate) fn template(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Allocate")?.clone();
    refuse_locked(&guest)?;
    let who = guest.kind.short();
    if guest.is_template() {
        return Err(failed("you can't convert a template to a template"));
    }
    if !guest.snapshots.is_empty() {
        let text = format!("unable to create template, because {who} contains snapshots");
        return Err(failed(text));
    }
    if guest.running {
        let text = format!("you can't convert a {who} to template if the {who} is running");
        return Err(failed(text));
    }
    let vmid = guest.vmid;
    let upid = task(cluster, call, "template", move |cluster| {
        let Some(mut guest) = cluster.guests.get(&vmid).cloned() else { return };
        for (key, old) in own_disks(&guest) {
            let new = old.replace(":vm-", ":base-").replace("/vm-", "/base-");
            let value = guest.text(&key).unwrap_or_default();
            if !old.ends_with("-cloudinit") {
                guest.config.insert(key, with_volume(&value, &new).into());
                cluster.change_volume(&old, |row| {
                    row.insert("volid".into(), new.into());
                });
            }
        }
        guest.config.insert("template".into(), 1.into());
        cluster.guests.insert(vmid, guest);
    });
    match guest.kind {
        GuestKind::Qemu => data(upid),
        // The call has no answer; the task is in the list.
        GuestKind::Lxc => data(Value::Null),
    }
}
