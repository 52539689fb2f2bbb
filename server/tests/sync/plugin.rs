//! A NetBox with the plugin: its own tables are filled, and stay as they are.

use proxbox::plan::Kind;

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
