//! Backup and replication jobs of the cluster.

use serde_json::{Map, Value, json};

use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, generic, words};
use crate::parse::split_list;

fn place(jobs: &[Value], call: &Call) -> Result<usize, Refusal> {
    let id = call.at("id");
    let collection = call.op.path.rsplit_once('/').map_or("", |(above, _)| above);
    let found = jobs.iter().position(|job| job["id"] == id);
    found.ok_or_else(|| {
        words::missing(collection, id).unwrap_or_else(|| failed(format!("no such job '{id}'")))
    })
}

/// `prune-backups` is sent as text and read as an object.
fn job(call: &Call) -> Map<String, Value> {
    let mut job = generic::stored_part(call);
    if let Some(rule) = job.get("prune-backups").and_then(Value::as_str) {
        let pairs = rule.split(',').filter_map(|part| part.split_once('='));
        let keep: Map<_, _> = pairs.map(|(k, v)| (k.to_owned(), Value::from(v))).collect();
        job.insert("prune-backups".into(), keep.into());
    }
    job
}

pub(crate) fn backups(cluster: &mut Cluster, _: &Call) -> Outcome {
    data(cluster.backup_jobs.clone())
}

pub(crate) fn backup(cluster: &mut Cluster, call: &Call) -> Outcome {
    data(cluster.backup_jobs[place(&cluster.backup_jobs, call)?].clone())
}

pub(crate) fn create_backup(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut job = job(call);
    let free = |id: &String| cluster.backup_jobs.iter().all(|known| known["id"] != id.as_str());
    let name = (1..).map(|number| format!("backup-mock-{number:04}")).find(free);
    let id = job.entry("id").or_insert_with(|| name.unwrap_or_default().into()).clone();
    if cluster.backup_jobs.iter().any(|known| known["id"] == id) {
        let id = id.as_str().unwrap_or_default();
        return Err(words::taken(call.op.path, id).unwrap_or_else(|| failed("already exists")));
    }
    job.entry("enabled").or_insert_with(|| 1.into());
    job.insert("type".into(), "vzdump".into());
    job.insert("next-run".into(), (cluster.clock + 3600).into());
    cluster.backup_jobs.push(job.into());
    data(Value::Null)
}

pub(crate) fn update_backup(cluster: &mut Cluster, call: &Call) -> Outcome {
    let at = place(&cluster.backup_jobs, call)?;
    change(&mut cluster.backup_jobs[at], call);
    data(Value::Null)
}

fn change(known: &mut Value, call: &Call) {
    let Some(members) = known.as_object_mut() else { return };
    for key in split_list(&call.text("delete").unwrap_or_default()) {
        members.remove(key);
    }
    members.extend(job(call));
}

pub(crate) fn remove_backup(cluster: &mut Cluster, call: &Call) -> Outcome {
    let at = place(&cluster.backup_jobs, call)?;
    cluster.backup_jobs.remove(at);
    data(Value::Null)
}

pub(crate) fn replications(cluster: &mut Cluster, _: &Call) -> Outcome {
    data(cluster.replications.clone())
}

pub(crate) fn replication(cluster: &mut Cluster, call: &Call) -> Outcome {
    data(cluster.replications[place(&cluster.replications, call)?].clone())
}

pub(crate) fn create_replication(cluster: &mut Cluster, call: &Call) -> Outcome {
    let id = call.text("id").unwrap_or_default();
    let (vmid, number) = id.split_once('-').unwrap_or((&id, "0"));
    let target = call.text("target").unwrap_or_default();
    let guest = vmid.parse().ok().and_then(|vmid: u32| cluster.guests.get(&vmid));
    let guest = guest.ok_or_else(|| failed(format!("Guest '{vmid}' does not exist.")))?;
    if cluster.node(&target).is_none() {
        return Err(failed(format!("Target '{target}' does not exist.")));
    }
    if guest.node == target {
        return Err(failed("Source and target must not be identical"));
    }
    let row = json!({
        "guest": guest.vmid, "jobnum": number.parse::<u32>().unwrap_or(0), "source": guest.node,
    });
    if cluster.replications.iter().any(|known| known["id"] == id.as_str()) {
        return Err(words::taken(call.op.path, &id).unwrap_or_else(|| failed("already exists")));
    }
    let mut job = job(call);
    job.extend(row.as_object().cloned().unwrap_or_default());
    cluster.replications.push(job.into());
    data(Value::Null)
}

pub(crate) fn update_replication(cluster: &mut Cluster, call: &Call) -> Outcome {
    let at = place(&cluster.replications, call)?;
    change(&mut cluster.replications[at], call);
    data(Value::Null)
}

pub(crate) fn remove_replication(cluster: &mut Cluster, call: &Call) -> Outcome {
    let at = place(&cluster.replications, call)?;
    cluster.replications.remove(at);
    data(Value::Null)
}
