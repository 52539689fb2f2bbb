//! Clusters and their sites, and nodes with their bridges.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::vocabulary::{self, NODE_ROLE, OUR_TAG};
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::{Inventory, Node};

/// Where guests of one inventory go.
pub(super) struct Place {
    /// The cluster's name in NetBox, and the first part of all keys below it.
    pub(super) name: String,
    pub(super) cluster: Ref,
    pub(super) site: Option<Ref>,
    /// Devices by node.
    pub(super) devices: BTreeMap<String, Ref>,
}

/// Settles site, cluster, nodes and bridges; none when policy does not let us have the cluster.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    inventory: &Inventory,
    name: &str,
) -> Option<Place> {
    let existing = existing_cluster(draft, name, inventory.site);
    let site = site(draft, inventory, name, existing);
    let cluster = cluster(draft, foundation, inventory, name, existing, site.as_ref())?;
    let name = name.to_owned();
    let mut place = Place { name, cluster, site, devices: BTreeMap::new() };
    let bridges = draft.mirror.children(Kind::Interface, "device");
    for node in &inventory.nodes {
        if let Some(device) = device(draft, foundation, inventory, &place, node) {
            plan_bridges(draft, &place, node, &device, &bridges);
            place.devices.insert(node.name.clone(), device);
        }
    }
    Some(place)
}

/// Ours before others, the operator's site before other sites, the oldest of what remains.
fn existing_cluster<'m>(draft: &Draft<'m>, name: &str, site: Option<i64>) -> Option<&'m Existing> {
    let wanted = name.to_lowercase();
    draft
        .mirror
        .all(Kind::Cluster)
        .filter(|cluster| cluster.text("name").to_lowercase() == wanted)
        .min_by_key(|cluster| {
            let elsewhere = site.is_some() && cluster.reference("scope_id") != site;
            (elsewhere, !cluster.has_tag(OUR_TAG), cluster.id)
        })
}

fn site(
    draft: &mut Draft<'_>,
    inventory: &Inventory,
    cluster: &str,
    existing: Option<&Existing>,
) -> Option<Ref> {
    let of_cluster = existing
        .filter(|cluster| cluster.text("scope_type") == Kind::Site.model())
        .and_then(|cluster| cluster.reference("scope_id"));
    // NetBox refuses nodes and guests that are at another site than their cluster.
    if let Some(id) = of_cluster.or(inventory.site) {
        if let Some(site) = draft.mirror.get(Kind::Site, id) {
            let key = Key::new(Kind::Site, site.text("slug"));
            draft.settle(Wanted::new(key, Some(id), Fields::new()));
        }
        return Some(Ref::Id(id));
    }
    let name = format!("Proxmox Default Site - {cluster}");
    let slug = vocabulary::slug(&name);
    let found = draft
        .mirror
        .find(Kind::Site, "slug", &slug)
        .or_else(|| draft.mirror.find(Kind::Site, "name", &name))
        .map(|site| site.id);
    let fields = Fields::from([
        ("name", name.as_str().into()),
        ("slug", slug.as_str().into()),
        ("status", "active".into()),
        ("tags", our_tag()),
    ]);
    draft.settle(Wanted::new(Key::new(Kind::Site, slug), found, fields).labelled(name))
}

fn cluster(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    inventory: &Inventory,
    name: &str,
    existing: Option<&Existing>,
    site: Option<&Ref>,
) -> Option<Ref> {
    let mode = inventory.cluster.mode.word();
    let mut fields = Fields::from([
        ("name", name.into()),
        ("description", format!("Proxmox {mode} cluster.").into()),
        ("tags", our_tag()),
    ]);
    if let Some(kind) = foundation.cluster_types.get(mode) {
        fields.insert("type", kind.clone().into());
    }
    if let Some(site) = site {
        fields.insert("scope_type", Kind::Site.model().into());
        fields.insert("scope_id", site.clone().into());
    }
    if let Some(tenant) = inventory.tenant {
        fields.insert("tenant", Value::Int(tenant));
    }
    let key = Key::new(Kind::Cluster, name);
    draft.settle(Wanted::new(key, existing.map(|cluster| cluster.id), fields))
}

fn device(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    inventory: &Inventory,
    place: &Place,
    node: &Node,
) -> Option<Ref> {
    let status = if node.online { "active" } else { "offline" };
    let mut fields = Fields::from([
        ("name", node.name.as_str().into()),
        ("status", status.into()),
        ("cluster", place.cluster.clone().into()),
        ("description", format!("Proxmox Node {}", node.name).into()),
        ("tags", our_tag()),
    ]);
    let references = [
        ("site", place.site.as_ref()),
        ("device_type", foundation.device_type.as_ref()),
        ("role", foundation.roles.get(NODE_ROLE)),
    ];
    for (field, reference) in references {
        if let Some(reference) = reference {
            fields.insert(field, reference.clone().into());
        }
    }
    if let Some(tenant) = inventory.tenant {
        fields.insert("tenant", Value::Int(tenant));
    }
    let found = existing_device(draft, place, node).map(|device| device.id);
    let key = Key::new(Kind::Device, format!("{}/{}", place.name, node.name));
    draft.settle(Wanted::new(key, found, fields).labelled(node.name.as_str()))
}

/// The device of that name in the cluster, or one at the site that is in no cluster yet.
fn existing_device<'m>(draft: &Draft<'m>, place: &Place, node: &Node) -> Option<&'m Existing> {
    let wanted = node.name.to_lowercase();
    let named = || {
        let devices = draft.mirror.all(Kind::Device);
        devices.filter(|device| device.text("name").to_lowercase() == wanted)
    };
    let cluster = place.cluster.id();
    let in_cluster =
        |device: &&Existing| cluster.is_some() && device.reference("cluster") == cluster;
    named().find(in_cluster).or_else(|| {
        let site = place.site.as_ref().and_then(Ref::id)?;
        let free = |device: &&Existing| {
            device.reference("cluster").is_none() && device.reference("site") == Some(site)
        };
        let mut free = named().filter(free);
        free.next().filter(|_| free.next().is_none())
    })
}

fn plan_bridges(
    draft: &mut Draft<'_>,
    place: &Place,
    node: &Node,
    device: &Ref,
    existing: &BTreeMap<(i64, &str), i64>,
) {
    for bridge in &node.bridges {
        let found = device.id().and_then(|id| existing.get(&(id, bridge.name.as_str())).copied());
        let fields = Fields::from([
            ("device", device.clone().into()),
            ("name", bridge.name.as_str().into()),
            ("type", "bridge".into()),
            ("enabled", bridge.active.into()),
            ("tags", our_tag()),
        ]);
        let path = format!("{}/{}/{}", place.name, node.name, bridge.name);
        draft.settle(Wanted::new(Key::new(Kind::Interface, path), found, fields));
    }
}
