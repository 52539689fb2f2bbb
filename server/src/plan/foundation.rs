//! What everything else stands on: our tags, the vmid field, types and roles.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::custom_fields::CustomFields;
use super::draft::{Draft, Wanted};
pub(super) use super::only_our_tag as our_tag;
use super::vocabulary;
use super::{Fields, Key, Kind, Ref, Value, states};
use crate::inventory::{ClusterMode, Inventory};

/// References that clusters, nodes and guests need; none where policy does not let us have them.
pub(super) struct Foundation {
    custom_fields: CustomFields,
    pub(super) device_type: Option<Ref>,
    /// Roles by slug.
    pub(super) roles: BTreeMap<&'static str, Ref>,
    /// Virtual machine types by slug.
    pub(super) vm_types: BTreeMap<&'static str, Ref>,
    /// Cluster types by slug.
    pub(super) cluster_types: BTreeMap<&'static str, Ref>,
}

impl Foundation {
    /// Adds the custom fields that objects of this kind can carry, with when and by which run.
    pub(super) fn custom<const N: usize>(
        &self,
        draft: &Draft<'_>,
        fields: &mut Fields,
        kind: Kind,
        values: [(&'static str, Json); N],
    ) {
        let stamp = &draft.policy.stamp;
        let stamps = [
            ("proxmox_last_updated", Json::from(stamp.at.as_str())),
            ("proxbox_last_run_id", Json::from(stamp.run.as_str())),
        ];
        let known = values.into_iter().chain(stamps).filter(|(_, value)| !value.is_null());
        let known = known.filter(|(name, _)| self.custom_fields.has(kind, name));
        let known: BTreeMap<String, Json> =
            known.map(|(name, value)| (name.to_owned(), value)).collect();
        if !known.is_empty() {
            fields.insert("custom_fields", Value::Custom(known));
        }
    }
}

pub(super) fn plan(draft: &mut Draft<'_>, inventories: &[&Inventory]) -> Foundation {
    for (slug, name, color, description) in vocabulary::TAGS {
        let fields = Fields::from([
            ("name", (*name).into()),
            ("slug", (*slug).into()),
            ("color", (*color).into()),
            ("description", (*description).into()),
        ]);
        by_slug(draft, Kind::Tag, slug, fields);
    }
    Foundation {
        custom_fields: CustomFields::plan(draft),
        device_type: device_type(draft),
        roles: roles(draft),
        vm_types: vm_types(draft),
        cluster_types: cluster_types(draft, inventories),
    }
}

/// Settles an object that is known by its slug, or else by its name.
fn by_slug(draft: &mut Draft<'_>, kind: Kind, slug: &str, fields: Fields) -> Option<Ref> {
    let name = match fields.get("name").or_else(|| fields.get("model")) {
        Some(Value::Text(name)) => name.clone(),
        _ => slug.to_owned(),
    };
    let named = if kind == Kind::DeviceType { "model" } else { "name" };
    let found = draft
        .mirror
        .find(kind, "slug", slug)
        .or_else(|| draft.mirror.find(kind, named, &name))
        .map(|existing| existing.id);
    let object = draft.settle(Wanted::new(Key::new(kind, slug), found, fields).labelled(name))?;
    states::plan(draft, kind, slug, &object, Fields::new());
    Some(object)
}

fn device_type(draft: &mut Draft<'_>) -> Option<Ref> {
    let manufacturer =
        Fields::from([("name", "Proxmox".into()), ("slug", "proxmox".into()), ("tags", our_tag())]);
    let manufacturer = by_slug(draft, Kind::Manufacturer, "proxmox", manufacturer)?;
    let slug = "proxmox-generic-device";
    let fields = Fields::from([
        ("manufacturer", manufacturer.into()),
        ("model", "Proxmox Generic Device".into()),
        ("slug", slug.into()),
        ("tags", our_tag()),
    ]);
    by_slug(draft, Kind::DeviceType, slug, fields)
}

fn roles(draft: &mut Draft<'_>) -> BTreeMap<&'static str, Ref> {
    let mut roles = BTreeMap::new();
    for (slug, name, color, for_guests) in vocabulary::ROLES {
        let fields = Fields::from([
            ("name", (*name).into()),
            ("slug", (*slug).into()),
            ("color", (*color).into()),
            ("vm_role", (*for_guests).into()),
            ("tags", our_tag()),
        ]);
        if let Some(role) = by_slug(draft, Kind::DeviceRole, slug, fields) {
            roles.insert(*slug, role);
        }
    }
    roles
}

fn vm_types(draft: &mut Draft<'_>) -> BTreeMap<&'static str, Ref> {
    let mut types = BTreeMap::new();
    if !draft.mirror.knows(Kind::VirtualMachineType) {
        return types;
    }
    for (slug, name) in vocabulary::VM_TYPES {
        let fields =
            Fields::from([("name", (*name).into()), ("slug", (*slug).into()), ("tags", our_tag())]);
        if let Some(kind) = by_slug(draft, Kind::VirtualMachineType, slug, fields) {
            types.insert(*slug, kind);
        }
    }
    types
}

fn cluster_types(draft: &mut Draft<'_>, inventories: &[&Inventory]) -> BTreeMap<&'static str, Ref> {
    let mut types = BTreeMap::new();
    for mode in [ClusterMode::Cluster, ClusterMode::Standalone] {
        if !inventories.iter().any(|inventory| inventory.cluster.mode == mode) {
            continue;
        }
        let name = match mode {
            ClusterMode::Cluster => "Cluster",
            ClusterMode::Standalone => "Standalone",
        };
        let fields = Fields::from([
            ("name", name.into()),
            ("slug", mode.word().into()),
            ("description", format!("Proxmox {} mode", mode.word()).into()),
            ("tags", our_tag()),
        ]);
        if let Some(kind) = by_slug(draft, Kind::ClusterType, mode.word(), fields) {
            types.insert(mode.word(), kind);
        }
    }
    types
}
