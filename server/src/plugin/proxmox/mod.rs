//! What the plugin reads of Proxmox through this server, and the few things that it does there.

mod access;
mod cluster;
mod firewall;
mod guest;
mod ha;
mod raw;
mod storage;
mod templates;
mod verbs;

use futures_util::future::join_all;
use sdk_proxmox::{Client, Error, Operation, Product};
use serde_json::Value;

use super::flags::Flags;
use crate::auth::Scope;
use crate::edge::{ApiError, App, Routes, get, post};
use crate::endpoints::EndpointError;
use crate::proxy::fault;
use crate::runs::StartError;
use crate::sync::Target;

/// All routes below `/proxmox`.
pub(super) fn routes() -> Routes {
    read_routes()
        .merge(raw::routes())
        .merge(access::routes())
        .merge(templates::routes())
        .merge(verbs::routes())
}

fn read_routes() -> Routes {
    let read =
        |route: crate::edge::Route, says| route.needs(Scope::Read).chooses_endpoints().says(says);
    Routes::new("proxmox")
        .add(read(get("/proxmox/", cluster::summary), "Sums up each cluster."))
        .add(read(
            get("/proxmox/version", cluster::version),
            "Says which release each cluster has.",
        ))
        .add(read(
            get("/proxmox/sessions", cluster::sessions),
            "Lists the endpoints that are reached.",
        ))
        .add(read(
            get("/proxmox/cluster/status", cluster::status),
            "Lists clusters with their nodes.",
        ))
        .add(
            read(
                get("/proxmox/cluster/resources", cluster::resources),
                "Lists what clusters hold.",
            )
            .query("type", "string", "vm, node, storage or sdn"),
        )
        // The plugin asks with the slash, others without.
        .add(read(get("/proxmox/nodes/", cluster::nodes), "Lists the nodes of all clusters."))
        .add(read(get("/proxmox/nodes", cluster::nodes), "Lists the nodes of all clusters."))
        .add(read(
            get("/proxmox/datacenter/cpu-models", cluster::cpu_models),
            "Lists custom CPU models.",
        ))
        .add(read(
            get("/proxmox/datacenter/options", cluster::options),
            "Lists the options of clusters.",
        ))
        .add(read(
            get("/proxmox/firewall/summary", firewall::summary),
            "Says what each firewall holds.",
        ))
        .add(read(
            get("/proxmox/firewall/datacenter/rules", firewall::cluster_rules),
            "Lists the rules of clusters.",
        ))
        .add(read(
            get("/proxmox/firewall/nodes/{node}/rules", firewall::node_rules),
            "Lists the rules of a node.",
        ))
        .add(read(
            get("/proxmox/firewall/vms/{vmid}/rules", firewall::guest_rules),
            "Lists the rules of a guest.",
        ))
        .add(read(get("/proxmox/storage", storage::list), "Lists storages."))
        .add(
            read(
                get("/proxmox/nodes/{node}/storage/{storage}/content", storage::content),
                "Lists the volumes of a storage as a node sees it.",
            )
            .query("vmid", "integer", "Only of this guest")
            .query("content", "string", "Only of this kind"),
        )
        .add(read(
            get("/proxmox/{node}/qemu/{vmid}/config", guest::qemu_config),
            "Shows a machine's configuration.",
        ))
        .add(read(
            get("/proxmox/{node}/lxc/{vmid}/config", guest::lxc_config),
            "Shows a container's configuration.",
        ))
        .add(read(
            get("/proxmox/cluster/ha/summary", ha::summary),
            "Says what each cluster keeps available.",
        ))
        .add(read(
            get("/proxmox/cluster/ha/status", ha::status),
            "Lists the state of high availability.",
        ))
        .add(read(
            get("/proxmox/cluster/ha/resources", ha::resources),
            "Lists what is kept available.",
        ))
        .add(read(
            get("/proxmox/cluster/ha/resources/by-vm/{vmid}", ha::by_guest),
            "Says how a guest is kept available; null where it is not.",
        ))
        .add(
            post("/proxmox/cluster/ha/arm", ha::arm)
                .any_key()
                .chooses_endpoints()
                .says("Arms high availability, where the endpoint and the key permit writes."),
        )
        .add(
            post("/proxmox/cluster/ha/disarm", ha::disarm)
                .any_key()
                .chooses_endpoints()
                .says("Disarms high availability, where the endpoint and the key permit writes."),
        )
}

/// The endpoints that a query names; all that are enabled where it names none. One that cannot be used
/// is left out, unless none can.
async fn chosen(app: &App, query: Option<String>) -> Result<Vec<Target>, ApiError> {
    let Flags { selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    let sessions = app.sessions.chosen(Product::Pve, &selection).await.map_err(StartError::from)?;
    let (mut targets, mut failed) = (Vec::new(), None);
    for session in &sessions {
        match session.target().await {
            Ok(target) => targets.push(target.as_ref().clone()),
            Err(error) => failed = Some(error),
        }
    }
    match (targets.is_empty(), failed) {
        (false, _) => Ok(targets),
        (true, error) => Err(StartError::from(error.unwrap_or(EndpointError::NoProxmox)).into()),
    }
}

/// Asks all endpoints at once. Those that fail are left out, unless all do.
async fn ask_all<'t, T, F>(
    targets: &'t [Target],
    ask: impl Fn(&'t Target) -> F,
) -> Result<Vec<T>, ApiError>
where
    F: Future<Output = Result<T, Error>>,
{
    let ask = &ask;
    let one = |target| async move { (target, ask(target).await) };
    let answers = join_all(targets.iter().map(one)).await;
    let (mut found, mut failed) = (Vec::new(), None);
    for (target, answer) in answers {
        match answer {
            Ok(answer) => found.push(answer),
            Err(error) => {
                tracing::warn!(endpoint = %target.name, %error, "cannot be read");
                failed.get_or_insert_with(|| fault(&target.name, &error));
            }
        }
    }
    match failed {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// What `data` of an answer holds, as Proxmox has it.
async fn data<O: Operation>(client: &Client, operation: O) -> Result<Value, Error> {
    let reply = client.answer(operation.request()).await?;
    member(&reply.body)
}

fn member(body: &[u8]) -> Result<Value, Error> {
    let mut body: Value = serde_json::from_slice(body)
        .map_err(|error| Error::Invalid(format!("the answer is no JSON: {error}")))?;
    Ok(body.get_mut("data").map(Value::take).unwrap_or_default())
}

/// Name and kind of the cluster behind an endpoint; the node's own where it stands alone.
pub(super) async fn cluster_name(client: &Client) -> Result<String, Error> {
    Ok(cluster::Status::read(client).await?.name)
}
