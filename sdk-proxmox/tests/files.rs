//! Files go up and down as streams.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::{StreamExt, stream};
use sdk_proxmox::mock::{Cluster, Fault, Mock, Trouble};
use sdk_proxmox::pve::{
    GetClusterStatus, GetNodesNodeStorageStorageContent, GetVersion,
    PostNodesNodeStorageStorageUpload, StorageUploadPostContent,
};
use sdk_proxmox::{Client, Upload};

const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> (Mock, Client) {
    let mock = Mock::start(Cluster::demo(1, 2, 1)).await.expect("a port");
    let client = mock.client().build().expect("a client");
    (mock, client)
}

fn iso(name: &str) -> PostNodesNodeStorageStorageUpload {
    PostNodesNodeStorageStorageUpload::new("pve01", "local", StorageUploadPostContent::Iso, name)
}

#[tokio::test]
async fn an_upload_larger_than_any_body_becomes_a_volume_of_its_size() {
    let (_mock, client) = start().await;
    // Three megabytes in parts: pveproxy takes half of one in other bodies.
    let part = bytes::Bytes::from(vec![7_u8; 1 << 20]);
    let content = stream::iter(vec![Ok(part.clone()), Ok(part.clone()), Ok(part)]);
    let file = Upload::stream("big.iso", 3 << 20, content);
    let upid = client.upload(&iso("big.iso"), file).await.expect("a task").value;
    let outcome = client.task(upid.as_deref()).expect("a task").wait(PATIENCE).await;
    assert!(outcome.expect("an end").is_success());
    let content = GetNodesNodeStorageStorageContent::new("pve01", "local");
    let rows = client.send(&content).await.expect("a list").value;
    let row = rows.iter().find(|row| row.volid == "local:iso/big.iso").expect("the volume");
    assert_eq!(row.size, Some(3 << 20));
}

#[tokio::test]
async fn an_upload_takes_longer_than_an_answer_may_be_silent() {
    let mock = Mock::start(Cluster::demo(1, 2, 1)).await.expect("a port");
    mock.fault(Fault::on("/cluster/status", Trouble::Delay(Duration::from_secs(3600))));
    let client = mock.client().read_timeout(Duration::from_millis(50)).retries(0);
    let client = client.build().expect("a client");
    // The second half comes when a silent answer has been given up.
    let silent = client.clone();
    let silent = tokio::spawn(async move { silent.send(&GetClusterStatus::new()).await });
    let content = stream::once(async { Ok(bytes::Bytes::from_static(b"first")) });
    let content = content.chain(stream::once(async move {
        let given_up = silent.await.expect("an end").expect_err("silent");
        assert!(matches!(given_up, sdk_proxmox::Error::Timeout { .. }), "{given_up}");
        Ok(bytes::Bytes::from_static(b"second"))
    }));
    let file = Upload::stream("slow.iso", 11, content);
    assert!(client.upload(&iso("slow.iso"), file).await.expect("a task").value.is_some());
}

#[tokio::test]
async fn a_file_of_the_wrong_kind_is_refused_by_name() {
    let (_mock, client) = start().await;
    let error = client.upload(&iso("notes.txt"), Upload::bytes("notes.txt", "x")).await;
    let error = error.expect_err("no image");
    assert_eq!(
        error.field_errors().map(|errors| errors["filename"].as_str()),
        Some("wrong file extension")
    );
}

#[tokio::test]
async fn an_operation_without_a_file_takes_none() {
    let (mock, client) = start().await;
    let error = client.upload(&GetVersion::new(), Upload::bytes("x", "x")).await.expect_err("no");
    assert_eq!(error.to_string(), "GET /version takes no file");
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn a_download_comes_in_parts_and_an_error_is_an_error() {
    let (_mock, client) = start().await;
    let file = client.download(&GetVersion::new()).await.expect("an answer");
    let parts: Vec<_> = file.content.collect().await;
    let bytes: usize = parts.iter().map(|part| part.as_ref().expect("a part").len()).sum();
    assert_eq!(file.length, Some(bytes as u64));
    let missing = sdk_proxmox::pve::GetNodesNodeQemuVmidConfig::new("pve01", 9999);
    assert!(client.download(&missing).await.expect_err("missing").is_not_found());
}

#[tokio::test]
async fn places_lead_from_the_client_to_every_operation() {
    let (_mock, client) = start().await;
    let node = client.pve().nodes().node("pve01");
    let guests = node.qemu().get().with(|list| list.full(true)).await.expect("a list");
    let vmid = guests.first().expect("a guest").vmid;
    let config = node.qemu().vmid(vmid).config().get().await.expect("a configuration");
    assert!(config.name.is_some());
    let started = node.qemu().vmid(vmid).status().start().post().run(PATIENCE).await;
    assert!(
        started.is_ok()
            || started.is_err_and(|error| error.to_string().contains("already running"))
    );
}

#[tokio::test]
async fn a_redirect_is_no_file() {
    let (mock, client) = start().await;
    mock.fault(Fault::on("/version", Trouble::Page(302, "<h1>moved</h1>".into())));
    let error = client.download(&GetVersion::new()).await.expect_err("moved");
    assert_eq!(error.status(), Some(302));
}
