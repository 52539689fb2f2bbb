//! What the plugin knows of an endpoint: rows that it writes itself and that ours refer to.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::{Existing, Fields, Key, Kind, Ref, Value};
use crate::inventory::Inventory;

/// The plugin's rows behind one inventory; none where it has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) endpoint: Option<i64>,
    pub(super) cluster: Option<i64>,
    /// Nodes by name.
    pub(super) nodes: BTreeMap<String, i64>,
}

impl Rows {
    pub(super) fn of(draft: &Draft<'_>, inventory: &Inventory) -> Self {
        let mirror = draft.mirror;
        let Some(endpoint) = endpoint(draft, inventory) else { return Self::default() };
        let ours = |row: &&Existing| row.reference("endpoint") == Some(endpoint);
        let cluster = mirror.all(Kind::ProxmoxCluster).filter(ours);
        let cluster = cluster.filter(|row| row.text("name") == inventory.cluster.name);
        let nodes = mirror.all(Kind::ProxmoxNode).filter(ours);
        Self {
            endpoint: Some(endpoint),
            cluster: cluster.map(|row| row.id).min(),
            nodes: nodes.map(|row| (row.text("name").to_owned(), row.id)).collect(),
        }
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
    pub(super) fn link(&self, draft: &mut Draft<'_>, name: &str, cluster: &Ref) {
        if let Some(row) = self.cluster {
            let fields = Fields::from([("netbox_cluster", cluster.clone().into())]);
            draft.settle(Wanted::new(Key::new(Kind::ProxmoxCluster, name), Some(row), fields));
        }
    }
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
