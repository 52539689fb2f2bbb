//! Snapshots of guests.

use serde_json::{Value, json};

use super::{guest, task, task_fails};
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, Snapshot};

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    let mut rows: Vec<Value> = guest.snapshots.iter().map(row).collect();
    // The present state is shown as a snapshot.
    let mut current = json!({
        "name": "current",
        "description": "You are here!",
        "running": u8::from(guest.running),
        "digest": guest.digest(),
    });
    let parent = guest.text("parent").or(guest.snapshots.last().map(|last| last.name.clone()));
    if let Some(parent) = parent {
        current["parent"] = parent.into();
    }
    rows.push(current);
    data(rows)
}

fn row(snapshot: &Snapshot) -> Value {
    let mut row = json!({
        "name": snapshot.name,
        "description": snapshot.description,
        "snaptime": snapshot.time,
        "vmstate": u8::from(snapshot.with_memory),
    });
    if let Some(parent) = &snapshot.parent {
        row["parent"] = parent.as_str().into();
    }
    row
}

pub(crate) fn config(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    let snapshot = find(guest, call.at("snapname")).map_err(failed)?;
    let mut config = snapshot.config.clone();
    config.insert("snaptime".into(), snapshot.time.into());
    data(config)
}

/// Changes what a snapshot is said to be for.
pub(crate) fn describe(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (name, text) = (call.at("snapname").to_owned(), call.text("description"));
    let guest = guest(cluster, call, "VM.Snapshot")?;
    find(guest, &name).map_err(failed)?;
    for snapshot in guest.snapshots.iter_mut().filter(|snapshot| snapshot.name == name) {
        snapshot.description = text.clone().unwrap_or_else(|| snapshot.description.clone());
    }
    data(Value::Null)
}

pub(crate) fn take(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.text("snapname").unwrap_or_default();
    if name == "current" {
        return Err(failed("unable to use snapshot name 'current' (reserved name)"));
    }
    let guest = guest(cluster, call, "VM.Snapshot")?;
    refuse_locked(guest)?;
    let vmid = guest.vmid;
    let with_memory = call.flag("vmstate") && guest.running;
    if find(guest, &name).is_ok() {
        let error = format!("snapshot name '{name}' already used");
        return data(task_fails(cluster, call, "snapshot", error));
    }
    let description = call.text("description").unwrap_or_default();
    data(task(cluster, call, "snapshot", move |cluster| {
        let time = cluster.clock;
        cluster.change(vmid, |guest| {
            let parent = guest.text("parent").or(guest.snapshots.last().map(|s| s.name.clone()));
            let mut config = guest.config.clone();
            config.remove("parent");
            let (name, description) = (name.clone(), description.clone());
            guest.config.insert("parent".into(), name.clone().into());
            guest.snapshots.push(Snapshot { name, description, time, parent, config, with_memory });
        });
    }))
}

pub(crate) fn remove(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Snapshot")?;
    refuse_locked(guest)?;
    let (vmid, name) = (guest.vmid, call.at("snapname").to_owned());
    if let Err(error) = find(guest, &name).map(drop) {
        return data(task_fails(cluster, call, "delsnapshot", error));
    }
    data(task(cluster, call, "delsnapshot", move |cluster| {
        cluster.change(vmid, |guest| {
            let gone = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
            let before = gone.and_then(|gone| gone.parent.clone());
            guest.snapshots.retain(|snapshot| snapshot.name != name);
            // What came after it comes after its parent now.
            for later in guest.snapshots.iter_mut() {
                if later.parent.as_ref() == Some(&name) {
                    later.parent = before.clone();
                }
            }
            if guest.text("parent").as_ref() == Some(&name) {
                match &before {
                    Some(before) => guest.config.insert("parent".into(), before.clone().into()),
                    None => guest.config.remove("parent"),
                };
            }
        });
    }))
}

pub(crate) fn rollback(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Snapshot")?;
    refuse_locked(guest)?;
    let (vmid, name) = (guest.vmid, call.at("snapname").to_owned());
    let start = call.flag("start");
    if let Err(error) = find(guest, &name).map(drop) {
        return data(task_fails(cluster, call, "rollback", error));
    }
    data(task(cluster, call, "rollback", move |cluster| {
        cluster.change(vmid, |guest| {
            let Ok(snapshot) = find(guest, &name).cloned() else { return };
            guest.config = snapshot.config;
            guest.config.insert("parent".into(), name.clone().into());
            guest.pending.clear();
            guest.switch(snapshot.with_memory || start);
        });
    }))
}

fn find<'a>(guest: &'a Guest, name: &str) -> Result<&'a Snapshot, String> {
    let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
    found.ok_or_else(|| format!("snapshot '{name}' does not exist"))
}

pub(crate) fn refuse_locked(guest: &Guest) -> Result<(), Refusal> {
    match guest.text("lock") {
        Some(lock) => Err(failed(format!("{} is locked ({lock})", guest.kind.short()))),
        None => Ok(()),
    }
}
