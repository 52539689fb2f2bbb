//! Replication and backup jobs, in the plugin's tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::guests::Placed;
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::{BackupJob, Inventory, Replication};

const NO_ENDPOINT: &str =
    "is left out: the plugin has no Proxmox endpoint for it, and its table needs one";

/// Settles the replication jobs of one cluster.
pub(super) fn plan_replications(
    draft: &mut Draft<'_>,
    place: &Place,
    inventory: &Inventory,
    guests: &BTreeMap<i64, &Placed<'_>>,
) {
    let Some(jobs) = inventory.replications.as_ref() else { return };
    if !draft.mirror.knows(Kind::Replication) {
        return;
    }
    let existing = existing(draft, Kind::Replication, "replication_id", place);
    let mut seen = BTreeSet::new();
    for job in jobs {
        let key = Key::new(Kind::Replication, format!("{}/{}", place.name, job.id));
        let Some(placed) = guests.get(&job.vmid) else {
            draft.skip(key, "belongs to a guest that NetBox does not show");
            continue;
        };
        if place.rows.endpoint.is_none() {
            draft.skip(key, NO_ENDPOINT);
            continue;
        }
        seen.insert(job.id.as_str());
        let found = existing.get(job.id.as_str()).map(|row| row.id);
        draft.settle(Wanted::new(key, found, replication(place, placed, job)));
    }
    if !inventory.is_part {
        retire(draft, Kind::Replication, place, &existing, &seen);
    }
}

fn replication(place: &Place, placed: &Placed<'_>, job: &Replication) -> Fields {
    let source = job.source.as_deref().unwrap_or(&placed.guest.node);
    Fields::from([
        ("endpoint", place.rows.endpoint()),
        ("replication_id", job.id.as_str().into()),
        ("virtual_machine", placed.machine.clone().into()),
        ("proxmox_node", place.rows.node(source)),
        ("guest", Value::Int(job.vmid)),
        ("jobnum", Value::Int(job.number)),
        ("target", job.target.as_str().into()),
        ("job_type", "local".into()),
        // Proxmox's default, which it leaves out.
        ("schedule", job.schedule.as_deref().unwrap_or("*/15").into()),
        ("rate", job.rate.map(Value::Hundredths).into()),
        ("comment", job.comment.as_deref().map(str::trim).into()),
        ("disable", job.disabled.into()),
        ("source", source.into()),
        ("remove_job", job.removal.as_deref().into()),
        ("status", "active".into()),
        ("raw_config", Value::Json(job.raw.clone())),
        ("tags", our_tag()),
    ])
}

/// Settles the backup jobs of one cluster.
pub(super) fn plan_routines(
    draft: &mut Draft<'_>,
    place: &Place,
    inventory: &Inventory,
    storages: &BTreeMap<String, Ref>,
) {
    let Some(jobs) = inventory.backup_jobs.as_ref() else { return };
    if !draft.mirror.knows(Kind::BackupRoutine) {
        return;
    }
    let existing = existing(draft, Kind::BackupRoutine, "job_id", place);
    let mut seen = BTreeSet::new();
    for job in jobs {
        let key = Key::new(Kind::BackupRoutine, format!("{}/{}", place.name, job.id));
        if place.rows.endpoint.is_none() {
            draft.skip(key, NO_ENDPOINT);
            continue;
        }
        seen.insert(job.id.as_str());
        let found = existing.get(job.id.as_str()).map(|row| row.id);
        draft.settle(Wanted::new(key, found, routine(place, storages, job)));
    }
    retire(draft, Kind::BackupRoutine, place, &existing, &seen);
}

fn routine(place: &Place, storages: &BTreeMap<String, Ref>, job: &BackupJob) -> Fields {
    let raw = Settings(&job.raw);
    let (prune, performance) = (raw.inner("prune-backups"), raw.inner("performance"));
    let fleecing = raw.inner("fleecing");
    let storage = |name: Option<&str>| name.and_then(|name| storages.get(name)).cloned();
    Fields::from([
        ("endpoint", place.rows.endpoint()),
        ("job_id", job.id.as_str().into()),
        ("enabled", raw.on("enabled").unwrap_or(true).into()),
        ("schedule", raw.text("schedule").into()),
        ("node", raw.text("node").map_or(Value::Null, |node| place.rows.node(node))),
        ("storage", storage(raw.text("storage")).into()),
        ("selection", Value::Json(Json::Array(job.selection.clone()))),
        ("comment", raw.text("comment").map(str::trim).into()),
        ("status", "active".into()),
        ("keep_last", prune.number("keep-last").into()),
        ("keep_daily", prune.number("keep-daily").into()),
        ("keep_weekly", prune.number("keep-weekly").into()),
        ("keep_monthly", prune.number("keep-monthly").into()),
        ("keep_yearly", prune.number("keep-yearly").into()),
        ("keep_all", prune.on("keep-all").into()),
        ("notes_template", raw.text("notes-template").into()),
        ("bwlimit", raw.number("bwlimit").into()),
        ("zstd", raw.number("zstd").into()),
        ("io_workers", performance.number("max-workers").into()),
        ("fleecing", fleecing.on("enabled").map(|on| if on { "1" } else { "0" }).into()),
        ("fleecing_storage", storage(fleecing.text("storage")).into()),
        ("repeat_missed", raw.on("repeat-missed").into()),
        ("pbs_change_detection_mode", raw.text("pbs-change-detection-mode").into()),
        ("raw_config", Value::Json(Json::Object(job.raw.clone()))),
        ("tags", our_tag()),
    ])
}

/// Settings of a job, in whichever spelling Proxmox tells them.
#[derive(Clone, Copy)]
struct Settings<'j>(&'j Map<String, Json>);

impl<'j> Settings<'j> {
    fn text(self, name: &str) -> Option<&'j str> {
        self.0.get(name)?.as_str()
    }

    fn number(self, name: &str) -> Option<i64> {
        let value = self.0.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    fn on(self, name: &str) -> Option<bool> {
        let value = self.0.get(name)?;
        value.as_bool().or_else(|| Some(self.number(name)? != 0))
    }

    fn inner(self, name: &str) -> Self {
        static NOTHING: std::sync::LazyLock<Map<String, Json>> = std::sync::LazyLock::new(Map::new);
        Settings(self.0.get(name).and_then(Json::as_object).unwrap_or(&NOTHING))
    }
}

/// Rows of the endpoint by their name in Proxmox.
fn existing<'m>(
    draft: &Draft<'m>,
    kind: Kind,
    field: &str,
    place: &Place,
) -> BTreeMap<&'m str, &'m Existing> {
    let endpoint = place.rows.endpoint;
    let rows = draft.mirror.all(kind);
    let ours = rows.filter(|row| endpoint.is_some() && row.reference("endpoint") == endpoint);
    ours.map(|row| (row.text(field), row)).collect()
}

/// Jobs that Proxmox no longer has are marked, and stay.
fn retire(
    draft: &mut Draft<'_>,
    kind: Kind,
    place: &Place,
    existing: &BTreeMap<&str, &Existing>,
    seen: &BTreeSet<&str>,
) {
    for (id, row) in existing.iter().filter(|(id, _)| !seen.contains(*id)) {
        let fields = Fields::from([("status", "stale".into())]);
        let key = Key::new(kind, format!("{}/{id}", place.name));
        draft.settle(Wanted::new(key, Some(row.id), fields));
    }
}
