//! Lists the guests of a cluster with their network interfaces.

mod common;

use std::error::Error;

use sdk_proxmox::Client;
use sdk_proxmox::pve::{
    ClusterResourcesRow, GetClusterResources, GetNodesNodeLxcVmidConfig, GetNodesNodeQemuVmidConfig,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = common::client().await?;
    // One call for the whole cluster; a filter would only hide rows.
    for row in client.send(&GetClusterResources::new()).await?.value.iter() {
        let (Some(node), Some(vmid)) = (&row.node, row.vmid) else {
            continue;
        };
        let name = row.name.as_deref().unwrap_or("(no name)");
        let status = row.status.as_deref().unwrap_or("unknown");
        println!("{vmid:>6}  {node:<8} {status:<8} {name}");
        match interfaces(&client, row, node, vmid).await {
            Ok(lines) => lines.iter().for_each(|line| println!("        {line}")),
            // One guest that cannot be read is no reason to leave out the others.
            Err(error) => println!("        {error}"),
        }
    }
    println!("{:?}", client.counters());
    Ok(())
}

async fn interfaces(
    client: &Client,
    row: &ClusterResourcesRow,
    node: &str,
    vmid: i64,
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    if row.id.as_deref().is_some_and(|id| id.starts_with("lxc/")) {
        let config = client.send(&GetNodesNodeLxcVmidConfig::new(node, vmid)).await?.value;
        for (number, net) in &config.net {
            let net = net.parse()?;
            lines.push(format!("net{number} {:?} {:?} {:?}", net.hwaddr, net.bridge, net.ip));
        }
    } else {
        let config = client.send(&GetNodesNodeQemuVmidConfig::new(node, vmid)).await?.value;
        for (number, net) in &config.net {
            let net = net.parse()?;
            lines.push(format!("net{number} {:?} {:?} {:?}", net.macaddr, net.bridge, net.tag));
        }
    }
    Ok(lines)
}
