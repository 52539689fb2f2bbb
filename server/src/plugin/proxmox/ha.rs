//! What clusters keep available.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use sdk_proxmox::{Client, Error, Product};
use serde_json::{Map, Value, json};

use super::cluster::rows;
use super::raw::read;
use super::{ApiError, App, ask_all, chosen, cluster_name};
use crate::auth::Caller;
use crate::edge::Path;
use crate::edge::RequestId;
use crate::plugin::flags::Flags;
use crate::proxy::{Call, Sender, api_of, only, write};
use crate::sync::Target;

/// State, groups, rules and resources of all clusters, each row with its cluster's name.
pub(super) async fn summary(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let targets = chosen(&app, query).await?;
    let all = ask_all(&targets, |target| of_cluster(&target.client)).await?;
    let mut summary = json!({ "status": [], "groups": [], "rules": [], "resources": [] });
    for of_cluster in all {
        for (name, listed) in of_cluster {
            if let Some(known) = summary[name].as_array_mut() {
                known.extend(listed);
            }
        }
    }
    Ok(Json(summary))
}

async fn of_cluster(client: &Client) -> Result<[(&'static str, Vec<Value>); 4], Error> {
    let name = cluster_name(client).await?;
    let list = |place| named(client, &name, place);
    let (status, resources) =
        (list("/cluster/ha/status/current").await?, list("/cluster/ha/resources").await?);
    // Releases have groups or rules, and refuse to say anything of the other.
    let groups = list("/cluster/ha/groups").await.unwrap_or_default();
    let rules = list("/cluster/ha/rules").await.unwrap_or_default();
    Ok([("status", status), ("groups", groups), ("rules", rules), ("resources", resources)])
}

async fn named(client: &Client, cluster: &str, place: &str) -> Result<Vec<Value>, Error> {
    let mut listed = rows(read(client, place, Map::new()).await?);
    for row in listed.iter_mut().filter_map(Value::as_object_mut) {
        row.insert("cluster_name".into(), cluster.into());
    }
    Ok(listed)
}

/// The state of high availability, of all clusters.
pub(super) async fn status(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    listed(&app, query, "/cluster/ha/status/current").await
}

/// What is kept available, of all clusters.
pub(super) async fn resources(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    listed(&app, query, "/cluster/ha/resources").await
}

async fn listed(
    app: &App,
    query: Option<String>,
    place: &'static str,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        named(&target.client, &name, place).await
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

/// How a guest is kept available; null where it is not.
pub(super) async fn by_guest(
    State(app): State<App>,
    Path(vmid): Path<i64>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let of_guest = |row: &Value| {
            let number = row["sid"].as_str().and_then(|sid| sid.split(':').next_back());
            number.and_then(|number| number.parse().ok()) == Some(vmid)
        };
        let resources = named(&target.client, &name, "/cluster/ha/resources").await?;
        let Some(resource) = resources.into_iter().find(of_guest) else { return Ok(Value::Null) };
        let current = named(&target.client, &name, "/cluster/ha/status/current").await?;
        let current = current.into_iter().find(of_guest).unwrap_or_default();
        Ok(json!({
            "sid": resource["sid"], "type": resource["type"], "group": resource["group"],
            "node": current["node"], "state": resource["state"], "crm_state": current["crm_state"],
            "request_state": current["request_state"], "status": current["status"],
            "cluster_name": name, "max_restart": resource["max_restart"],
            "max_relocate": resource["max_relocate"], "failback": resource["failback"],
            "comment": resource["comment"],
        }))
    };
    let mut found = ask_all(&targets, one).await?;
    found.retain(|found| !found.is_null());
    if found.len() > 1 {
        let names: Vec<&str> =
            found.iter().filter_map(|one| one["cluster_name"].as_str()).collect();
        let detail = format!("{} keep such a guest; name one of them", names.join(" and "));
        return Err(ApiError::new(StatusCode::CONFLICT, "The guest is ambiguous", detail));
    }
    Ok(Json(found.pop().unwrap_or_default()))
}

/// Arms high availability.
pub(super) async fn arm(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    switch(app, Sender { caller, id }, query, "/cluster/ha/status/arm-ha").await
}

/// Disarms high availability.
pub(super) async fn disarm(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    switch(app, Sender { caller, id }, query, "/cluster/ha/status/disarm-ha").await
}

async fn switch(
    app: App,
    sender: Sender,
    query: Option<String>,
    path: &str,
) -> Result<Response, ApiError> {
    let Flags { selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    let session = only(&app, Product::Pve, &selection, None).await?;
    let matched = api_of(Product::Pve).find("POST", path);
    let op = matched.ok_or_else(|| ApiError::not_found(format!("There is no {path}.")))?.op;
    // What has to be said is said by Proxmox's own default.
    let mut members = Map::new();
    if op.params.field("resource-mode").is_some() {
        members.insert("resource-mode".into(), "freeze".into());
    }
    let call = Call::new(&sender, session, op, members, format!("POST {path}"), None)?;
    write(app, sender, call, None).await
}
