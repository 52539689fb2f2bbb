//! What the plugin reads of Proxmox through this server.

mod cluster;
mod firewall;
mod guest;
mod storage;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::future::join_all;
use sdk_proxmox::{Client, Error, Operation};
use serde_json::Value;

use super::flags::Flags;
use super::{ApiError, App};
use crate::runs::{StartError, targets};
use crate::sync::Target;

/// The routes of all reads.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/proxmox/version", get(cluster::version))
        .route("/proxmox/sessions", get(cluster::sessions))
        .route("/proxmox/cluster/status", get(cluster::status))
        .route("/proxmox/cluster/resources", get(cluster::resources))
        // The plugin asks with the slash, others without.
        .route("/proxmox/nodes/", get(cluster::nodes))
        .route("/proxmox/nodes", get(cluster::nodes))
        .route("/proxmox/datacenter/cpu-models", get(cluster::cpu_models))
        .route("/proxmox/firewall/summary", get(firewall::summary))
        .route("/proxmox/firewall/nodes/{node}/rules", get(firewall::node_rules))
        .route("/proxmox/storage", get(storage::list))
        .route("/proxmox/nodes/{node}/storage/{storage}/content", get(storage::content))
        .route("/proxmox/{node}/qemu/{vmid}/config", get(guest::qemu_config))
        .route("/proxmox/{node}/lxc/{vmid}/config", get(guest::lxc_config))
}

/// The endpoints that a query names; all that are enabled where it names none.
async fn chosen(app: &App, query: Option<String>) -> Result<Vec<Target>, ApiError> {
    let Flags { options, selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    Ok(targets(&app.store, &selection, &options).await.map_err(StartError::from)?)
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
                failed.get_or_insert_with(|| refused(target, &error));
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
    let mut body: Value = serde_json::from_slice(&reply.body)
        .map_err(|error| Error::Invalid(format!("the answer is no JSON: {error}")))?;
    Ok(body.get_mut("data").map(Value::take).unwrap_or_default())
}

/// Name and kind of the cluster behind an endpoint; the node's own where it stands alone.
pub(super) async fn cluster_name(client: &Client) -> Result<String, Error> {
    Ok(cluster::Status::read(client).await?.name)
}

/// Proxmox's own refusals keep their status; an endpoint that is not there is a bad gateway.
fn refused(target: &Target, error: &Error) -> ApiError {
    let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
    let status = match status {
        Some(status) if status.is_client_error() && status != StatusCode::UNAUTHORIZED => status,
        _ => StatusCode::BAD_GATEWAY,
    };
    let detail = format!("Proxmox endpoint {}: {error}", target.name);
    ApiError::new(status, "Proxmox cannot be read", detail)
}
