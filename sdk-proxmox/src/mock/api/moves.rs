//! Guests that go: to another node, or for good.

use serde_json::{Value, json};

use super::{guest, task};
use crate::mock::answer::{Outcome, bad_param, data, failed};
use crate::mock::api::disks::local_disks;
use crate::mock::api::snapshots::refuse_locked;
use crate::mock::call::Call;
use crate::mock::{Cluster, GuestKind};

/// Whether a guest may be moved, and what stands in the way.
pub(crate) fn preconditions(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Migrate")?.clone();
    let others: Vec<&str> = cluster
        .nodes
        .iter()
        .filter(|node| node.online && node.name != guest.node)
        .map(|node| node.name.as_str())
        .collect();
    let disks: Vec<Value> = local_disks(cluster, &guest)
        .into_iter()
        .map(|(key, volid)| {
            let size = cluster.volume_size(&volid).unwrap_or(0);
            json!({ "drivename": key, "volid": volid, "size": size, "cdrom": 0, "is_unused": 0 })
        })
        .collect();
    let mut answer = json!({
        "running": u8::from(guest.running),
        "allowed_nodes": others,
        "not_allowed_nodes": {},
    });
    if guest.kind == GuestKind::Qemu {
        answer["local_disks"] = disks.into();
        answer["local_resources"] = json!([]);
        answer["mapped-resources"] = json!([]);
        answer["mapped-resource-info"] = json!({});
        answer["has-dbus-vmstate"] = 1.into();
    }
    data(answer)
}

pub(crate) fn migrate(cluster: &mut Cluster, call: &Call) -> Outcome {
    let target = call.text("target").unwrap_or_default();
    let here = super::node_name(cluster, call);
    if here == target {
        return Err(bad_param("target", "target is local node."));
    }
    match cluster.node(&target).map(|node| node.online) {
        None => return Err(failed(format!("no such cluster node '{target}'"))),
        Some(false) => return Err(failed(format!("node '{target}' is not online"))),
        Some(true) => {}
    }
    let guest = guest(cluster, call, "VM.Migrate")?;
    refuse_locked(guest)?;
    let restarts = call.flag("restart") || call.flag("online");
    match (guest.running, guest.kind) {
        (true, GuestKind::Qemu) if !call.flag("online") => {
            return Err(failed("can't migrate running VM without --online"));
        }
        (true, GuestKind::Lxc) if !restarts => {
            let text = "can't migrate running container without --online or --restart";
            return Err(failed(text));
        }
        _ => {}
    }
    let vmid = guest.vmid;
    data(task(cluster, call, "migrate", move |cluster| {
        cluster.change(vmid, |guest| guest.node.clone_from(&target));
        cluster.move_disks(vmid, &target);
    }))
}

pub(crate) fn destroy(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Allocate")?.clone();
    let (vmid, who) = (guest.vmid, guest.kind.short());
    if guest.text("lock").is_some_and(|lock| lock != "suspended") && !call.flag("skiplock") {
        refuse_locked(&guest)?;
    }
    if guest.text("protection").as_deref() == Some("1") {
        return Err(failed(format!("can't remove {who} {vmid} - protection mode enabled")));
    }
    if cluster.is_managed(&guest) && !call.flag("purge") {
        let text = "used in HA resources and purge parameter not set.";
        return Err(failed(format!("unable to remove {who} {vmid} - {text}")));
    }
    match (guest.running, guest.kind) {
        (true, GuestKind::Qemu) => {
            return Err(failed(format!("VM {vmid} is running - destroy failed")));
        }
        (true, GuestKind::Lxc) if !call.flag("force") => {
            return Err(failed(format!("unable to destroy CT {vmid} - container is running")));
        }
        _ => {}
    }
    data(task(cluster, call, "destroy", move |cluster| {
        cluster.guests.remove(&vmid);
        cluster.free_disks(vmid);
        // What was set below the guest goes with it.
        let id = vmid.to_string();
        cluster.stored.retain(|place, _| {
            !(place.first().is_some_and(|first| first == "nodes") && place.get(3) == Some(&id))
        });
        let managed = vec!["cluster".to_owned(), "ha".to_owned(), "resources".to_owned()];
        if let Some(resources) = cluster.stored.get_mut(&managed) {
            let sid = |row: &serde_json::Map<String, Value>| {
                row.get("sid").and_then(Value::as_str).map(str::to_owned)
            };
            resources.retain(|row| {
                sid(row).and_then(|sid| Some(sid.split_once(':')?.1 == id)) != Some(true)
            });
        }
    }))
}
