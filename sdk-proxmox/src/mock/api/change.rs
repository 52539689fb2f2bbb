//! Creating, changing, moving and removing guests.

use serde_json::{Map, Value};

use super::{guest, need, node_name};
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed};
use crate::mock::call::Call;
use crate::mock::task::Effect;
use crate::mock::{Cluster, Guest, GuestKind, property};

/// Parameters that say how to create or change, and are no part of the configuration.
const NOT_CONFIG: &[&str] = &[
    "vmid",
    "node",
    "start",
    "pool",
    "force",
    "unique",
    "bwlimit",
    "storage",
    "archive",
    "restore",
    "ostemplate",
    "password",
    "ssh-public-keys",
    "delete",
    "digest",
    "revert",
    "skiplock",
    "background_delay",
    "ignore-unpack-errors",
    "live-restore",
    "import-working-storage",
    "ha-managed",
];

pub(crate) fn create(cluster: &mut Cluster, call: &Call) -> Outcome {
    let kind = call.kind();
    let node = node_name(cluster, call);
    let vmid = call.number("vmid").and_then(|vmid| u32::try_from(vmid).ok());
    let vmid = vmid.unwrap_or_else(|| cluster.next_id());
    need(cluster, &format!("/vms/{vmid}"), "VM.Allocate")?;
    if let Some(other) = cluster.guests.get(&vmid) {
        let exists =
            format!("{} {vmid} already exists on node '{}'", other.kind.short(), other.node);
        return Err(failed(match kind {
            GuestKind::Qemu => format!("unable to create VM {vmid} - {exists}"),
            GuestKind::Lxc => exists,
        }));
    }
    let mut guest = Guest::new(vmid, kind, &node);
    guest.pool = call.text("pool");
    if kind == GuestKind::Qemu {
        guest.config.insert("meta".into(), "creation-qemu=10.0.2,ctime=1767225600".into());
        guest.config.insert("memory".into(), "512".into());
    }
    apply(&mut guest, &call.params);
    let mut reserved = guest.clone();
    reserved.config.insert("lock".into(), "create".into());
    guest.running = call.flag("start");
    let verb = kind.task("create");
    let answer = {
        // Listed from the first moment on, as what it is: locked.
        cluster.guests.insert(vmid, reserved);
        cluster.spawn(
            &node,
            (&verb, &vmid.to_string()),
            &call.user,
            Effect::Create(Box::new(guest)),
        )
    };
    data(answer)
}

pub(crate) fn clone(cluster: &mut Cluster, call: &Call) -> Outcome {
    let source = guest(cluster, call, "VM.Clone")?.clone();
    let vmid = call.number("newid").and_then(|vmid| u32::try_from(vmid).ok());
    let vmid = vmid.unwrap_or_else(|| cluster.next_id());
    if cluster.guests.contains_key(&vmid) {
        return Err(failed(format!("unable to create VM {vmid}: config file already exists")));
    }
    let target = call.text("target").unwrap_or_else(|| source.node.clone());
    let mut copy = Guest::new(vmid, source.kind, &target);
    copy.config = source.config.clone();
    copy.config.remove("template");
    copy.pool = call.text("pool");
    let name = call.text("name").or_else(|| call.text("hostname"));
    let name = name.unwrap_or_else(|| format!("Copy-of-{} {}", source.kind.short(), source.vmid));
    copy.config.insert(copy.name_key().into(), name.into());
    let what = (&*source.kind.task("clone"), &*source.vmid.to_string());
    data(cluster.spawn(&source.node, what, &call.user, Effect::Create(Box::new(copy))))
}

/// Changes the configuration at once.
pub(crate) fn update(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Config.Options")?;
    check_digest(guest, call)?;
    for key in crate::parse::split_list(&call.text("delete").unwrap_or_default()) {
        guest.config.remove(key);
    }
    apply(guest, &call.params);
    data(Value::Null)
}

/// Changes the configuration and answers a task, for virtual machines only.
pub(crate) fn update_later(cluster: &mut Cluster, call: &Call) -> Outcome {
    update(cluster, call)?;
    let (node, vmid) = (node_name(cluster, call), call.vmid().to_string());
    data(cluster.spawn(&node, ("qmconfig", &vmid), &call.user, Effect::Nothing))
}

pub(crate) fn template(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Allocate")?;
    if guest.running {
        let who = guest.kind.short();
        return Err(failed(format!(
            "you can't convert a {who} to template if the {who} is running"
        )));
    }
    guest.config.insert("template".into(), 1.into());
    if guest.kind == GuestKind::Lxc {
        return data(Value::Null);
    }
    let (node, vmid) = (guest.node.clone(), guest.vmid.to_string());
    data(cluster.spawn(&node, ("qmtemplate", &vmid), &call.user, Effect::Nothing))
}

pub(crate) fn migrate(cluster: &mut Cluster, call: &Call) -> Outcome {
    let target = call.text("target").unwrap_or_default();
    match cluster.node(&target).map(|node| node.online) {
        None => return Err(bad_param("target", "target node does not exist")),
        Some(false) => return Err(failed(format!("node '{target}' is not online"))),
        Some(true) => {}
    }
    let guest = guest(cluster, call, "VM.Migrate")?;
    if guest.node == target {
        return Err(bad_param("target", "target is local node."));
    }
    if guest.running && guest.kind == GuestKind::Qemu && !call.flag("online") {
        return Err(failed("can't migrate running VM without --online"));
    }
    let (vmid, kind, node) = (guest.vmid, guest.kind, guest.node.clone());
    let effect = Effect::Move { vmid, node: target };
    data(cluster.spawn(&node, (&kind.task("migrate"), &vmid.to_string()), &call.user, effect))
}

pub(crate) fn destroy(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Allocate")?;
    let (vmid, kind, node) = (guest.vmid, guest.kind, guest.node.clone());
    if guest.running {
        return Err(failed(format!("{} {vmid} is running - destroy failed", kind.short())));
    }
    let effect = Effect::Destroy(vmid);
    data(cluster.spawn(&node, (&kind.task("destroy"), &vmid.to_string()), &call.user, effect))
}

fn check_digest(guest: &Guest, call: &Call) -> Result<(), Refusal> {
    match call.text("digest") {
        Some(digest) if digest != guest.digest() => {
            Err(failed("detected modified configuration - file changed by other user? Try again."))
        }
        _ => Ok(()),
    }
}

/// Stores parameters as Proxmox does: whole numbers as numbers, `memory` of virtual machines and
/// limits as text.
fn apply(guest: &mut Guest, params: &Map<String, Value>) {
    for (key, value) in params {
        if NOT_CONFIG.contains(&key.as_str()) {
            continue;
        }
        let text = match value {
            Value::String(text) => property::stored(guest.kind, guest.vmid, key, text),
            Value::Bool(truth) => u8::from(*truth).to_string(),
            other => other.to_string(),
        };
        let is_text = match guest.kind {
            GuestKind::Qemu => matches!(key.as_str(), "memory" | "name" | "tags" | "agent"),
            GuestKind::Lxc => matches!(key.as_str(), "hostname" | "tags" | "description"),
        };
        let is_text = is_text || matches!(key.as_str(), "cpulimit" | "description" | "startup");
        let value = match text.parse::<i64>() {
            Ok(number) if !is_text => Value::from(number),
            _ => Value::from(text),
        };
        guest.config.insert(key.clone(), value);
    }
}
