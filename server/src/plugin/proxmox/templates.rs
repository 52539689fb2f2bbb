//! What guests are made from: templates of machines, and archives for containers.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetClusterResources, GetNodesNodeQemuVmidConfig,
    GetNodesNodeStorageStorageContent,
};
use sdk_proxmox::{Client, Error, Product};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cluster::rows;
use super::data;
use crate::auth::Scope;
use crate::edge::{ApiError, App, Query, Routes, get};
use crate::endpoints::{Selection, Session};
use crate::proxy::{fault, only};
use crate::runs::StartError;

/// The routes of both.
pub(super) fn routes() -> Routes {
    Routes::new("proxmox")
        .add(
            get("/cloud/vm/templates", of_machines)
                .needs(Scope::Read)
                .query("endpoint_id", "integer", "Number of the endpoint")
                .query("cloud_init_only", "boolean", "Only those with cloud-init; true")
                .says("Lists the templates that machines are cloned from."),
        )
        .add(
            get("/cloud/lxc/templates", of_containers)
                .needs(Scope::Read)
                .query("endpoint_id", "integer", "Number of the endpoint")
                .says("Lists the archives that containers are made from."),
        )
}

/// Which templates are asked for.
#[derive(Debug, Deserialize)]
struct Wanted {
    endpoint_id: Option<i64>,
    cloud_init_only: Option<bool>,
}

impl Wanted {
    async fn endpoint(&self, app: &App) -> Result<(std::sync::Arc<Session>, Client), ApiError> {
        let proxmox_ids = self.endpoint_id.map(|id| vec![id]);
        let selection = Selection { proxmox_ids, ..Selection::default() };
        let session = only(app, Product::Pve, &selection, None).await?;
        let client = session.client().await.map_err(StartError::from)?;
        Ok((session, client))
    }
}

async fn of_machines(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let (session, client) = wanted.endpoint(&app).await?;
    let failed = |error| fault(&session.row.name, &error);
    let resources = client.send(&GetClusterResources::new()).await.map_err(failed)?.value;
    let templates = resources.iter().filter(|row| {
        row.kind == Some(ClusterResourcesRowType::Qemu) && row.template == Some(true)
    });
    let listed = join_all(templates.map(|row| machine(&client, row))).await;
    let mut listed: Vec<Value> =
        listed.into_iter().flatten().collect::<Result<_, _>>().map_err(failed)?;
    if wanted.cloud_init_only != Some(false) {
        listed.retain(|row| row["cloud_init"] == true);
    }
    Ok(Json(json!({ "count": listed.len(), "results": listed })))
}

async fn machine(client: &Client, row: &ClusterResourcesRow) -> Option<Result<Value, Error>> {
    let (node, vmid) = (row.node.as_deref()?, row.vmid?);
    let config = match data(client, GetNodesNodeQemuVmidConfig::new(node, vmid)).await {
        Ok(config) => config,
        Err(error) => return Some(Err(error)),
    };
    let drives = cloud_init_drives(&config);
    let custom = config["cicustom"].as_str();
    Some(Ok(json!({
        "vmid": vmid, "source_vmid": vmid, "name": row.name, "node": node, "target_node": node,
        "status": row.status, "memory_mb": row.maxmem.map(|bytes| bytes >> 20),
        "maxdisk_bytes": row.maxdisk, "tags": row.tags, "description": config["description"],
        "cloud_init": !drives.is_empty() || custom.is_some(), "cloud_init_drives": drives,
        "cicustom": custom,
    })))
}

/// The drives of a configuration that hold what cloud-init reads.
fn cloud_init_drives(config: &Value) -> Vec<&str> {
    let members = config.as_object().into_iter().flatten();
    let drives = members.filter(|(name, value)| {
        let drive = ["ide", "sata", "scsi", "virtio"]
            .iter()
            .any(|bus| name.strip_prefix(bus).is_some_and(|number| number.parse::<u8>().is_ok()));
        drive && value.as_str().is_some_and(|volume| volume.contains("cloudinit"))
    });
    drives.map(|(name, _)| name.as_str()).collect()
}

async fn of_containers(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let (session, client) = wanted.endpoint(&app).await?;
    let failed = |error| fault(&session.row.name, &error);
    let resources = client.send(&GetClusterResources::new()).await.map_err(failed)?.value;
    let listed = join_all(places(&resources).into_iter().map(|(node, storage)| {
        let client = client.clone();
        async move { archives(&client, node, storage).await }
    }))
    .await;
    let listed = listed.into_iter().collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(Json(listed.into_iter().flatten().collect()))
}

/// Each storage that may hold archives, with a node that sees it; those that are shared once.
fn places<'r>(resources: &'r [ClusterResourcesRow]) -> Vec<(&'r str, &'r str)> {
    let mut shared = BTreeSet::new();
    let place = |row: &'r ClusterResourcesRow| {
        let kept = row.content.as_deref()?.split(',').any(|kind| kind == "vztmpl");
        let usable = row.kind == Some(ClusterResourcesRowType::Storage)
            && row.status.as_deref() == Some("available");
        let (node, storage) = (row.node.as_deref()?, row.storage.as_deref()?);
        let wanted = kept && usable && (row.shared != Some(true) || shared.insert(storage));
        wanted.then_some((node, storage))
    };
    resources.iter().filter_map(place).collect()
}

async fn archives(client: &Client, node: &str, storage: &str) -> Result<Vec<Value>, Error> {
    let mut operation = GetNodesNodeStorageStorageContent::new(node, storage);
    operation.content = Some("vztmpl".to_owned());
    let mut listed = rows(data(client, operation).await?);
    for row in listed.iter_mut().filter_map(Value::as_object_mut) {
        row.insert("storage".into(), storage.into());
        row.insert("node".into(), node.into());
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_with_cloud_init_is_known_by_its_volume() {
        let config = json!({
            "ide2": "local-lvm:vm-9000-cloudinit,media=cdrom", "scsi0": "local-lvm:base-9000-disk-0",
            "scsihw": "cloudinit", "description": "cloudinit",
        });
        assert_eq!(cloud_init_drives(&config), ["ide2"]);
    }

    #[test]
    fn a_shared_storage_is_asked_once() {
        let row = |node: &str, storage: &str, shared| {
            let mut row = ClusterResourcesRow::default();
            row.kind = Some(ClusterResourcesRowType::Storage);
            row.node = Some(node.into());
            row.storage = Some(storage.into());
            row.content = Some("iso,vztmpl".into());
            row.status = Some("available".into());
            row.shared = Some(shared);
            row
        };
        let mut other = row("pve1", "lvm", false);
        other.content = Some("images".into());
        let listed = [
            row("pve1", "local", false),
            row("pve2", "local", false),
            row("pve1", "nfs", true),
            row("pve2", "nfs", true),
            other,
        ];
        assert_eq!(places(&listed), [("pve1", "local"), ("pve2", "local"), ("pve1", "nfs")]);
    }
}
