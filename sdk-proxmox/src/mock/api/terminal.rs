//! Tickets for terminals.

use serde_json::{Value, json};

use super::{guest, need, node_name};
use crate::Product;
use crate::mock::answer::{Outcome, data, refuse};
use crate::mock::call::Call;
use crate::mock::{Cluster, GuestKind};

/// Opens a terminal and answers its ticket.
pub(crate) fn ticket(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut place = call.place();
    place.pop();
    let node = match cluster.product {
        Product::Pve => node_name(cluster, call),
        Product::Pbs | Product::Pdm => call.at("node").to_owned(),
    };
    let of_guest = call.path.contains_key("vmid") && cluster.product == Product::Pve;
    let (kind, id, host) = if of_guest {
        let guest = guest(cluster, call, "VM.Console")?;
        let attached = guest.kind == GuestKind::Lxc || guest.config.contains_key("serial0");
        let host = guest.name().unwrap_or_else(|| format!("guest{}", guest.vmid));
        ("vncproxy", guest.vmid.to_string(), (attached && guest.running).then_some(host))
    } else {
        need(cluster, &format!("/nodes/{node}"), "Sys.Console")?;
        ("vncshell", String::new(), Some(node.clone()))
    };
    let terminal = cluster.open_terminal(place, (&node, kind, &id), &call.user, host);
    let port = match cluster.product {
        Product::Pve => Value::from(terminal.port.to_string()),
        Product::Pbs | Product::Pdm => Value::from(terminal.port),
    };
    data(json!({
        "port": port, "ticket": terminal.ticket, "upid": terminal.upid, "user": terminal.user,
    }))
}

/// Whether a terminal waits at the port; a connection that asks for it becomes a WebSocket then.
pub(crate) fn socket(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut place = call.place();
    place.pop();
    let (port, ticket) = (call.text("port"), call.text("vncticket"));
    let waits = cluster.terminals.iter().any(|terminal| {
        terminal.place == place
            && port.as_ref().is_some_and(|port| *port == terminal.port.to_string())
            && ticket.as_ref().is_some_and(|ticket| *ticket == terminal.ticket)
    });
    match waits {
        true => data(json!({ "port": port })),
        false => Err(refuse(401, "permission denied - invalid PVEVNC ticket")),
    }
}
