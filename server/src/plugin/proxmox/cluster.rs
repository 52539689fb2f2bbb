//! Clusters, their nodes and what runs on them.

use axum::Json;
use axum::extract::{RawQuery, State};
use sdk_proxmox::pve::{
    ClusterResourcesType, ClusterStatusRow, ClusterStatusRowType, GetClusterOptions,
    GetClusterResources, GetClusterStatus, GetNodes, GetNodesNodeCapabilitiesQemuCpu, GetVersion,
};
use sdk_proxmox::{Client, Error};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ask_all, chosen, cluster_name, data};
use crate::edge::{ApiError, App, Query};
use crate::sync::Target;

/// What a cluster says of itself.
pub(super) struct Status {
    /// The cluster's name; the node's where it stands alone.
    pub(super) name: String,
    cluster: Option<ClusterStatusRow>,
    nodes: Vec<ClusterStatusRow>,
}

impl Status {
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let rows = client.send(&GetClusterStatus::new()).await?.value.into_vec();
        let (mut clusters, nodes): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.kind == Some(ClusterStatusRowType::Cluster));
        let cluster = clusters.pop();
        let name = cluster.as_ref().or(nodes.first()).and_then(|row| row.name.clone());
        let name = name.ok_or_else(|| Error::Invalid("the cluster has no name".into()))?;
        Ok(Self { name, cluster, nodes })
    }

    const fn mode(&self) -> &'static str {
        if self.cluster.is_some() { "cluster" } else { "standalone" }
    }

    fn to_json(&self, target: &Target) -> Value {
        let cluster = self.cluster.clone().unwrap_or_default();
        let node = |row: &ClusterStatusRow| {
            json!({
                "id": row.id.clone().or_else(|| Some(format!("node/{}", row.name.as_deref()?))),
                "name": row.name, "type": "node", "ip": row.ip,
                "level": row.level, "local": row.local, "nodeid": row.nodeid,
                "online": row.online,
            })
        };
        json!({
            "id": cluster.id.unwrap_or_else(|| format!("cluster/{}", self.name)),
            "name": self.name, "type": "cluster",
            "nodes": cluster.nodes.map_or(json!(self.nodes.len()), Into::into), "quorate": cluster.quorate.unwrap_or(true),
            "version": cluster.version, "mode": self.mode(),
            "site_id": target.site, "site_slug": null, "site_name": null,
            "tenant_id": target.tenant, "tenant_slug": null, "tenant_name": null,
            "node_list": self.nodes.iter().map(node).collect::<Vec<_>>(),
        })
    }
}

/// `[{"<cluster>": {"version", "release", "repoid"}}]`
pub(super) async fn version(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        Ok(named(name, data(&target.client, GetVersion::new()).await?))
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// Each cluster with its release, its nodes and how much it holds.
pub(super) async fn summary(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let status = Status::read(&target.client).await?;
        let version = data(&target.client, GetVersion::new()).await?;
        let held = rows(data(&target.client, GetClusterResources::new()).await?);
        let count = |kind: &str| held.iter().filter(|row| row["type"] == kind).count();
        Ok(json!({
            "endpoint_id": target.endpoint_id, "name": status.name, "mode": status.mode(),
            "version": version, "nodes": status.nodes.len(),
            "qemu": count("qemu"), "lxc": count("lxc"), "storages": count("storage"),
            "pools": count("pool"),
        }))
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// The options of each cluster.
pub(super) async fn options(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let mut options = data(&target.client, GetClusterOptions::new()).await?;
        if let Some(options) = options.as_object_mut() {
            options.insert("cluster_name".into(), name.into());
        }
        Ok(options)
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// The endpoints that are reached, with what they are.
pub(super) async fn sessions(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let rows = app.store.proxmox_endpoints().await?;
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let status = Status::read(&target.client).await?;
        let version = data(&target.client, GetVersion::new()).await?;
        let row = rows.iter().find(|row| row.id == target.endpoint_id);
        let release = version["release"].clone();
        Ok(json!({
            "ip_address": row.map(|row| &row.ip_address),
            "domain": row.and_then(|row| row.domain.as_ref()),
            "http_port": row.map(|row| row.port), "user": row.map(|row| &row.username),
            "name": status.name, "mode": status.mode(), "proxmox_version": version,
            "schema_release": release,
            "schema_status": { "status": "available", "version_tag": release },
        }))
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// Each cluster with its nodes.
pub(super) async fn status(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| Ok(Status::read(&target.client).await?.to_json(target));
    Ok(Json(ask_all(&targets, one).await?))
}

/// All nodes of all endpoints in one list.
pub(super) async fn nodes(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let lists = ask_all(&targets, |target| data(&target.client, GetNodes::new())).await?;
    Ok(Json(lists.into_iter().flat_map(rows).collect()))
}

/// Which resources are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Resources {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `[{"<cluster>": [resource]}]`
pub(super) async fn resources(
    State(app): State<App>,
    Query(wanted): Query<Resources>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let kind = wanted.kind.map(|kind| ClusterResourcesType::from(kind.as_str()));
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let mut operation = GetClusterResources::new();
        operation.kind = kind.clone();
        Ok(named(name, data(&target.client, operation).await?))
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// The CPU models that a node of each cluster offers.
pub(super) async fn cpu_models(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let status = Status::read(&target.client).await?;
        let online = status.nodes.iter().find(|node| node.online != Some(false));
        let Some(node) = online.and_then(|node| node.name.as_deref()) else {
            return Ok(Vec::new());
        };
        let models = data(&target.client, GetNodesNodeCapabilitiesQemuCpu::new(node)).await;
        Ok(match models {
            Ok(models) => {
                let own = rows(models).into_iter().filter(|model| model["custom"] == 1);
                own.map(|model| cpu_model(&status.name, &model)).collect()
            }
            // The plugin takes rows that only say why there is nothing.
            Err(error) => vec![json!({
                "cluster_name": status.name, "status": "error", "error": error.to_string(),
            })],
        })
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

fn cpu_model(cluster: &str, model: &Value) -> Value {
    json!({
        "cluster_name": cluster, "cputype": model["name"], "base_cputype": null, "flags": null,
        "vendor_id": model["vendor"], "level": null, "description": null, "status": "ok",
        "error": null,
    })
}

pub(super) fn named(cluster: String, value: Value) -> Value {
    Value::Object(Map::from_iter([(cluster, value)]))
}

pub(super) fn rows(list: Value) -> Vec<Value> {
    match list {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}
