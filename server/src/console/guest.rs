//! Where a guest is. Two clusters may each have one of the same number: then nothing is guessed.

use std::sync::Arc;

use axum::http::StatusCode;
use futures_util::future::join_all;
use sdk_proxmox::Product;
use sdk_proxmox::pve::{ClusterResourcesRowType, GetClusterResources};

use crate::edge::{ApiError, App};
use crate::endpoints::{NodesError, Selection, Session};
use crate::proxy::nodes_fault;
use crate::runs::StartError;

/// What a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// In paths.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// A guest with its place.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) session: Arc<Session>,
    pub(crate) node: String,
    pub(crate) kind: GuestKind,
    pub(crate) vmid: i64,
    pub(crate) running: bool,
}

/// The one guest with this number: 404 where there is none, on the node where one is named; 409 where
/// several clusters have one.
pub(crate) async fn find_guest(
    app: &App,
    selection: &Selection,
    node: Option<&str>,
    vmid: i64,
) -> Result<Guest, ApiError> {
    let sessions = app.sessions.chosen(Product::Pve, selection).await.map_err(StartError::from)?;
    if sessions.is_empty() {
        return Err(ApiError::not_found("No enabled Proxmox endpoint matches."));
    }
    let look = |session: &Arc<Session>| {
        let session = session.clone();
        async move { (in_cluster(&session, vmid).await, session) }
    };
    let (mut found, mut failed) = (Vec::new(), None);
    for (looked, session) in join_all(sessions.iter().map(look)).await {
        match looked {
            Ok(guest) => {
                found.extend(guest.filter(|guest| node.is_none_or(|node| guest.node == node)))
            }
            Err(error) => failed = Some((session, error)),
        }
    }
    match (found.len(), failed) {
        (1, None) => Ok(found.remove(0)),
        (0, None) => Err(ApiError::not_found(match node {
            Some(node) => format!("There is no guest {vmid} on the node {node}."),
            None => format!("There is no guest {vmid}."),
        })),
        // One that does not answer may have such a guest, too.
        (_, Some((session, error))) => Err(nodes_fault(&session.row.name, error)),
        (_, None) => {
            let names: Vec<&str> =
                found.iter().map(|guest| guest.session.row.name.as_str()).collect();
            let detail = format!(
                "{} have a guest {vmid}; name one with proxmox_endpoint_ids.",
                names.join(" and ")
            );
            Err(ApiError::new(StatusCode::CONFLICT, "The guest is ambiguous", detail))
        }
    }
}

async fn in_cluster(session: &Arc<Session>, vmid: i64) -> Result<Option<Guest>, NodesError> {
    let rows = session.client().await?.send(&GetClusterResources::new()).await?.value;
    let guest = rows.iter().find_map(|row| {
        let kind = match row.kind.as_ref()? {
            ClusterResourcesRowType::Qemu => GuestKind::Qemu,
            ClusterResourcesRowType::Lxc => GuestKind::Lxc,
            _ => return None,
        };
        let node = row.node.clone().filter(|_| row.vmid == Some(vmid))?;
        let running = row.status.as_deref() == Some("running");
        Some(Guest { session: session.clone(), node, kind, vmid, running })
    });
    Ok(guest)
}

/// 403: the endpoint does not permit this.
pub(crate) fn not_allowed(endpoint: &str, flag: &str) -> ApiError {
    let detail =
        format!("Proxmox endpoint {endpoint} does not permit this; {flag} on the endpoint does.");
    ApiError::new(StatusCode::FORBIDDEN, "The endpoint does not permit this", detail)
        .with("reason", format!("{flag}_disabled"))
}
