//! Lists the guests of a cluster with their network interfaces.
//!
//! Without settings it asks a mock. For a real cluster set `PVE_URL`, `PVE_TOKEN_ID`
//! (`user@realm!name`), `PVE_TOKEN_SECRET` and, for a certificate that no authority signed,
//! `PVE_FINGERPRINT`.

use std::error::Error;

use sdk_proxmox::Client;
use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::{
    ClusterResourcesRow, GetClusterResources, GetNodesNodeLxcVmidConfig, GetNodesNodeQemuVmidConfig,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = match std::env::var("PVE_URL") {
        Ok(url) => (real(&url)?, None),
        Err(_) => {
            let mock = Mock::start(Cluster::demo(2, 9, 1)).await?;
            (mock.client().build()?, Some(mock))
        }
    };
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

fn real(url: &str) -> Result<Client, Box<dyn Error>> {
    let id = std::env::var("PVE_TOKEN_ID")?;
    let mut builder = Client::builder(url).token(id, std::env::var("PVE_TOKEN_SECRET")?);
    if let Ok(fingerprint) = std::env::var("PVE_FINGERPRINT") {
        builder = builder.fingerprint(&fingerprint);
    }
    Ok(builder.build()?)
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
