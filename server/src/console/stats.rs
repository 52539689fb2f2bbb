//! What nodes and guests use, in numbers with units; one poll for all who watch.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use proxbox_runtime::Operation;
use sdk_proxmox::Value;
use sdk_proxmox::pve::{
    GetNodesNodeLxcVmidStatusCurrent, GetNodesNodeQemuVmidStatusCurrent, GetNodesNodeStatus,
};
use serde_json::json;
use tokio::sync::watch;

use super::frame::Frame;
use super::guest::{Guest, GuestKind};
use super::polls::{Ask, Latest};
use crate::edge::{ApiError, App};
use crate::endpoints::Session;

/// How often a node, and a guest, are asked.
const NODE: Duration = Duration::from_secs(2);
const GUEST: Duration = Duration::from_secs(3);

/// Watches what a node uses.
pub(super) fn of_node(app: &App, session: &Arc<Session>, node: &str) -> watch::Receiver<Latest> {
    let name = format!("{}/{}/{node}", session.row.id, session.row.revision);
    let (session, node) = (session.clone(), node.to_owned());
    let ask: Ask = Box::new(move || {
        let (session, node) = (session.clone(), node.clone());
        Box::pin(async move {
            let status = ask(&session, GetNodesNodeStatus::new(node.as_str())).await?;
            Ok(node_numbers(&node, &status))
        })
    });
    app.consoles.polls.watch(&name, NODE, ask)
}

/// Watches what a guest uses.
pub(super) fn of_guest(app: &App, guest: &Guest) -> watch::Receiver<Latest> {
    let row = &guest.session.row;
    let name = format!("{}/{}/{}/{}", row.id, row.revision, guest.node, guest.vmid);
    let guest = guest.clone();
    let ask: Ask = Box::new(move || {
        let guest = guest.clone();
        Box::pin(async move {
            let (node, vmid) = (guest.node.as_str(), guest.vmid);
            let status = match guest.kind {
                GuestKind::Qemu => {
                    ask(&guest.session, GetNodesNodeQemuVmidStatusCurrent::new(node, vmid)).await
                }
                GuestKind::Lxc => {
                    ask(&guest.session, GetNodesNodeLxcVmidStatusCurrent::new(node, vmid)).await
                }
            };
            Ok(guest_numbers(&guest, &status?))
        })
    });
    app.consoles.polls.watch(&name, GUEST, ask)
}

async fn ask(session: &Session, operation: impl Operation) -> Result<Value, String> {
    let client = session.client().await.map_err(|error| error.to_string())?;
    let reply = client.answer(operation.request()).await.map_err(|error| error.to_string())?;
    let mut body: Value =
        serde_json::from_slice(&reply.body).map_err(|error| format!("no JSON: {error}"))?;
    Ok(body.get_mut("data").map(Value::take).unwrap_or_default())
}

/// A number, however Proxmox writes it.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn bytes(value: &Value) -> Option<u64> {
    // Whole bytes are all there is.
    number(value).filter(|bytes| *bytes >= 0.0).map(|bytes| bytes as u64)
}

fn space(of: &Value) -> Value {
    json!({ "used_bytes": bytes(&of["used"]), "total_bytes": bytes(&of["total"]) })
}

fn node_numbers(node: &str, status: &Value) -> Value {
    let load = status["loadavg"].as_array().into_iter().flatten();
    let load: Vec<Option<f64>> = load.map(number).collect();
    json!({
        "node": node, "at": jiff::Timestamp::now().to_string(),
        "cpu": { "ratio": number(&status["cpu"]), "count": number(&status["cpuinfo"]["cpus"]),
                 "model": status["cpuinfo"]["model"] },
        "memory": space(&status["memory"]), "swap": space(&status["swap"]),
        "rootfs": space(&status["rootfs"]), "load": load,
        "uptime_seconds": bytes(&status["uptime"]), "pve_version": status["pveversion"],
        "kernel": status["kversion"],
    })
}

fn guest_numbers(guest: &Guest, status: &Value) -> Value {
    let rate = |read: &str, written: &str| json!({ "in_bytes": bytes(&status[read]), "out_bytes": bytes(&status[written]) });
    json!({
        "node": guest.node, "vmid": guest.vmid, "type": guest.kind.word(),
        "at": jiff::Timestamp::now().to_string(), "name": status["name"],
        "status": status["status"],
        "cpu": { "ratio": number(&status["cpu"]), "count": number(&status["cpus"]) },
        "memory": { "used_bytes": bytes(&status["mem"]), "total_bytes": bytes(&status["maxmem"]) },
        "disk": { "used_bytes": bytes(&status["disk"]), "total_bytes": bytes(&status["maxdisk"]) },
        "network": rate("netin", "netout"), "storage": rate("diskread", "diskwrite"),
        "uptime_seconds": bytes(&status["uptime"]),
    })
}

/// The first answer.
pub(super) async fn once(mut latest: watch::Receiver<Latest>) -> Result<Value, ApiError> {
    let unread = |why: &str| ApiError::bad_gateway("The numbers cannot be read", why);
    let known = latest.wait_for(Option::is_some).await.map_err(|_| unread("the poll ended"))?;
    match known.as_ref() {
        Some(Ok(value)) => Ok(value.as_ref().clone()),
        Some(Err(why)) => Err(unread(why)),
        None => Err(unread("nothing was answered")),
    }
}

/// Every answer that differs from the one before.
pub(super) fn follow(mut latest: watch::Receiver<Latest>) -> impl Stream<Item = Frame> + Send {
    stream! {
        let mut last: Option<Arc<Value>> = None;
        latest.mark_changed();
        while latest.changed().await.is_ok() {
            let now = latest.borrow_and_update().clone();
            match now {
                Some(Ok(value)) if last.as_ref().is_none_or(|last| differ(last, &value)) => {
                    last = Some(value.clone());
                    yield Frame::stats(value.as_ref().clone());
                }
                Some(Err(why)) => yield Frame::meta("error", json!({ "message": &*why })),
                _ => {}
            }
        }
    }
}

/// Whether more than the time is another.
fn differ(before: &Value, now: &Value) -> bool {
    match (before.as_object(), now.as_object()) {
        (Some(before), Some(now)) => {
            now.iter().any(|(name, value)| name != "at" && before.get(name) != Some(value))
        }
        _ => before != now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_numbers_become_numbers() {
        let status = json!({
            "cpu": 0.25, "cpuinfo": { "cpus": 8, "model": "x" }, "loadavg": ["0.42", "0.35", "0.37"],
            "memory": { "used": 10, "total": "20" }, "uptime": 7,
        });
        let numbers = node_numbers("pve1", &status);
        assert_eq!(numbers["load"], json!([0.42, 0.35, 0.37]));
        assert_eq!(numbers["memory"], json!({ "used_bytes": 10, "total_bytes": 20 }));
        assert_eq!(numbers["swap"], json!({ "used_bytes": null, "total_bytes": null }));
    }

    #[test]
    fn time_alone_is_no_news() {
        assert!(!differ(&json!({"at": 1, "a": 2}), &json!({"at": 2, "a": 2})));
        assert!(differ(&json!({"at": 1, "a": 2}), &json!({"at": 1, "a": 3})));
    }
}
