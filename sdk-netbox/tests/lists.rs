//! Lists: pages, filters, fields.

#![allow(clippy::unwrap_used, clippy::panic)]

use futures_util::TryStreamExt;
use sdk_netbox::mock::Mock;
use sdk_netbox::runtime::Query;
use sdk_netbox::types::TagRequest;
use sdk_netbox::{Client, filters, ops};

async fn tags(count: usize) -> (Mock, Client) {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url()).token(mock.token()).build().unwrap();
    let tag = |number: usize| {
        TagRequest::new(format!("tag-{number:03}"), format!("tag-{number:03}")).weight(1000)
    };
    let bodies: Vec<TagRequest> = (0..count).map(tag).collect();
    let bulk = netbox.with_batch(500).create_all(&ops::extras::TAGS_CREATE, &bodies).await.unwrap();
    assert!(bulk.is_complete());
    mock.forget_requests();
    (mock, netbox)
}

#[tokio::test]
async fn every_object_comes_once_though_the_server_cuts_the_pages() {
    let (mock, netbox) = tags(25).await;
    mock.set_max_page_size(10);
    for limit in [1000, 10, 7, 25, 1] {
        let all = netbox.list(&ops::extras::TAGS_LIST, []).limit(limit).all().await.unwrap();
        let ids: Vec<i64> = all.iter().map(|tag| tag.id).collect();
        assert_eq!(ids, (1..=25).collect::<Vec<i64>>(), "limit {limit}");
    }
    mock.forget_requests();
    netbox.list(&ops::extras::TAGS_LIST, []).limit(1000).all().await.unwrap();
    assert_eq!(mock.requests().len(), 3);
}

#[tokio::test]
async fn pages_are_read_only_as_they_are_asked_for() {
    let (mock, netbox) = tags(9).await;
    let list = netbox.list(&ops::extras::TAGS_LIST, []).limit(3);
    let mut stream = std::pin::pin!(list.stream());
    for _ in 0..3 {
        stream.try_next().await.unwrap().unwrap();
    }
    assert_eq!(mock.requests().len(), 1);
    stream.try_next().await.unwrap().unwrap();
    assert_eq!(mock.requests().len(), 2);
}

#[tokio::test]
async fn repeated_filters_hold_on_every_page() {
    let (mock, netbox) = tags(9).await;
    let ids = filters::extras::tags::ID.in_([2, 4, 6, 8]);
    let found = netbox.list(&ops::extras::TAGS_LIST, [ids]).limit(2).all().await.unwrap();
    assert_eq!(found.iter().map(|tag| tag.id).collect::<Vec<_>>(), [2, 4, 6, 8]);
    assert_eq!(mock.requests().len(), 2);
}

#[tokio::test]
async fn more_ids_than_a_request_line_holds_are_asked_for_in_parts() {
    let (mock, netbox) = tags(600).await;
    let ids = filters::extras::tags::ID.in_(1..=600);
    let list = || netbox.list(&ops::extras::TAGS_LIST, [ids.clone()]);
    assert_eq!(list().all().await.unwrap().len(), 600);
    assert_eq!(list().count().await.unwrap(), 600);
    assert!(mock.requests().iter().all(|seen| seen.status == 200 && seen.query.len() < 4000));
}

#[tokio::test]
async fn a_filter_that_netbox_would_ignore_is_refused() {
    let (mock, netbox) = tags(3).await;
    for name in ["nmae", "name__has", "weight__ic"] {
        let query = Query(vec![(name.to_owned(), "x".to_owned())]);
        let error = netbox.list(&ops::extras::TAGS_LIST, [query]).all().await.unwrap_err();
        assert!(error.is_not_sent() && error.to_string().contains(name), "{error}");
    }
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn chosen_fields_always_hold_the_id() {
    let (mock, netbox) = tags(2).await;
    let list = netbox.list(&ops::extras::TAGS_LIST, []);
    let found = list.fields(["name"]).ordering("-name").all().await.unwrap();
    assert_eq!(found[0].name.as_deref(), Some("tag-001"));
    assert!(found[0].id > 0 && found[0].slug.is_none());
    assert!(mock.requests()[0].query.contains("fields=id%2Cname"));
    let brief = netbox.list(&ops::extras::TAGS_LIST, []).brief().first().await.unwrap().unwrap();
    assert!(brief.created.is_none() && brief.name.is_some());
}

#[tokio::test]
async fn paging_by_cursor_ends_where_the_objects_end() {
    let (mock, netbox) = tags(25).await;
    mock.set_max_page_size(10);
    for limit in [1000, 5, 7] {
        let list = netbox.list(&ops::extras::TAGS_LIST, []).by_cursor().limit(limit);
        let ids: Vec<i64> = list.all().await.unwrap().iter().map(|tag| tag.id).collect();
        assert_eq!(ids, (1..=25).collect::<Vec<i64>>(), "limit {limit}");
    }
    assert!(mock.requests().iter().all(|seen| seen.query.contains("start=")));
}
