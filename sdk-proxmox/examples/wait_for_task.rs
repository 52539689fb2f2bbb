//! Starts a guest and waits until it runs.

mod common;

use std::error::Error;
use std::time::Duration;

use sdk_proxmox::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = common::client().await?;
    let nodes = client.pve().nodes();
    let first = nodes.get().await?.into_iter().next().ok_or("no node")?;
    let machines = nodes.node(&first.node).qemu();
    let vmid = machines.get().await?.first().ok_or("no machine")?.vmid;
    let status = machines.vmid(vmid).status();
    match status.start().post().run(Duration::from_secs(60)).await {
        Ok(Outcome::Ok) => println!("{vmid} is started"),
        Ok(Outcome::Warnings(count)) => println!("{vmid} is started with {count} warnings"),
        Ok(Outcome::Failed(why)) => println!("{vmid} did not start: {why}"),
        Err(error) => println!("{error}"),
    }
    let now = status.current().get().await?;
    println!("it is now {:?}", now.status);
    Ok(())
}
