//! Storages, backups, tasks and jobs out of the lists that hold them.

use std::collections::BTreeSet;

use proxbox_runtime::{OpenEnum, record_to_value};
use sdk_proxmox::parse::split_list;
use sdk_proxmox::pve::{ClusterBackupRow, ClusterReplicationRow, StorageContentRow, StorageRow};
use serde_json::{Map, Value, json};

use super::answers::{Answers, Shelf};
use super::{Backup, BackupJob, GuestKind, Replication, Scope, Storage, Task};

pub(super) fn storages(rows: &[StorageRow]) -> Vec<Storage> {
    let storage = |row: &StorageRow| {
        let mut settings = object(record_to_value(row));
        // Changes with every other storage's settings.
        settings.remove("digest");
        Storage { name: row.storage.clone(), settings }
    };
    let mut storages: Vec<Storage> = rows.iter().map(storage).collect();
    storages.sort_by(|one, other| one.name.cmp(&other.name));
    storages
}

pub(super) fn backups(answers: &Answers, scope: &Scope) -> Vec<Backup> {
    let rows =
        answers.backups.iter().flat_map(|(shelf, rows)| rows.iter().map(move |row| (shelf, row)));
    let mut backups: Vec<Backup> = rows.filter_map(|(shelf, row)| backup(shelf, row)).collect();
    backups.retain(|backup| scope.has_guest(backup.vmid));
    backups.sort_by(|one, other| one.volume.cmp(&other.volume));
    backups.dedup_by(|one, other| one.volume == other.volume);
    backups
}

/// Storages whose backups were all listed: by each node that has a storage of its own, by any
/// node where they share it.
pub(super) fn backups_known(answers: &Answers) -> BTreeSet<String> {
    let read = |storage: &str, node: &str| {
        let shelf = Shelf { storage: storage.to_owned(), node: node.to_owned() };
        answers.backups.contains_key(&shelf)
    };
    let mut known: BTreeSet<String> =
        answers.backups.keys().map(|one| one.storage.clone()).collect();
    for shelf in answers.asked.iter().filter(|shelf| !answers.backups.contains_key(shelf)) {
        known.remove(&shelf.storage);
    }
    for row in &answers.resources {
        if let (Some(storage), Some(node)) = (&row.storage, &row.node)
            && !row.shared.unwrap_or(false)
            && !read(storage, node)
        {
            known.remove(storage);
        }
    }
    known
}

/// None for what belongs to no guest.
fn backup(shelf: &Shelf, row: &StorageContentRow) -> Option<Backup> {
    let kind = |text: &str| row.volid.contains(text);
    let verification = row.verification.as_ref();
    Some(Backup {
        volume: row.volid.clone(),
        storage: shelf.storage.clone(),
        vmid: row.vmid?,
        kind: match () {
            () if kind("vzdump-lxc-") || kind("backup/ct/") => Some(GuestKind::Lxc),
            () if kind("vzdump-qemu-") || kind("backup/vm/") => Some(GuestKind::Qemu),
            () => None,
        },
        created: row.ctime,
        size: row.size,
        used: row.used,
        format: row.format.clone(),
        notes: row.notes.clone(),
        encrypted: row.encrypted.clone(),
        verification: verification.and_then(|one| Some((one.state.clone()?, one.upid.clone()))),
    })
}

/// Finished tasks of guests, each once: a migration is listed by both nodes.
pub(super) fn tasks(answers: &Answers, scope: &Scope) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (node, own) in &answers.nodes {
        for row in own.tasks.iter().flatten() {
            let vmid = row.id.as_deref().and_then(|id| id.parse().ok());
            let (Some(vmid), Some(start), Some(status)) = (vmid, row.starttime, &row.status) else {
                continue;
            };
            if !scope.has_guest(vmid) {
                continue;
            }
            tasks.push(Task {
                upid: row.upid.clone(),
                node: row.node.clone().unwrap_or_else(|| node.clone()),
                vmid,
                kind: row.kind.clone().unwrap_or_else(|| "unknown".into()),
                user: row.user.clone().unwrap_or_else(|| "unknown".into()),
                pid: row.pid,
                pstart: row.pstart,
                start,
                end: row.endtime,
                status: status.clone(),
            });
        }
    }
    tasks.sort_by(|one, other| one.upid.cmp(&other.upid));
    tasks.dedup_by(|one, other| one.upid == other.upid);
    tasks
}

pub(super) fn replications(rows: &[ClusterReplicationRow], scope: &Scope) -> Vec<Replication> {
    let mut found: Vec<Replication> = rows.iter().filter_map(replication).collect();
    found.retain(|one| scope.has_guest(one.vmid));
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

/// The id is `<guest>-<number>`, and both may be missing beside it.
fn replication(row: &ClusterReplicationRow) -> Option<Replication> {
    let (guest, number) = row.id.split_once('-')?;
    let mut raw = object(record_to_value(row));
    raw.remove("digest");
    Some(Replication {
        id: row.id.clone(),
        vmid: row.guest.or_else(|| guest.parse().ok())?,
        number: row.jobnum.or_else(|| number.parse().ok())?,
        target: row.target.clone()?,
        source: row.source.clone(),
        schedule: row.schedule.clone(),
        rate: row.rate.map(|rate| (rate * 100.0).round() as i64),
        comment: row.comment.clone(),
        disabled: row.disable.unwrap_or(false),
        removal: row.remove_job.as_ref().map(|how| how.as_str().to_owned()),
        raw: Value::Object(raw),
    })
}

pub(super) fn backup_jobs(rows: &[ClusterBackupRow]) -> Vec<BackupJob> {
    let job = |row: &ClusterBackupRow| {
        let mut raw = object(record_to_value(row));
        // Changes with each run of the job, and with every other job's settings.
        raw.remove("next-run");
        raw.remove("digest");
        BackupJob { id: row.id.clone(), selection: selection(row), raw }
    };
    let mut jobs: Vec<BackupJob> = rows.iter().map(job).collect();
    jobs.sort_by(|one, other| one.id.cmp(&other.id));
    jobs
}

/// Which guests: numbers, `pool:<name>`, or `all`. NetBox's plugin refuses an empty list.
fn selection(row: &ClusterBackupRow) -> Vec<Value> {
    let vmids = row.vmid.as_deref().map(split_list).unwrap_or_default();
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| json!(text), |vmid| json!(vmid));
    if let Some(pool) = &row.pool {
        return vec![json!(format!("pool:{pool}"))];
    }
    if vmids.is_empty() {
        return vec![json!("all")];
    }
    vmids.into_iter().map(number).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<T: proxbox_runtime::Record + Default>(json: &str) -> T {
        proxbox_runtime::decode(json.as_bytes()).unwrap().value
    }

    #[test]
    fn a_replication_is_known_by_its_id_where_nothing_else_is_told() {
        let row = decoded(r#"{"id":"104-2","target":"pve3","type":"local","rate":"10.5"}"#);
        let found = replication(&row).unwrap();
        assert_eq!((found.vmid, found.number, found.rate), (104, 2, Some(1050)));
    }

    #[test]
    fn the_selection_of_a_backup_job_is_never_empty() {
        for (json, expected) in [
            (r#"{"id":"a","vmid":"103,104"}"#, json!([103, 104])),
            (r#"{"id":"a","vmid":"all"}"#, json!(["all"])),
            (r#"{"id":"a","all":1}"#, json!(["all"])),
            (r#"{"id":"a","pool":"prod"}"#, json!(["pool:prod"])),
            (r#"{"id":"a"}"#, json!(["all"])),
        ] {
            assert_eq!(Value::Array(selection(&decoded(json))), expected, "{json}");
        }
    }
}
