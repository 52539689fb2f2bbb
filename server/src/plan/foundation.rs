//! What everything else stands on: our tags, the vmid field, types and roles.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Wanted};
use super::vocabulary::{self, OUR_TAG, VMID_FIELD};
use super::{Fields, Key, Kind, Ref, Value};
use crate::inventory::{ClusterMode, Inventory};

/// References that clusters, nodes and guests need; none where policy does not let us have them.
pub(super) struct Foundation {
    /// Whether guests can carry their vmid.
    pub(super) vmid_field: bool,
    pub(super) device_type: Option<Ref>,
    /// Roles by slug.
    pub(super) roles: BTreeMap<&'static str, Ref>,
    /// Virtual machine types by slug.
    pub(super) vm_types: BTreeMap<&'static str, Ref>,
    /// Cluster types by slug.
    pub(super) cluster_types: BTreeMap<&'static str, Ref>,
}

/// The value of `tags` for an object of ours.
pub(super) fn our_tag() -> Value {
    Value::Set(BTreeSet::from([OUR_TAG.to_owned()]))
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
        vmid_field: vmid_field(draft),
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
    draft.settle(Wanted::new(Key::new(kind, slug), found, fields).labelled(name))
}

fn vmid_field(draft: &mut Draft<'_>) -> bool {
    let found = draft.mirror.find(Kind::CustomField, "name", VMID_FIELD).map(|field| field.id);
    let key = Key::new(Kind::CustomField, VMID_FIELD);
    draft.settle(Wanted::new(key, found, vocabulary::vmid_field())).is_some()
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
