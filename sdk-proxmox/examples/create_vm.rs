//! Creates a virtual machine with a disk and a network interface, and starts it.

mod common;

use std::error::Error;
use std::time::Duration;

use sdk_proxmox::prelude::*;
use sdk_proxmox::pve::{
    PostNodesNodeQemu, PostNodesNodeQemuVmidStatusStart, QemuConfigNet, QemuConfigNetModel,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = common::client().await?;
    let node = client.pve().nodes().get().await?.into_iter().next().ok_or("no node")?.node;
    let vmid = client.pve().cluster().nextid().get().await?.ok_or("no free number")?;

    let net = QemuConfigNet::new(QemuConfigNetModel::Virtio).bridge("vmbr0").tag(20).firewall(true);
    let create = PostNodesNodeQemu::new(node.as_str(), vmid)
        .name("example")
        .cores(2)
        .memory("2048")
        .scsihw("virtio-scsi-single")
        .scsi(0, "local-lvm:8,discard=on")
        .net(0, net)
        .tags("example");
    // What the description already forbids is found without asking the server.
    if let Some(violation) = create.validate().first() {
        return Err(violation.to_string().into());
    }
    let outcome = client.run(&create, Duration::from_secs(300)).await?;
    println!("created {vmid} on {node}: {outcome}");
    let start = PostNodesNodeQemuVmidStatusStart::new(node.as_str(), vmid);
    println!("started: {}", client.run(&start, Duration::from_secs(60)).await?);
    Ok(())
}
