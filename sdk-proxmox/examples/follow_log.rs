//! Follows the log of a task, line by line, until the task ends.

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
    let upid = machines.vmid(vmid).snapshot().post("before-upgrade").await?;
    let task: Task = client.task(upid.as_deref())?;
    println!("{}", task.upid());
    let line = |line: sdk_proxmox::LogLine| println!("{:>4}  {}", line.number, line.text);
    let outcome = task.wait_with_log(Duration::from_secs(120), line).await?;
    println!("{outcome}");
    Ok(())
}
