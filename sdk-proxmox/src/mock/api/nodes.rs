//! Nodes and their network.

use serde_json::{Value, json};

use super::{need, node_name};
use crate::mock::Cluster;
use crate::mock::answer::{Answer, Outcome, bad_param, data, failed};
use crate::mock::call::Call;

pub(crate) fn list(cluster: &mut Cluster, _: &Call) -> Outcome {
    let with_numbers = cluster.may("Sys.Audit");
    let rows = cluster.nodes.iter().map(|node| {
        let mut row = node.row(with_numbers);
        let byte = format!("{:02X}", node.id);
        row["ssl_fingerprint"] = vec![byte; 32].join(":").into();
        if !node.online {
            row["status"] = "offline".into();
        }
        row
    });
    data(rows.collect::<Vec<Value>>())
}

pub(crate) fn status(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = node_name(cluster, call);
    need(cluster, &format!("/nodes/{name}"), "Sys.Audit")?;
    let node = cluster.node(&name).ok_or_else(|| failed(format!("no such node '{name}'")))?;
    data(node.status(&cluster.release))
}

pub(crate) fn network(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = node_name(cluster, call);
    let may_see_bridges = cluster.may("SDN.Audit");
    let rows = cluster.node(&name).map(|node| node.network.clone()).unwrap_or_default();
    let wanted = call.text("type");
    let shown = rows.into_iter().filter(|row| {
        let bridge = row["type"] == "bridge" || row["type"] == "OVSBridge";
        let wanted = match wanted.as_deref() {
            None => true,
            Some("any_bridge" | "any_local_bridge") => bridge,
            Some(kind) => row["type"] == kind,
        };
        wanted && (may_see_bridges || !bridge)
    });
    data(shown.collect::<Vec<Value>>())
}

pub(crate) fn interface(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = node_name(cluster, call);
    let rows = cluster.node(&name).map(|node| &node.network);
    let row = rows.into_iter().flatten().find(|row| row["iface"] == call.at("iface"));
    let row = row.ok_or_else(|| bad_param("iface", "interface does not exist"))?;
    Ok(Answer { data: json!(row), ..Answer::default() })
}
