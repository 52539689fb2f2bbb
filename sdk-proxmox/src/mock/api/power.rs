//! Starting and stopping guests.

use super::{guest, task, task_fails};
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::api::config::only_root;
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, GuestKind};

/// The guest, which is not locked.
fn unlocked(cluster: &mut Cluster, call: &Call) -> Result<Guest, Refusal> {
    let guest = guest(cluster, call, "VM.PowerMgmt")?;
    only_root(call, guest)?;
    match guest.text("lock") {
        Some(lock) if lock != "suspended" && !call.flag("skiplock") => {
            Err(failed(format!("{} is locked ({lock})", guest.kind.short())))
        }
        _ => Ok(guest.clone()),
    }
}

fn switch(cluster: &mut Cluster, call: &Call, verb: &str, running: bool) -> Outcome {
    let vmid = call.vmid();
    data(task(cluster, call, verb, move |cluster| {
        cluster.change(vmid, |guest| {
            guest.config.remove("lock");
            guest.switch(running);
        });
    }))
}

pub(crate) fn start(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = unlocked(cluster, call)?;
    let who = format!("{} {}", guest.kind.short(), guest.vmid);
    if cluster.is_managed(&guest) {
        let task = (&*guest.node, "hastart", &*guest.vmid.to_string());
        let vmid = guest.vmid;
        return data(cluster.spawn(task.0, (task.1, task.2), &call.user, move |cluster| {
            cluster.change(vmid, |guest| guest.switch(true));
        }));
    }
    if guest.is_template() {
        let kind = if guest.kind == GuestKind::Qemu { "vm" } else { "CT" };
        let error = format!("you can't start a {kind} if it's a template");
        return data(task_fails(cluster, call, "start", error));
    }
    match (guest.running, guest.kind) {
        (true, GuestKind::Lxc) => Err(failed(format!("{who} already running"))),
        (true, GuestKind::Qemu) => {
            data(task_fails(cluster, call, "start", format!("{who} already running")))
        }
        (false, _) => switch(cluster, call, "start", true),
    }
}

pub(crate) fn stop(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = unlocked(cluster, call)?;
    needs_running_container(&guest)?;
    switch(cluster, call, "stop", false)
}

pub(crate) fn shutdown(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = unlocked(cluster, call)?;
    needs_running_container(&guest)?;
    if guest.paused && !call.flag("forceStop") {
        return Err(failed("VM is paused - cannot shutdown"));
    }
    switch(cluster, call, "shutdown", false)
}

pub(crate) fn reboot(cluster: &mut Cluster, call: &Call) -> Outcome {
    needs_running(&unlocked(cluster, call)?)?;
    switch(cluster, call, "reboot", true)
}

/// Presses the button: the machine starts anew, with the configuration that it has.
pub(crate) fn reset(cluster: &mut Cluster, call: &Call) -> Outcome {
    needs_running(&unlocked(cluster, call)?)?;
    data(task(cluster, call, "reset", |_| {}))
}

/// Pauses a machine, or stops it with its memory on disk.
pub(crate) fn suspend(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = unlocked(cluster, call)?;
    needs_running(&guest)?;
    let (vmid, to_disk) = (guest.vmid, call.flag("todisk"));
    let verb = match (guest.kind, to_disk) {
        (GuestKind::Qemu, false) => "pause",
        _ => "suspend",
    };
    data(task(cluster, call, verb, move |cluster| {
        cluster.change(vmid, |guest| match to_disk {
            true => {
                guest.switch(false);
                guest.config.insert("lock".into(), "suspended".into());
            }
            false => guest.paused = true,
        });
    }))
}

pub(crate) fn resume(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = unlocked(cluster, call)?;
    let vmid = guest.vmid;
    if guest.text("lock").as_deref() != Some("suspended") {
        needs_running(&guest)?;
    }
    data(task(cluster, call, "resume", move |cluster| {
        cluster.change(vmid, |guest| {
            if guest.config.remove("lock").is_some() {
                guest.running = true;
            }
            guest.paused = false;
        });
    }))
}

fn needs_running(guest: &Guest) -> Result<(), Refusal> {
    match guest.running {
        true => Ok(()),
        // Not `CT`: the check is shared.
        false => Err(failed(format!("VM {} not running", guest.vmid))),
    }
}

/// Containers that do not run cannot be stopped; machines are stopped already.
fn needs_running_container(guest: &Guest) -> Result<(), Refusal> {
    match guest.kind == GuestKind::Lxc && !guest.running {
        true => Err(failed(format!("CT {} not running", guest.vmid))),
        false => Ok(()),
    }
}

/// Starts all guests of a node, or those that are named.
pub(crate) fn start_all(cluster: &mut Cluster, call: &Call) -> Outcome {
    all(cluster, call, "startall", true)
}

/// Stops all guests of a node, or those that are named.
pub(crate) fn stop_all(cluster: &mut Cluster, call: &Call) -> Outcome {
    all(cluster, call, "stopall", false)
}

fn all(cluster: &mut Cluster, call: &Call, kind: &str, running: bool) -> Outcome {
    let node = super::node_name(cluster, call);
    let named = call.text("vms");
    let force = call.flag("force");
    let wanted = |guest: &&Guest| {
        let named = named.as_ref().map(|named| {
            crate::parse::split_list(named).iter().any(|id| *id == guest.vmid.to_string())
        });
        let boots = guest.text("onboot").as_deref() == Some("1");
        let by_itself = !running || force || boots;
        guest.node == node
            && !guest.is_template()
            && named.unwrap_or(true)
            && (by_itself || (named.is_some() && force))
    };
    let vmids: Vec<u32> = cluster.guests.values().filter(wanted).map(|guest| guest.vmid).collect();
    data(cluster.spawn(&node, (kind, ""), &call.user, move |cluster| {
        for vmid in &vmids {
            cluster.change(*vmid, |guest| guest.switch(running));
        }
    }))
}
