//! Snapshots of guests, in the plugin's table.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Equipped;
use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::removals::remove;
use super::times::time;
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::Snapshot;
use crate::plan::guests::Placed;

/// Rows of one NetBox by machine.
pub(super) struct Rows<'m> {
    by_machine: BTreeMap<i64, Vec<&'m Existing>>,
}

impl<'m> Rows<'m> {
    pub(super) fn of(draft: &Draft<'m>, kind: Kind) -> Self {
        let mut by_machine: BTreeMap<i64, Vec<&Existing>> = BTreeMap::new();
        for row in draft.mirror.all(kind) {
            if let Some(machine) = row.reference("virtual_machine") {
                by_machine.entry(machine).or_default().push(row);
            }
        }
        Self { by_machine }
    }

    pub(super) fn of_machine(&self, machine: &Ref) -> &[&'m Existing] {
        machine.id().and_then(|id| self.by_machine.get(&id)).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn plan(
    draft: &mut Draft<'_>,
    guests: &[Equipped<'_>],
    storages: &BTreeMap<String, BTreeMap<String, Ref>>,
) {
    if !draft.mirror.knows(Kind::Snapshot) {
        return;
    }
    let rows = Rows::of(draft, Kind::Snapshot);
    for (placed, _) in guests {
        let Some(snapshots) = &placed.guest.snapshots else { continue };
        let existing = rows.of_machine(&placed.machine);
        let mut seen = BTreeSet::new();
        for snapshot in snapshots {
            let found = find(existing, snapshot, &placed.guest.node);
            seen.extend(found);
            settle(draft, storages, placed, snapshot, found);
        }
        for gone in existing.iter().filter(|row| !seen.contains(&row.id)) {
            retire(draft, placed, gone);
        }
    }
}

/// A snapshot goes with its guest to another node, so the name is enough.
fn find(existing: &[&Existing], snapshot: &Snapshot, node: &str) -> Option<i64> {
    let mut named: Vec<_> =
        existing.iter().filter(|row| row.text("name") == snapshot.name).collect();
    named.sort_by_key(|row| (row.text("node") != node, row.id));
    named.first().map(|row| row.id)
}

fn settle(
    draft: &mut Draft<'_>,
    storages: &BTreeMap<String, BTreeMap<String, Ref>>,
    placed: &Placed<'_>,
    snapshot: &Snapshot,
    found: Option<i64>,
) {
    let guest = placed.guest;
    let first = guest.disks.iter().find_map(|disk| disk.storage.as_deref());
    let cluster = placed.path.rsplit_once('/').map_or("", |(cluster, _)| cluster);
    let storage = first.and_then(|name| storages.get(cluster)?.get(name)).cloned();
    let mut fields = Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("name", snapshot.name.as_str().into()),
        ("vmid", Value::Int(guest.vmid)),
        ("node", guest.node.as_str().into()),
        ("subtype", guest.kind.word().into()),
        ("description", snapshot.description.as_deref().map(str::trim).into()),
        ("snaptime", time(snapshot.taken)),
        ("parent", snapshot.parent.as_deref().into()),
        ("status", "active".into()),
        ("tags", our_tag()),
    ]);
    if let Some(storage) = storage {
        fields.insert("proxmox_storage", storage.into());
    }
    let key = Key::new(Kind::Snapshot, format!("{}/{}", placed.path, snapshot.name));
    let label = format!("{} of {}", snapshot.name, placed.label);
    draft.settle(Wanted::new(key, found, fields).labelled(label));
}

/// What Proxmox no longer has is deleted where the operator said so, and marked otherwise.
fn retire(draft: &mut Draft<'_>, placed: &Placed<'_>, row: &Existing) {
    let path = format!("{}/{}", placed.path, row.text("name"));
    if draft.policy.delete_gone_snapshots {
        remove(draft, Kind::Snapshot, path, &placed.label, row);
    } else {
        let fields = Fields::from([("status", "stale".into())]);
        let label = format!("{} of {}", row.text("name"), placed.label);
        let key = Key::new(Kind::Snapshot, path);
        draft.settle(Wanted::new(key, Some(row.id), fields).labelled(label));
    }
}
