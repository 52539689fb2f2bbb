//! Which endpoint is meant. Where it is not clear, nothing is guessed.

use std::sync::Arc;

use axum::http::StatusCode;
use proxbox_runtime::Op;
use sdk_proxmox::Product;

use super::nodes_fault;
use super::params::Given;
use crate::edge::{ApiError, App};
use crate::endpoints::{Selection, Session};
use crate::runs::StartError;

/// Numbers of endpoints in one request at most.
const MOST: usize = 100;

/// What a query says about the endpoint.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) selection: Selection,
}

impl Filter {
    /// Takes a parameter that is about the endpoint; false where it is not. A name that the operation
    /// has is the operation's; `target_*` and the numbers are never.
    pub(super) fn take(&mut self, op: &Op, name: &str, value: &str) -> Result<bool, ApiError> {
        let plain = op.params.field(name).is_none();
        let text = || Some(value.trim().to_owned()).filter(|text| !text.is_empty());
        match name {
            "proxmox_endpoint_ids" | "endpoint_ids" => {
                if self.selection.proxmox_ids.is_some() {
                    let detail = format!("{name}: say it once, with commas between the numbers");
                    return Err(ApiError::bad_request("The query is not valid", detail));
                }
                self.selection.proxmox_ids = Some(numbers(name, value)?);
            }
            "target_name" => self.selection.name = text(),
            "target_domain" => self.selection.domain = text(),
            "target_ip_address" => self.selection.ip_address = text(),
            "name" if plain => self.selection.name = text(),
            "domain" if plain => self.selection.domain = text(),
            "ip_address" if plain => self.selection.ip_address = text(),
            "port" if plain => self.selection.port = Some(port(value)?),
            // Where endpoints are kept; there is one such place.
            "source" if plain => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn numbers(name: &str, value: &str) -> Result<Vec<i64>, ApiError> {
    let numbers: Result<Vec<i64>, _> = value.split(',').map(|id| id.trim().parse()).collect();
    numbers.ok().filter(|ids| ids.len() <= MOST).ok_or_else(|| {
        let detail = format!("{name}: up to {MOST} numbers, as in 1,2,3");
        ApiError::bad_request("The query is not valid", detail)
    })
}

fn port(value: &str) -> Result<u16, ApiError> {
    value.trim().parse().map_err(|_| {
        ApiError::bad_request("The query is not valid", "port: a number from 1 to 65535")
    })
}

/// The one endpoint that a call is for.
pub(super) async fn choose(
    app: &App,
    product: Product,
    given: &Given,
) -> Result<Arc<Session>, ApiError> {
    let node = given.members.get("node").and_then(serde_json::Value::as_str);
    let node =
        node.filter(|_| product == Product::Pve && given.op.path.starts_with("/nodes/{node}"));
    only(app, product, &given.filter.selection, node).await
}

/// The one endpoint that a selection takes, and which has this node where several are taken.
pub(crate) async fn only(
    app: &App,
    product: Product,
    selection: &Selection,
    node: Option<&str>,
) -> Result<Arc<Session>, ApiError> {
    let mut chosen = app.sessions.chosen(product, selection).await.map_err(StartError::from)?;
    match (chosen.len(), node) {
        (0, _) => {
            let detail = format!("No enabled {product} endpoint matches.");
            Err(ApiError::not_found(detail))
        }
        (1, _) => Ok(chosen.remove(0)),
        (_, Some(node)) => Box::pin(with_node(chosen, node)).await,
        (_, None) => Err(ambiguous("endpoint", &chosen)),
    }
}

/// The one endpoint that has a node of this name. One that does not answer might have it, too.
async fn with_node(chosen: Vec<Arc<Session>>, node: &str) -> Result<Arc<Session>, ApiError> {
    let ask = |session: &Arc<Session>| {
        let session = session.clone();
        async move {
            let nodes = session.nodes().await;
            (session, nodes)
        }
    };
    let answers = futures_util::future::join_all(chosen.iter().map(ask)).await;
    let (mut found, mut silent) = (Vec::new(), None);
    for (session, nodes) in answers {
        match nodes {
            Ok(names) if names.iter().any(|name| name == node) => found.push(session),
            Ok(_) => {}
            Err(error) => silent = Some((session, error)),
        }
    }
    match (found.len(), silent) {
        (1, None) => Ok(found.remove(0)),
        (0, None) => Err(ApiError::not_found(format!("No endpoint has a node {node}."))),
        (_, Some((session, error))) => Err(nodes_fault(&session.row.name, error)),
        (_, None) => Err(ambiguous(&format!("node {node}"), &found)),
    }
}

/// 409: each of these may be meant.
pub(crate) fn ambiguous(what: &str, sessions: &[Arc<Session>]) -> ApiError {
    let name = |session: &Arc<Session>| format!("{} ({})", session.row.name, session.row.id);
    let names: Vec<String> = sessions.iter().map(name).collect();
    let detail = format!(
        "The {what} may be any of {}; name one with proxmox_endpoint_ids.",
        names.join(", ")
    );
    ApiError::new(StatusCode::CONFLICT, "The endpoint is ambiguous", detail)
}

#[cfg(test)]
mod tests {
    use super::super::table::api_of;
    use super::*;

    #[test]
    fn a_name_that_the_operation_has_is_the_operations() {
        let op = |method, path| api_of(Product::Pve).find(method, path).unwrap().op;
        let (list, create) = (op("GET", "/nodes"), op("POST", "/nodes/a/qemu"));
        let mut filter = Filter::default();
        assert!(filter.take(list, "name", "lab").unwrap());
        assert_eq!(filter.selection.name.as_deref(), Some("lab"));
        assert!(!filter.take(create, "name", "web01").unwrap(), "a guest's name");
        assert!(filter.take(create, "target_name", "other").unwrap());
        assert_eq!(filter.selection.name.as_deref(), Some("other"));
        assert!(filter.take(list, "proxmox_endpoint_ids", "1,2").unwrap());
        assert!(filter.take(list, "proxmox_endpoint_ids", "3").is_err(), "two ways to say it");
        let mut filter = Filter::default();
        assert!(filter.take(list, "proxmox_endpoint_ids", "1,x").is_err());
        assert!(
            filter.take(list, "port", "8006").unwrap() && filter.take(list, "port", "x").is_err()
        );
        assert!(!filter.take(list, "nonsense", "").unwrap());
    }
}
