//! Tickets for consoles of guests, for a client that connects to Proxmox itself.

use std::time::Duration;

use sdk_proxmox::pve::{PostNodesNodeLxcVmidTermproxy, PostNodesNodeQemuVmidTermproxy};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::audit;
use super::guest::{Guest, GuestKind, not_allowed};
use super::shell::no_place;
use crate::edge::{ApiError, App};
use crate::proxy::{Sender, fault};
use crate::runs::StartError;

/// How long Proxmox waits for somebody to come with the ticket: so long it holds a port of the node.
const WAITED_FOR: Duration = Duration::from_secs(10);

/// Opens a console and gives its ticket: permitted, counted and written down like a command.
pub(crate) async fn console_ticket(
    app: &App,
    sender: &Sender,
    guest: &Guest,
) -> Result<Value, ApiError> {
    let row = &guest.session.row;
    if !row.allow_guest_commands {
        return Err(not_allowed(&row.name, "allow_guest_commands"));
    }
    let place = app.consoles.place(row.id, &guest.node).ok_or_else(no_place)?;
    let client = guest.session.client().await.map_err(StartError::from)?;
    let number = audit::begin(app, sender, guest, &["termproxy".to_owned()]).await?;
    let (node, vmid) = (guest.node.as_str(), guest.vmid);
    let asked = async {
        let told = match guest.kind {
            GuestKind::Qemu => {
                let answer =
                    client.send(&PostNodesNodeQemuVmidTermproxy::new(node, vmid)).await?.value;
                proxbox_runtime::record_to_value(&answer)
            }
            GuestKind::Lxc => {
                let answer =
                    client.send(&PostNodesNodeLxcVmidTermproxy::new(node, vmid)).await?.value;
                proxbox_runtime::record_to_value(&answer)
            }
        };
        Ok::<_, sdk_proxmox::Error>(told)
    };
    let told = match asked.await {
        Ok(told) => told,
        Err(error) => {
            audit::end(app, number, 502, &error.to_string()).await;
            return Err(fault(&row.name, &error));
        }
    };
    audit::end(app, number, 201, told["upid"].as_str().unwrap_or_default()).await;
    tokio::spawn(async move {
        sleep(WAITED_FOR).await;
        drop(place);
    });
    let kind = guest.kind.word();
    Ok(json!({
        "endpoint_id": row.id, "node": node, "type": kind, "vmid": vmid,
        "user": told["user"], "port": told["port"], "ticket": told["ticket"], "upid": told["upid"],
        "websocket_path": format!("/api2/json/nodes/{node}/{kind}/{vmid}/vncwebsocket"),
    }))
}
