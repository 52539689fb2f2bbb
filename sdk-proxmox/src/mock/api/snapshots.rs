//! Snapshots of guests.

use serde_json::{Value, json};

use super::guest;
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::call::Call;
use crate::mock::task::Effect;
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
    if let Some(last) = guest.snapshots.last() {
        current["parent"] = last.name.as_str().into();
    }
    rows.push(current);
    data(rows)
}

fn row(snapshot: &Snapshot) -> Value {
    let mut row = json!({
        "name": snapshot.name,
        "description": snapshot.description,
        "snaptime": snapshot.time,
        "vmstate": 0,
    });
    if let Some(parent) = &snapshot.parent {
        row["parent"] = parent.as_str().into();
    }
    row
}

pub(crate) fn config(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    let snapshot = find(guest, call)?;
    let mut config = snapshot.config.clone();
    config.insert("snaptime".into(), snapshot.time.into());
    data(config)
}

pub(crate) fn take(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.text("snapname").unwrap_or_default();
    if name == "current" {
        return Err(failed("unable to use snapshot name 'current' (reserved name)"));
    }
    let guest = guest(cluster, call, "VM.Snapshot")?;
    if guest.snapshots.iter().any(|snapshot| snapshot.name == name) {
        return Err(failed(format!("snapshot name '{name}' already used")));
    }
    let description = call.text("description").unwrap_or_default();
    let effect = Effect::TakeSnapshot { vmid: guest.vmid, name, description };
    spawn(cluster, call, "snapshot", effect)
}

pub(crate) fn remove(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Snapshot")?;
    let name = find(guest, call)?.name.clone();
    let effect = Effect::DropSnapshot { vmid: guest.vmid, name };
    spawn(cluster, call, "delsnapshot", effect)
}

pub(crate) fn rollback(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Snapshot")?;
    let name = find(guest, call)?.name.clone();
    let effect = Effect::Rollback { vmid: guest.vmid, name };
    spawn(cluster, call, "rollback", effect)
}

fn find<'a>(guest: &'a Guest, call: &Call) -> Result<&'a Snapshot, Refusal> {
    let name = call.at("snapname");
    let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
    found.ok_or_else(|| failed(format!("snapshot '{name}' does not exist")))
}

fn spawn(cluster: &mut Cluster, call: &Call, verb: &str, effect: Effect) -> Outcome {
    let (kind, vmid) = (call.kind().task(verb), call.vmid().to_string());
    let node = super::node_name(cluster, call);
    data(cluster.spawn(&node, (&kind, &vmid), &call.user, effect))
}
