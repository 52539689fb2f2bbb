//! What Proxmox VE adds to an entry that was created by its shape alone.

use serde_json::{Map, Value, json};

use super::Cluster;
use super::call::Call;

/// Adds what a server fills in.
pub(crate) fn fill(cluster: &Cluster, call: &Call, item: &mut Map<String, Value>) {
    let template = call.op.path;
    let given = |item: &Map<String, Value>, key: &str| {
        item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut default = |key: &str, value: Value| {
        item.entry(key).or_insert(value);
    };
    match template {
        "/cluster/ha/resources" => {
            default("state", "started".into());
            default("digest", cluster.digest().into());
            let sid = given(item, "sid");
            let kind = sid.split_once(':').map_or("vm", |(kind, _)| kind).to_owned();
            item.insert("type".into(), kind.into());
        }
        "/cluster/sdn/zones" | "/cluster/sdn/vnets" => default("state", "new".into()),
        "/cluster/ha/rules" => default("digest", cluster.digest().into()),
        "/cluster/sdn/vnets/{vnet}/subnets" => {
            let zone = cluster
                .stored
                .get(["cluster", "sdn", "vnets"].map(str::to_owned).as_slice())
                .and_then(|rows| {
                    rows.iter().find(|row| row.get("vnet").is_some_and(|v| v == call.at("vnet")))
                })
                .and_then(|row| row.get("zone")?.as_str())
                .unwrap_or("localnetwork")
                .to_owned();
            let cidr = given(item, "subnet");
            let (network, mask) = cidr.split_once('/').unwrap_or((&cidr, ""));
            let id = format!("{zone}-{network}-{mask}");
            let more = json!({
                "subnet": id, "id": id, "cidr": cidr, "network": network, "mask": mask,
                "zone": zone, "vnet": call.at("vnet"), "state": "new",
            });
            item.extend(more.as_object().cloned().unwrap_or_default());
        }
        _ if template.ends_with("/firewall/rules")
            || template == "/cluster/firewall/groups/{group}" =>
        {
            default("enable", 0.into());
        }
        _ if template.contains("/notifications/endpoints/") => {
            default("origin", "user-created".into());
        }
        _ => {}
    }
}

impl Cluster {
    /// Tells one state of the configuration from the next.
    pub(crate) fn digest(&self) -> String {
        format!("{:040x}", self.clock)
    }
}
