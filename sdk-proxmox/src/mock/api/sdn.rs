//! Software-defined networks: what was changed waits until all of it is applied.

use serde_json::{Map, Value, json};

use crate::mock::answer::{Outcome, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, generic};

/// How far an object has come; shown where changes that wait are asked for.
const STATE: &str = "state";

fn place(of: &str) -> Vec<String> {
    ["cluster", "sdn", of].map(str::to_owned).to_vec()
}

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    let answer = generic::answer(cluster, call)?;
    if call.flag("pending") {
        return Ok(answer);
    }
    let mut rows = answer.data;
    for row in rows.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        row.remove(STATE);
    }
    data(rows)
}

/// Makes all changes hold on all nodes.
pub(crate) fn apply(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = cluster.nodes.first().map(|node| node.name.clone()).unwrap_or_default();
    data(cluster.spawn(&node, ("reloadnetworkall", ""), &call.user, |cluster| {
        let ours = |place: &[String]| place.starts_with(&["cluster".to_owned(), "sdn".to_owned()]);
        for (_, rows) in cluster.stored.iter_mut().filter(|(place, _)| ours(place)) {
            rows.iter_mut().for_each(|row| {
                row.remove(STATE);
            });
        }
    }))
}

/// A zone stays while it has networks, a network while it has subnets.
pub(crate) fn remove(cluster: &mut Cluster, call: &Call) -> Outcome {
    let text = |row: &Map<String, Value>, key: &str| {
        row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if let Some(zone) = call.path.get("zone") {
        let vnets = cluster.stored.get(&place("vnets")).into_iter().flatten();
        if let Some(vnet) = vnets.into_iter().find(|row| text(row, "zone") == *zone) {
            let why = format!("zone {zone} is used by vnet {}", text(vnet, "vnet"));
            return Err(failed(format!("delete sdn zone object failed: {why}")));
        }
    }
    if let Some(vnet) = call.path.get("vnet") {
        let subnets = [place("vnets"), vec![vnet.clone(), "subnets".to_owned()]].concat();
        if let Some(subnet) = cluster.stored.get(&subnets).and_then(|rows| rows.first()) {
            let why =
                format!("cannot delete vnet {vnet}, subnet {} is there", text(subnet, "subnet"));
            return Err(failed(format!("delete sdn vnet object failed: {why}")));
        }
    }
    generic::answer(cluster, call)
}

pub(crate) fn of_node(cluster: &mut Cluster, _: &Call) -> Outcome {
    let mut rows = vec![json!({ "zone": "localnetwork", "status": "available" })];
    let zones = cluster.stored.get(&place("zones")).into_iter().flatten();
    rows.extend(
        zones
            .filter(|zone| !zone.contains_key(STATE))
            .map(|zone| json!({ "zone": zone.get("zone"), "status": "available" })),
    );
    data(rows)
}
