//! The blocking client, from a thread that has no runtime.

#![allow(clippy::unwrap_used, clippy::panic)]

use sdk_netbox::mock::Mock;
use sdk_netbox::types::TagRequest;
use sdk_netbox::{Client, blocking, ops};
use tokio::runtime::Runtime;

#[test]
fn objects_are_made_listed_changed_and_deleted() {
    let runtime = Runtime::new().unwrap();
    let mock = runtime.block_on(Mock::start()).unwrap();
    let client = Client::builder(mock.url()).token(mock.token()).build().unwrap();
    let netbox = blocking::Client::new(client).unwrap();
    let tags: Vec<_> = ["a", "b"].map(|name| TagRequest::new(name, name)).into();
    assert!(netbox.create_all(&ops::extras::TAGS_CREATE, &tags).unwrap().is_complete());
    let one = netbox.create(&ops::extras::TAGS_CREATE, &TagRequest::new("c", "c")).unwrap();
    assert_eq!(netbox.get(&ops::extras::TAGS_RETRIEVE, one.id).unwrap().name.as_deref(), Some("c"));
    let list = || netbox.inner().list(&ops::extras::TAGS_LIST, []);
    let ids: Vec<i64> = netbox.wait_for(list().all()).unwrap().iter().map(|tag| tag.id).collect();
    assert_eq!(ids.len(), 3);
    netbox.delete(&ops::extras::TAGS_DESTROY, one.id).unwrap();
    let there = netbox.clone();
    let rest: Vec<i64> = ids.into_iter().filter(|id| *id != one.id).collect();
    // Within async code too.
    let deleted = runtime.block_on(async move {
        there
            .delete_all(&ops::extras::TAGS_BULK_DESTROY, &rest, None)
            .map(|bulk| bulk.is_complete())
    });
    assert!(deleted.unwrap());
    assert_eq!(mock.count("extras/tags"), 0);
}
