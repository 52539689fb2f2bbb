//! What the plugin knows of an endpoint: rows that it writes itself and that ours refer to.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::{GuestKind, Inventory};

/// Where the plugin keeps the roles of guests.
const ROLES: [(GuestKind, &str); 2] =
    [(GuestKind::Qemu, "default_role_qemu"), (GuestKind::Lxc, "default_role_lxc")];

/// The plugin's rows behind one inventory; none where it has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) endpoint: Option<i64>,
    pub(super) cluster: Option<i64>,
    /// Nodes by name.
    pub(super) nodes: BTreeMap<String, i64>,
    /// Roles of new guests by node, and of all others of the endpoint under no name.
    roles: BTreeMap<(String, GuestKind), i64>,
}

impl Rows {
    pub(super) fn of(draft: &Draft<'_>, inventory: &Inventory) -> Self {
        let mirror = draft.mirror;
        let Some(endpoint) = endpoint(draft, inventory) else { return Self::default() };
        let ours = |row: &&Existing| row.reference("endpoint") == Some(endpoint);
        let cluster = mirror.all(Kind::ProxmoxCluster).filter(ours);
        let cluster = cluster.filter(|row| row.text("name") == inventory.cluster.name);
        let nodes: Vec<&Existing> = mirror.all(Kind::ProxmoxNode).filter(ours).collect();
        let whole = mirror.get(Kind::ProxmoxEndpoint, endpoint).map(|row| ("", row));
        let mut roles = BTreeMap::new();
        for (node, row) in nodes.iter().map(|row| (row.text("name"), *row)).chain(whole) {
            for (kind, field) in ROLES {
                if let Some(role) = row.reference(field) {
                    roles.insert((node.to_owned(), kind), role);
                }
            }
        }
        Self {
            endpoint: Some(endpoint),
            cluster: cluster.map(|row| row.id).min(),
            nodes: nodes.iter().map(|row| (row.text("name").to_owned(), row.id)).collect(),
            roles,
        }
    }

    /// The role that the operator chose for guests of a node, else of the endpoint.
    pub(super) fn role(&self, node: &str, kind: GuestKind) -> Option<i64> {
        let of = |node: &str| self.roles.get(&(node.to_owned(), kind)).copied();
        of(node).or_else(|| of(""))
    }

    pub(super) fn endpoint(&self) -> Value {
        self.endpoint.map(Ref::Id).into()
    }

    pub(super) fn cluster(&self) -> Value {
        self.cluster.map(Ref::Id).into()
    }

    pub(super) fn node(&self, name: &str) -> Value {
        self.nodes.get(name).copied().map(Ref::Id).into()
    }

    /// Links the plugin's cluster with NetBox's: without it the plugin finds no owner for guests.
    pub(super) fn link_cluster(&mut self, draft: &mut Draft<'_>, name: &str, cluster: &Ref) {
        let Some(row) = self.cluster else { return };
        let key = Key::new(Kind::ProxmoxCluster, name);
        if !link(draft, key, row, "netbox_cluster", cluster) {
            self.cluster = None;
        }
    }

    /// Links the plugin's node with NetBox's device: the plugin takes no state of a device whose node
    /// is not linked with it.
    pub(super) fn link_node(
        &mut self,
        draft: &mut Draft<'_>,
        path: &str,
        node: &str,
        device: &Ref,
    ) {
        let Some(row) = self.nodes.get(node).copied() else { return };
        let key = Key::new(Kind::ProxmoxNode, path);
        if !link(draft, key, row, "netbox_device", device) {
            self.nodes.remove(node);
        }
    }
}

/// Links a row, unless somebody has linked it with something else; whether it is linked then.
fn link(draft: &mut Draft<'_>, key: Key, row: i64, field: &'static str, to: &Ref) -> bool {
    let linked = draft.mirror.get(key.kind, row).and_then(|row| row.reference(field));
    if linked.is_some() && linked != to.id() {
        return false;
    }
    let part = key.kind.part();
    let may = draft.may_change(key.kind, part);
    let fields = Fields::from([(field, to.clone().into())]);
    draft.settle(Wanted::new(key, Some(row), fields));
    may || linked.is_some()
}

/// The plugin names endpoints `<name> (nb:<id>)` when it tells them to us.
fn endpoint(draft: &Draft<'_>, inventory: &Inventory) -> Option<i64> {
    let name = inventory.endpoint_name.as_str();
    let told = name.rsplit_once("(nb:").and_then(|(_, id)| id.strip_suffix(')')?.parse().ok());
    match told {
        Some(id) => draft.mirror.get(Kind::ProxmoxEndpoint, id).map(|row| row.id),
        None => draft.mirror.find(Kind::ProxmoxEndpoint, "name", name).map(|row| row.id),
    }
}
