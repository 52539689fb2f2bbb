//! Single objects: get-or-create, and what an update has to send.

#![allow(clippy::unwrap_used, clippy::panic)]

use sdk_netbox::mock::{Fault, FaultKind, Mock};
use sdk_netbox::runtime::{IdOr, Patch};
use sdk_netbox::types::{PatchedWritableSiteRequest, WritableSiteRequest};
use sdk_netbox::{Client, Ensured, changes, filters, ops};

async fn start() -> (Mock, Client) {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url()).token(mock.token()).build().unwrap();
    (mock, netbox)
}

fn site(name: &str, slug: &str) -> WritableSiteRequest {
    WritableSiteRequest::new(name, slug)
}

async fn ensure(netbox: &Client, wanted: &WritableSiteRequest) -> Result<bool, sdk_netbox::Error> {
    let slug = wanted.slug.as_deref().unwrap();
    let by_slug = [filters::dcim::sites::SLUG.eq(slug)];
    let (list, create) = (&ops::dcim::SITES_LIST, &ops::dcim::SITES_CREATE);
    let ensured = netbox.get_or_create(list, by_slug, create, wanted).await?;
    assert_eq!(ensured.clone().into_inner().slug.as_deref(), Some(slug));
    Ok(matches!(ensured, Ensured::Created(_)))
}

#[tokio::test]
async fn an_object_is_created_once_and_found_afterwards() {
    let (mock, netbox) = start().await;
    assert!(ensure(&netbox, &site("a", "a")).await.unwrap());
    assert!(!ensure(&netbox, &site("a", "a")).await.unwrap());
    assert_eq!(mock.count("dcim/sites"), 1);
}

#[tokio::test]
async fn two_who_create_the_same_object_get_the_same_object() {
    let (mock, netbox) = start().await;
    let same = site("a", "a");
    let racers = (0..8).map(|_| ensure(&netbox, &same));
    let created = futures_util::future::join_all(racers).await;
    assert_eq!(created.into_iter().filter(|created| *created.as_ref().unwrap()).count(), 1);
    assert_eq!(mock.count("dcim/sites"), 1);
}

#[tokio::test]
async fn an_object_whose_creation_was_not_answered_is_found() {
    let (mock, netbox) = start().await;
    mock.fault(Fault::new(FaultKind::ResetAfterCommit).method("POST"));
    assert!(!ensure(&netbox, &site("a", "a")).await.unwrap());
    assert_eq!(mock.count("dcim/sites"), 1);
}

#[tokio::test]
async fn an_object_that_cannot_be_created_is_an_error() {
    let (_mock, netbox) = start().await;
    ensure(&netbox, &site("a", "a")).await.unwrap();
    let error = ensure(&netbox, &site("a", "b")).await.unwrap_err();
    assert!(error.to_string().contains("site with this name"), "{error}");
    let none = netbox
        .get_or_create(&ops::dcim::SITES_LIST, [], &ops::dcim::SITES_CREATE, &site("c", "c"))
        .await;
    assert!(none.unwrap_err().to_string().contains("without a filter"));
}

#[tokio::test]
async fn only_what_differs_is_sent() {
    let (_mock, netbox) = start().await;
    let created = netbox.create(&ops::dcim::SITES_CREATE, &site("a", "a")).await.unwrap();
    let mut wanted = PatchedWritableSiteRequest::new().name("a").status("active");
    assert!(changes(&created, &wanted).is_empty());
    wanted.description = Some("new".to_owned());
    wanted.region = Patch::Set(IdOr::Id(4));
    let changes = changes(&created, &wanted);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["description", "region"]);
}

#[tokio::test]
async fn null_clears_a_field_and_silence_leaves_it() {
    let (_mock, netbox) = start().await;
    let mut body = site("a", "a");
    body.latitude = Patch::Set(52.5);
    let created = netbox.create(&ops::dcim::SITES_CREATE, &body).await.unwrap();
    let update = &ops::dcim::SITES_PARTIAL_UPDATE;
    let leave = PatchedWritableSiteRequest::default();
    let site = netbox.update(update, created.id, &leave).await.unwrap();
    assert_eq!(site.latitude, Some(52.5));
    let mut clear = PatchedWritableSiteRequest::new();
    clear.latitude = Patch::Null;
    let site = netbox.update(update, created.id, &clear).await.unwrap();
    assert_eq!(site.latitude, None);
}
