//! Runs a command in the shell of a node and prints what it prints.

mod common;

use std::error::Error;

use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = common::client().await?;
    let nodes = client.pve().nodes();
    let first = nodes.get().await?.into_iter().next().ok_or("no node")?;
    let mut console = nodes.node(&first.node).termproxy().post().console().await?;
    console.resize(120, 40).await?;
    console.write_all(b"hostname\nexit\n").await?;
    // Ends when the shell does.
    tokio::io::copy(&mut console, &mut tokio::io::stdout()).await?;
    Ok(())
}
