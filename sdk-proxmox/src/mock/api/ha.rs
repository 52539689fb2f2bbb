//! High availability: what it says of its state, and that its groups are gone.

use serde_json::{Value, json};

use crate::mock::answer::{Outcome, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, generic};

impl Cluster {
    /// The state that high availability wants a guest in, where it looks after it.
    pub(crate) fn ha_state(&self, guest: &Guest) -> Option<String> {
        let sid =
            format!("{}:{}", if guest.kind.short() == "VM" { "vm" } else { "ct" }, guest.vmid);
        let rows = self.stored.get(&resources()).into_iter().flatten();
        let row = rows.into_iter().find(|row| row.get("sid").is_some_and(|known| *known == sid))?;
        Some(row.get("state").and_then(Value::as_str).unwrap_or("started").to_owned())
    }
}

fn resources() -> Vec<String> {
    ["cluster", "ha", "resources"].map(str::to_owned).to_vec()
}

pub(crate) fn status(cluster: &mut Cluster, _: &Call) -> Outcome {
    let online = cluster.nodes.iter().filter(|node| node.online).count();
    let first = cluster.nodes.first().map(|node| node.name.clone()).unwrap_or_default();
    let mut rows = vec![json!({
        "id": "quorum", "type": "quorum", "node": first, "status": "OK",
        "quorate": u8::from(online * 2 > cluster.nodes.len()),
    })];
    let all = cluster.stored.get(&resources()).into_iter().flatten();
    let services: Vec<Value> = all
        .map(|row| {
            let sid = row.get("sid").and_then(Value::as_str).unwrap_or_default();
            let vmid = sid.split_once(':').and_then(|(_, id)| id.parse::<u32>().ok());
            let guest = vmid.and_then(|vmid| cluster.guests.get(&vmid));
            let node = guest.map_or_else(|| first.clone(), |guest| guest.node.clone());
            let state = row.get("state").cloned().unwrap_or_else(|| "started".into());
            json!({
                "id": format!("service:{sid}"), "type": "service", "sid": sid, "node": node,
                "state": state, "request_state": state, "crm_state": state,
                "status": format!("{sid} ({node}, {})", state.as_str().unwrap_or_default()),
            })
        })
        .collect();
    if !services.is_empty() {
        rows.push(json!({
            "id": "master", "type": "master", "node": first, "timestamp": cluster.clock,
            "status": format!("{first} (active)"),
        }));
        rows.extend(cluster.nodes.iter().map(|node| {
            json!({
                "id": format!("lrm:{}", node.name), "type": "lrm", "node": node.name,
                "timestamp": cluster.clock, "status": format!("{} (active)", node.name),
            })
        }));
    }
    rows.extend(services);
    data(rows)
}

/// Since release 9 there are rules instead.
pub(crate) fn groups(cluster: &mut Cluster, call: &Call) -> Outcome {
    if cluster.numbers() < (9, 0) {
        return generic::answer(cluster, call);
    }
    let verb = match call.op.method.as_str() {
        "GET" if call.path.is_empty() => "index groups",
        "GET" => "read group",
        "POST" => "create group",
        "PUT" => "update group",
        _ => "delete group",
    };
    Err(failed(format!("cannot {verb}: ha groups have been migrated to rules")))
}
