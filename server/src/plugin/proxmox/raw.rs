//! Lists that are answered as Proxmox has them, each row with its cluster's name.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::routing::get as only_get;
use futures_util::future::join_all;
use proxbox_runtime::{Method, Op, Request};
use sdk_proxmox::{Client, Error, Product};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::cluster::rows;
use super::{ApiError, App, ask_all, chosen, cluster_name, member};
use crate::auth::Scope;
use crate::edge::{Need, Path, Route, Routes, get};
use crate::endpoints::{Selection, Session};
use crate::plugin::flags::Flags;
use crate::proxy::{ambiguous, api_of, fault, narrowed, only, query_of};
use crate::runs::StartError;

/// Where each list is here, and where Proxmox has it.
const LISTS: [(&str, &str); 13] = [
    ("/proxmox/access", "/access"),
    ("/proxmox/cluster", "/cluster"),
    ("/proxmox/replication", "/cluster/replication"),
    ("/proxmox/cluster/backup", "/cluster/backup"),
    ("/proxmox/sdn/zones", "/cluster/sdn/zones"),
    ("/proxmox/sdn/vnets", "/cluster/sdn/vnets"),
    ("/proxmox/sdn/controllers", "/cluster/sdn/controllers"),
    ("/proxmox/sdn/fabrics", "/cluster/sdn/fabrics/fabric"),
    ("/proxmox/sdn/route-maps", "/cluster/sdn/route-maps/entries"),
    ("/proxmox/sdn/prefix-lists", "/cluster/sdn/prefix-lists"),
    ("/proxmox/cluster/ha/groups", "/cluster/ha/groups"),
    ("/proxmox/cluster/ha/rules", "/cluster/ha/rules"),
    ("/proxmox/firewall/datacenter/aliases", "/cluster/firewall/aliases"),
];

/// The same for what a node has.
const OF_NODE: [(&str, &str); 4] = [
    ("/proxmox/nodes/{node}/network", "/nodes/{node}/network"),
    ("/proxmox/nodes/{node}/qemu", "/nodes/{node}/qemu"),
    ("/proxmox/nodes/{node}/lxc", "/nodes/{node}/lxc"),
    ("/proxmox/nodes/{node}/storage", "/nodes/{node}/storage"),
];

/// The same for what a machine of a node has.
const OF_GUEST: [(&str, &str); 2] = [
    ("/proxmox/nodes/{node}/qemu/{vmid}/firewall", "/nodes/{node}/qemu/{vmid}/firewall"),
    ("/proxmox/nodes/{node}/qemu/{vmid}/config", "/nodes/{node}/qemu/{vmid}/config"),
];

/// The routes of all of them.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new("proxmox");
    for (path, place) in LISTS {
        let answer = async move |State(app): State<App>, RawQuery(query): RawQuery| {
            of_clusters(&app, query, place).await
        };
        let says = "Lists what Proxmox has there, each row with its cluster's name.";
        let route = get(path, answer).needs(Scope::Read).chooses_endpoints();
        routes = routes.add(route.says(says));
    }
    for (path, place) in OF_NODE {
        let answer = async move |State(app): State<App>,
                                 Path(node): Path<String>,
                                 RawQuery(query): RawQuery| {
            of_node(&app, query, place, &node, None).await
        };
        routes = routes.add(of_one_node(get(path, answer), place));
    }
    for (path, place) in OF_GUEST {
        let answer = async move |State(app): State<App>,
                                 Path((node, vmid)): Path<(String, i64)>,
                                 RawQuery(query): RawQuery| {
            of_node(&app, query, place, &node, Some(vmid)).await
        };
        routes = routes.add(of_one_node(get(path, answer), place));
    }
    // Both forms are asked.
    let bridges = only_get(async |State(app): State<App>, RawQuery(query): RawQuery| {
        of_clusters(&app, query, "/cluster/sdn/zones").await
    });
    routes.hidden(axum::http::Method::GET, "/proxmox/sdn", Need::Scope(Scope::Read), bridges)
}

/// The route takes what Proxmox takes there.
fn of_one_node(route: Route, place: &str) -> Route {
    let route =
        route.needs(Scope::Read).chooses_endpoints().says("Answers what Proxmox has there.");
    let cluster = "Name of the cluster, where several have a node of this name";
    route
        .query("cluster_name", "string", cluster)
        .queries(op_of(place).into_iter().flat_map(query_of))
}

async fn of_clusters(
    app: &App,
    query: Option<String>,
    place: &'static str,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(app, query).await?;
    let one = |target: &crate::sync::Target| {
        let client = target.client.clone();
        async move {
            let name = cluster_name(&client).await?;
            let mut listed = match read(&client, place, Map::new()).await {
                // A release without it has nothing of it; one that moved groups to rules says 500.
                Err(error) if error.is_not_implemented() => Vec::new(),
                Err(error) if place == "/cluster/ha/groups" && error.status() == Some(500) => {
                    Vec::new()
                }
                listed => rows(listed?),
            };
            for row in &mut listed {
                if let Some(row) = row.as_object_mut() {
                    row.insert("cluster_name".into(), name.as_str().into());
                }
            }
            Ok(listed)
        }
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

async fn of_node(
    app: &App,
    query: Option<String>,
    place: &'static str,
    node: &str,
    vmid: Option<i64>,
) -> Result<Json<Value>, ApiError> {
    let query = query.unwrap_or_default();
    let mut members = Map::from_iter([("node".to_owned(), json!(node))]);
    members.extend(vmid.map(|vmid| ("vmid".to_owned(), json!(vmid))));
    let op = op_of(place).ok_or_else(|| ApiError::not_found(format!("There is no {place}.")))?;
    let members = narrowed(op, members, &query)?;
    let session = session_of(app, &query, node).await?;
    let client = session.client().await.map_err(StartError::from)?;
    let read = ask(&client, op, &members).await;
    read.map(Json).map_err(|error| fault(&session.row.name, &error))
}

/// The endpoint with a node: of the cluster that a query names, or of the only one that has it.
async fn session_of(app: &App, query: &str, node: &str) -> Result<Arc<Session>, ApiError> {
    let Flags { selection, .. } = Flags::parse(query)?;
    let mut said = form_urlencoded::parse(query.as_bytes());
    let cluster = said.find_map(|(name, value)| (name == "cluster_name").then_some(value));
    match cluster.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(cluster) => of_cluster(app, &selection, cluster).await,
        None => only(app, Product::Pve, &selection, Some(node)).await,
    }
}

/// The endpoint that shows the cluster of a name.
async fn of_cluster(
    app: &App,
    selection: &Selection,
    wanted: &str,
) -> Result<Arc<Session>, ApiError> {
    let chosen = app.sessions.chosen(Product::Pve, selection).await.map_err(StartError::from)?;
    let ask = async |session: &Arc<Session>| -> Result<bool, ApiError> {
        let client = session.client().await.map_err(StartError::from)?;
        let name = cluster_name(&client).await.map_err(|error| fault(&session.row.name, &error))?;
        Ok(name.eq_ignore_ascii_case(wanted))
    };
    let (mut found, mut failed) = (Vec::new(), None);
    for (session, is_it) in chosen.iter().zip(join_all(chosen.iter().map(ask)).await) {
        match is_it {
            Ok(true) => found.push(session.clone()),
            Ok(false) => {}
            // It may be the one.
            Err(error) => failed = Some(error),
        }
    }
    match (found.len(), failed) {
        (1, None) => Ok(found.remove(0)),
        (_, Some(error)) => Err(error),
        (0, None) => Err(ApiError::not_found(format!("No endpoint shows the cluster {wanted}."))),
        (_, None) => Err(ambiguous(&format!("cluster {wanted}"), &found)),
    }
}

fn op_of(place: &str) -> Option<&'static Op> {
    api_of(Product::Pve).ops().find(|op| op.path == place && op.method == Method::Get)
}

/// What `data` holds of a GET.
pub(super) async fn read(
    client: &Client,
    place: &str,
    members: Map<String, Value>,
) -> Result<Value, Error> {
    let op = op_of(place).ok_or_else(|| Error::Invalid(format!("there is no {place}")))?;
    ask(client, op, &members).await
}

async fn ask(
    client: &Client,
    op: &'static Op,
    members: &Map<String, Value>,
) -> Result<Value, Error> {
    member(&client.answer(Request::from_members(op, members)).await?.body)
}
