//! Clusters with their sites, and nodes.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::proxbox::Rows;
use super::vocabulary::{self, NODE_ROLE, OUR_TAG};
use super::{Existing, Fields, Key, Kind, Ref, Value, states};
use crate::inventory::{Inventory, Node};

/// Where guests of one inventory go.
pub(super) struct Place {
    /// The cluster's name in NetBox, and the first part of all keys below it.
    pub(super) name: String,
    pub(super) cluster: Ref,
    pub(super) site: Option<Ref>,
    /// Devices by node.
    pub(super) devices: BTreeMap<String, Ref>,
    /// What the plugin knows of it.
    pub(super) rows: Rows,
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
    let mut rows = Rows::of(draft, inventory);
    rows.link_cluster(draft, name, &cluster);
    let name = name.to_owned();
    let mut place = Place { name, cluster, site, devices: BTreeMap::new(), rows };
    note_cluster(draft, inventory, &place);
    for node in &inventory.nodes {
        if let Some(device) = device(draft, foundation, inventory, &mut place, node) {
            place.devices.insert(node.name.clone(), device);
        }
    }
    Some(place)
}

fn note_cluster(draft: &mut Draft<'_>, inventory: &Inventory, place: &Place) {
    let state = Fields::from([
        ("proxmox_cluster", place.rows.cluster()),
        ("proxmox_cluster_name", inventory.cluster.name.as_str().into()),
        ("proxmox_cluster_status", status(inventory).into()),
    ]);
    states::plan(draft, Kind::Cluster, &place.name, &place.cluster, state);
    if let Some(site) = &place.site {
        states::plan(draft, Kind::Site, &place.name, site, Fields::new());
    }
}

fn status(inventory: &Inventory) -> &'static str {
    if inventory.cluster.quorate { "quorate" } else { "no quorum" }
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
    foundation.custom(
        draft,
        &mut fields,
        Kind::Cluster,
        [
            ("proxmox_cluster_name", inventory.cluster.name.as_str().into()),
            ("proxmox_cluster_status", status(inventory).into()),
        ],
    );
    let key = Key::new(Kind::Cluster, name);
    draft.settle(Wanted::new(key, existing.map(|cluster| cluster.id), fields))
}

fn device(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    inventory: &Inventory,
    place: &mut Place,
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
    let link = format!("{}/#v1:0:=node/{}", inventory.link, node.name);
    foundation.custom(
        draft,
        &mut fields,
        Kind::Device,
        [
            ("proxmox_link", link.as_str().into()),
            ("proxmox_node", node.name.as_str().into()),
            ("proxmox_cluster", inventory.cluster.name.as_str().into()),
            ("proxmox_os", node.version.as_deref().into()),
            ("proxmox_cpu_type", node.cpu.as_deref().into()),
        ],
    );
    let found = existing_device(draft, place, node).map(|device| device.id);
    let path = format!("{}/{}", place.name, node.name);
    let wanted = Wanted::new(Key::new(Kind::Device, &path), found, fields);
    let device = draft.settle(wanted.labelled(node.name.as_str()))?;
    place.rows.link_node(draft, &path, &node.name, &device);
    let mut state = Fields::from([
        ("endpoint", place.rows.endpoint()),
        ("proxmox_node", place.rows.node(&node.name)),
        ("proxmox_node_name", node.name.as_str().into()),
        ("proxmox_cluster", place.rows.cluster()),
        ("proxmox_cluster_name", inventory.cluster.name.as_str().into()),
        ("proxmox_link", link.into()),
    ]);
    // Unknown while the node is down, and then left as it was.
    if let Some(version) = &node.version {
        state.insert("proxmox_os", version.as_str().into());
    }
    if let Some(cpu) = &node.cpu {
        state.insert("proxmox_cpu_type", cpu.as_str().into());
    }
    states::plan(draft, Kind::Device, &path, &device, state);
    Some(device)
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
