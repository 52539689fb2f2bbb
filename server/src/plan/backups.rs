//! Backups of guests, in the plugin's table, with a note for each new one.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::guests::Placed;
use super::removals::remove;
use super::times::time;
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::{Backup, GuestKind, Inventory};

/// Formats that the plugin has a word for, by the end of Proxmox's.
const FORMATS: &[(&str, &str)] = &[
    ("pbs-vm", "pbs-vm"),
    ("pbs-ct", "pbs-ct"),
    ("vma.zst", "zst"),
    ("tar.zst", "tzst"),
    ("tgz", "tgz"),
    ("tar.gz", "tgz"),
    ("tbz", "tbz"),
    ("qcow2", "qcow2"),
    ("raw", "raw"),
    ("iso", "iso"),
    ("tar", "tar"),
];

/// `guests` are those of the inventory's cluster.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    cluster: &str,
    inventory: &Inventory,
    guests: &BTreeMap<i64, &Placed<'_>>,
    storages: &BTreeMap<String, Ref>,
) {
    if !draft.mirror.knows(Kind::Backup) {
        return;
    }
    let mut existing = existing(draft, guests);
    for backup in &inventory.backups {
        let path = format!("{cluster}/{}/{}", backup.vmid, backup.volume);
        let Some(placed) = guests.get(&backup.vmid) else {
            let why = "belongs to a guest that Proxmox no longer has, or that is not synced";
            draft.skip(Key::new(Kind::Backup, path), why);
            continue;
        };
        let found = existing.remove(backup.volume.as_str()).map(|row| row.id);
        settle(draft, storages, placed, backup, path, found);
    }
    for (volume, row) in existing {
        let proven = inventory.backups_known.contains(row.text("storage"));
        if proven && draft.policy.delete_gone_backups {
            let owner =
                guests.values().find(|one| one.machine.id() == row.reference("virtual_machine"));
            let label = owner.map_or("", |one| one.label.as_str());
            remove(draft, Kind::Backup, format!("{cluster}/{volume}"), label, row);
        }
    }
}

/// Backups of these guests by volume.
fn existing<'m>(
    draft: &Draft<'m>,
    guests: &BTreeMap<i64, &Placed<'_>>,
) -> BTreeMap<&'m str, &'m Existing> {
    let machines: std::collections::HashSet<i64> =
        guests.values().filter_map(|placed| placed.machine.id()).collect();
    let rows = draft.mirror.all(Kind::Backup);
    let ours = rows.filter(|row| {
        row.reference("virtual_machine").is_some_and(|machine| machines.contains(&machine))
    });
    ours.map(|row| (row.text("volume_id"), row)).collect()
}

fn settle(
    draft: &mut Draft<'_>,
    storages: &BTreeMap<String, Ref>,
    placed: &Placed<'_>,
    backup: &Backup,
    path: String,
    found: Option<i64>,
) {
    let kind = backup.kind.unwrap_or(placed.guest.kind);
    let mut fields = Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("storage", backup.storage.as_str().into()),
        ("volume_id", backup.volume.as_str().into()),
        ("vmid", Value::Int(backup.vmid)),
        ("subtype", kind.word().into()),
        ("format", format(backup, kind).into()),
        ("creation_time", time(backup.created)),
        ("size", backup.size.into()),
        ("used", backup.used.into()),
        ("notes", backup.notes.as_deref().map(str::trim).into()),
        ("encrypted", backup.encrypted.as_deref().into()),
        ("tags", our_tag()),
    ]);
    if let Some((state, upid)) = &backup.verification {
        fields.insert("verification_state", state.as_str().into());
        fields.insert("verification_upid", upid.as_deref().into());
    }
    if let Some(storage) = storages.get(&backup.storage) {
        fields.insert("proxmox_storage", storage.clone().into());
    }
    let label = format!("{} of {}", backup.volume, placed.label);
    let key = Key::new(Kind::Backup, &path);
    let settled = draft.settle(Wanted::new(key, found, fields).labelled(&label));
    // A note for what is new, and never a second one.
    let noted = |id: i64| {
        let mut notes = draft.mirror.all(Kind::JournalEntry);
        notes.any(|note| note.reference("assigned_object_id") == Some(id))
    };
    let wanted = match &settled {
        Some(Ref::New(_)) => true,
        Some(Ref::Id(id)) => draft.owes(&path) && !noted(*id),
        None => false,
    };
    if let Some(object) = settled.filter(|_| wanted) {
        let comments =
            format!("Backup created for VM {} in storage {}", backup.vmid, backup.storage);
        let fields = Fields::from([
            ("assigned_object_type", Kind::Backup.model().into()),
            ("assigned_object_id", object.into()),
            ("kind", "info".into()),
            ("comments", comments.into()),
        ]);
        let wanted = Wanted::new(Key::new(Kind::JournalEntry, path), None, fields);
        draft.settle(wanted.labelled(label));
    }
}

fn format(backup: &Backup, kind: GuestKind) -> &'static str {
    let told = backup.format.as_deref().unwrap_or_default();
    let ends = |text: &str, end: &str| text == end || text.ends_with(&format!(".{end}"));
    let known = FORMATS.iter().find(|(end, _)| ends(told, end) || ends(&backup.volume, end));
    match (known, told, kind) {
        (Some((_, word)), ..) => word,
        (None, "zst", _) => "zst",
        _ => "undefined",
    }
}
