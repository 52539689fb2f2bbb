//! A NetBox with the plugin: its own tables are filled, and stay as they are.

use proxbox::plan::Kind;
use sdk_proxmox::Operation;
use sdk_proxmox::pve::GetClusterResources;
use serde_json::{Value, json};

use crate::rig::Rig;

#[tokio::test]
async fn a_second_run_writes_nothing_into_the_tables_of_the_plugin() {
    let rig = Rig::with_plugin().await;
    let first = rig.sync().await;
    assert!(first.ok, "{:?} {:?}", first.failed, first.warnings);
    rig.netbox.forget_requests();
    let second = rig.sync().await;
    assert!(second.ok, "{:?}", second.failed);
    let writes: Vec<_> =
        rig.netbox.requests().into_iter().filter(|one| one.method != "GET").collect();
    assert!(writes.is_empty(), "{writes:?}");
    // Notes in the journal are written and never read again.
    let notes = first.accounts[&Kind::JournalEntry].created;
    assert_eq!(second.unchanged, first.unchanged + first.created + first.updated - notes);
}

#[tokio::test]
async fn backups_are_found_on_storages_that_the_list_of_resources_leaves_out() {
    let rig = Rig::with_plugin().await;
    let client = rig.proxmox.client().build().unwrap();
    let listed = client.answer(GetClusterResources::new().request()).await.unwrap();
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    let rows = listed["data"].as_array().unwrap().iter();
    let rows: Vec<&Value> = rows.filter(|row| row["type"] != "storage").collect();
    let seed = json!({ "/cluster/resources": rows });
    rig.proxmox.with(|cluster| cluster.seed(seed.as_object().unwrap()));
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(outcome.counts()["backups_count"], 4);
}
