//! Storages of clusters, in the plugin's table.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::{Fields, Key, Kind, Ref, Value};
use crate::inventory::{Inventory, Storage};

/// Settings that have a field of their own: NetBox's name, Proxmox's name.
const TEXTS: &[(&str, &str)] = &[
    ("storage_type", "type"),
    ("content", "content"),
    ("path", "path"),
    ("nodes", "nodes"),
    ("server", "server"),
    ("username", "username"),
    ("export", "export"),
    ("share", "share"),
    ("pool", "pool"),
    ("monhost", "monhost"),
    ("namespace", "namespace"),
    ("datastore", "datastore"),
    ("subdir", "subdir"),
    ("mountpoint", "mountpoint"),
    ("is_mountpoint", "is_mountpoint"),
    ("preallocation", "preallocation"),
    ("format", "format"),
    ("prune_backups", "prune-backups"),
];

/// Storages by name, those that NetBox already has included.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    place: &Place,
    inventory: &Inventory,
) -> BTreeMap<String, Ref> {
    let mut storages = existing(draft, place);
    for storage in inventory.storages.iter().flatten() {
        let found = storages.get(&storage.name).and_then(Ref::id);
        let fields = fields(place, storage);
        let key = Key::new(Kind::Storage, format!("{}/{}", place.name, storage.name));
        let wanted = Wanted::new(key, found, fields).labelled(&storage.name);
        if let Some(object) = draft.settle(wanted) {
            storages.insert(storage.name.clone(), object);
        }
    }
    storages
}

fn existing(draft: &Draft<'_>, place: &Place) -> BTreeMap<String, Ref> {
    let Some(cluster) = place.cluster.id() else { return BTreeMap::new() };
    let storages = draft.mirror.all(Kind::Storage);
    let ours = storages.filter(|storage| storage.reference("cluster") == Some(cluster));
    ours.map(|storage| (storage.text("name").to_owned(), Ref::Id(storage.id))).collect()
}

fn fields(place: &Place, storage: &Storage) -> Fields {
    let text = |name: &str| match storage.settings.get(name)? {
        Json::String(text) => Some(sorted_list(name, text)),
        Json::Null => None,
        Json::Bool(value) => Some(if *value { "1" } else { "0" }.to_owned()),
        other => Some(other.to_string()),
    };
    let number = |name: &str| {
        let value = storage.settings.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let on = |name: &str| matches!(text(name).as_deref(), Some("1" | "true"));
    let mut fields = Fields::from([
        ("cluster", place.cluster.clone().into()),
        ("name", storage.name.as_str().into()),
        ("shared", on("shared").into()),
        ("enabled", (!on("disable")).into()),
        ("port", number("port").into()),
        ("max_protected_backups", number("max-protected-backups").into()),
        ("raw_config", Value::Json(Json::Object(storage.settings.clone()))),
        ("tags", our_tag()),
    ]);
    for (field, setting) in TEXTS {
        fields.insert(field, text(setting).into());
    }
    fields
}

/// Proxmox lists contents and nodes in an order of its own, which changes.
fn sorted_list(name: &str, text: &str) -> String {
    if !matches!(name, "content" | "nodes") {
        return text.to_owned();
    }
    let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts.join(",")
}
