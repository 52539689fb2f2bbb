//! What concerns the cluster as a whole.

use serde_json::{Value, json};

use super::need;
use crate::mock::Cluster;
use crate::mock::answer::{Outcome, bad_param, data};
use crate::mock::api::storage;
use crate::mock::call::Call;

pub(crate) fn version(cluster: &mut Cluster, _: &Call) -> Outcome {
    let release = cluster.release.clone();
    let short: Vec<&str> = release.split('.').take(2).collect();
    data(json!({ "version": release, "release": short.join("."), "repoid": "5a9cc2d1b6f5a6a1" }))
}

pub(crate) fn status(cluster: &mut Cluster, _: &Call) -> Outcome {
    need(cluster, "/", "Sys.Audit")?;
    let alone = cluster.name.is_none();
    let mut rows: Vec<Value> = cluster
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            json!({
                "type": "node",
                "id": format!("node/{}", node.name),
                "name": node.name,
                "nodeid": if alone { 0 } else { node.id },
                "ip": node.ip,
                "online": u8::from(node.online),
                "local": u8::from(index == 0),
                "level": "",
            })
        })
        .collect();
    // A node on its own has no row for the cluster.
    if let Some(name) = &cluster.name {
        let online = cluster.nodes.iter().filter(|node| node.online).count();
        rows.push(json!({
            "type": "cluster",
            "id": "cluster",
            "name": name,
            "nodes": cluster.nodes.len(),
            "quorate": u8::from(online * 2 > cluster.nodes.len()),
            "version": cluster.nodes.len(),
        }));
    }
    data(rows)
}

pub(crate) fn resources(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut rows: Vec<Value> = cluster
        .visible()
        .map(|guest| {
            let mut row = guest.resource(cluster.is_online(&guest.node));
            if let Some(state) = cluster.ha_state(guest) {
                row["hastate"] = state.into();
            }
            if !cluster.may("Pool.Audit")
                && let Some(row) = row.as_object_mut()
            {
                row.remove("pool");
            }
            row
        })
        .collect();
    let with_numbers = cluster.may("Sys.Audit");
    rows.extend(cluster.nodes.iter().map(|node| node.row(with_numbers)));
    rows.extend(storage::resources(cluster));
    if cluster.may("Pool.Audit") {
        rows.extend(
            cluster
                .pools
                .keys()
                .map(|name| json!({ "id": format!("/pool/{name}"), "type": "pool", "pool": name })),
        );
    }
    if cluster.may("SDN.Audit") {
        rows.extend(cluster.nodes.iter().map(|node| {
            json!({
                "id": format!("network/{}/zone/localnetwork", node.name),
                "type": "network",
                "network": "localnetwork",
                "network-type": "zone",
                "node": node.name,
                "status": if node.online { "ok" } else { "unknown" },
            })
        }));
    }
    match call.text("type").as_deref() {
        None => {}
        Some("vm") => rows.retain(|row| row["type"] == "qemu" || row["type"] == "lxc"),
        Some(kind) => rows.retain(|row| row["type"] == kind),
    }
    data(rows)
}

pub(crate) fn next_id(cluster: &mut Cluster, call: &Call) -> Outcome {
    match call.number("vmid").and_then(|vmid| u32::try_from(vmid).ok()) {
        Some(vmid) if cluster.guests.contains_key(&vmid) => {
            Err(bad_param("vmid", format!("VM {vmid} already exists")))
        }
        Some(vmid) => data(vmid.to_string()),
        None => data(cluster.next_id().to_string()),
    }
}
