//! Storages and what lies on them.

use axum::Json;
use axum::extract::{RawQuery, State};
use sdk_proxmox::pve::{GetNodesNodeStorageStorageContent, GetStorage};
use serde::Deserialize;
use serde_json::Value;

use super::cluster::{named, rows};
use super::{ask_all, chosen, cluster_name, data};
use crate::edge::{ApiError, App, Path, Query};
use crate::sync::Target;

/// `[{"<cluster>": [storage]}]`
pub(super) async fn list(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        Ok(named(name, data(&target.client, GetStorage::new()).await?))
    };
    Ok(Json(ask_all(&targets, one).await?))
}

/// Which volumes are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Content {
    vmid: Option<i64>,
    content: Option<String>,
}

/// The volumes of a storage as a node sees it.
pub(super) async fn content(
    State(app): State<App>,
    Path((node, storage)): Path<(String, String)>,
    Query(wanted): Query<Content>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let mut operation = GetNodesNodeStorageStorageContent::new(node.as_str(), storage.as_str());
    operation.vmid = wanted.vmid;
    operation.content = wanted.content;
    let operation = &operation;
    let one = |target: &'_ Target| {
        let client = target.client.clone();
        async move { data(&client, operation.clone()).await }
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flat_map(rows).collect()))
}
