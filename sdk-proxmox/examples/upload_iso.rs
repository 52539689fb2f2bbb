//! Uploads an image: the file that is named on the command line, or a small one made up here.

mod common;

use std::error::Error;
use std::time::Duration;

use sdk_proxmox::Upload;
use sdk_proxmox::pve::{PostNodesNodeStorageStorageUpload, StorageUploadPostContent};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _mock) = common::client().await?;
    let (name, file) = match std::env::args().nth(1) {
        Some(path) => (path.clone(), Upload::file(&path).await?),
        None => ("example.iso".to_owned(), Upload::bytes("example.iso", vec![0_u8; 4096])),
    };
    let name = name.rsplit('/').next().unwrap_or(&name);
    let node = client.pve().nodes().get().await?.into_iter().next().ok_or("no node")?.node;
    let iso = StorageUploadPostContent::Iso;
    let upload = PostNodesNodeStorageStorageUpload::new(node.as_str(), "local", iso, name);
    let upid = client.upload(&upload, file).await?.value;
    let outcome = client.task(upid.as_deref())?.wait(Duration::from_secs(600)).await?;
    println!("uploaded: {outcome}");
    let content = client.pve().nodes().node(node).storage().storage("local").content();
    for volume in content.get().with(|list| list.content("iso")).await?.iter() {
        println!("{}  {} bytes", volume.volid, volume.size.unwrap_or(0));
    }
    Ok(())
}
