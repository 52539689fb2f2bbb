//! What clusters keep available.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use proxbox_runtime::Scalar;
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
    let resources = with_states(resources, &status);
    // Releases have groups or rules, and refuse to say anything of the other.
    let groups = list("/cluster/ha/groups").await.unwrap_or_default();
    let rules = list("/cluster/ha/rules").await.unwrap_or_default();
    Ok([("status", status), ("groups", groups), ("rules", rules), ("resources", resources)])
}

/// What the plugin takes for true and false only where it is that; Proxmox says 1 and 0.
const FLAGS: [&str; 6] = ["quorate", "failback", "restricted", "nofailback", "strict", "disable"];

/// What of a resource its state alone tells.
const OF_STATE: [&str; 4] = ["node", "crm_state", "request_state", "status"];

async fn named(client: &Client, cluster: &str, place: &str) -> Result<Vec<Value>, Error> {
    let mut listed = rows(read(client, place, Map::new()).await?);
    for row in listed.iter_mut().filter_map(Value::as_object_mut) {
        row.insert("cluster_name".into(), cluster.into());
        for flag in FLAGS {
            if let Some(value) = row.get_mut(flag)
                && let Some(truth) = truth(value)
            {
                *value = truth.into();
            }
        }
    }
    Ok(listed)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => Scalar::Text(text).as_bool(),
        _ => None,
    }
}

/// Resources, each with what its state tells beside.
fn with_states(mut resources: Vec<Value>, states: &[Value]) -> Vec<Value> {
    for resource in &mut resources {
        let state = states.iter().find(|state| state["sid"] == resource["sid"]);
        if let (Some(state), Some(resource)) = (state, resource.as_object_mut()) {
            resource.extend(OF_STATE.map(|name| (name.to_owned(), state[name].clone())));
        }
    }
    resources
}

/// The state of high availability, of all clusters.
pub(super) async fn status(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        named(&target.client, &name, "/cluster/ha/status/current").await
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

/// What is kept available, of all clusters.
pub(super) async fn resources(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let listed = |place| named(&target.client, &name, place);
        let states = listed("/cluster/ha/status/current").await?;
        Ok(with_states(listed("/cluster/ha/resources").await?, &states))
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
        let mut resources = named(&target.client, &name, "/cluster/ha/resources").await?;
        resources.retain(of_guest);
        if resources.is_empty() {
            return Ok(Value::Null);
        }
        let states = named(&target.client, &name, "/cluster/ha/status/current").await?;
        let resource = with_states(resources, &states).remove(0);
        Ok(json!({
            "sid": resource["sid"], "type": resource["type"], "group": resource["group"],
            "node": resource["node"], "state": resource["state"], "crm_state": resource["crm_state"],
            "request_state": resource["request_state"], "status": resource["status"],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_what_its_state_tells() {
        let resources = vec![json!({"sid": "vm:100"}), json!({"sid": "ct:101"})];
        let states = [json!({"sid": "vm:100", "node": "pve1", "status": "started"})];
        let with = with_states(resources, &states);
        assert_eq!((&with[0]["node"], &with[0]["status"]), (&json!("pve1"), &json!("started")));
        assert_eq!(with[1], json!({"sid": "ct:101"}));
        assert_eq!((truth(&json!(1)), truth(&json!("0"))), (Some(true), Some(false)));
        assert_eq!(truth(&Value::Null), None);
    }
}
