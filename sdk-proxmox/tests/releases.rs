//! A call that the server's release does not know fails before it is sent.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::{GetClusterHaRules, GetClusterStatus, PostClusterHaResources};
use sdk_proxmox::{Error, Release};

async fn old() -> Mock {
    let mut cluster = Cluster::demo(1, 2, 1);
    cluster.release = "8.4.1".into();
    Mock::start(cluster).await.expect("a port")
}

fn paths(mock: &Mock) -> Vec<String> {
    mock.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn an_operation_of_a_newer_release_is_refused_with_both_releases_named() {
    let mock = old().await;
    let client = mock.client().build().expect("a client");
    let error = client.send(&GetClusterHaRules::new()).await.expect_err("too new");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(error.to_string(), "GET /cluster/ha/rules needs PVE 9.0, this is 8.4.1");
    assert_eq!(client.release().await, Some(Release(8, 4, 1)));
    assert_eq!(paths(&mock), ["/version"], "the release is asked for once, the call never");
}

#[tokio::test]
async fn a_parameter_of_a_newer_release_is_refused_only_where_it_is_set() {
    let mock = old().await;
    let client = mock.client().build().expect("a client");
    let with = PostClusterHaResources::new("vm:100").failback(true);
    let error = client.send(&with).await.expect_err("too new");
    assert_eq!(error.to_string(), "the parameter failback needs PVE 9.0, this is 8.4.1");
    // Refused by the mock, which does not model it: it was sent.
    let without = client.send(&PostClusterHaResources::new("vm:100")).await;
    assert!(!matches!(without, Err(Error::Unavailable { .. })), "{without:?}");
}

#[tokio::test]
async fn what_every_release_has_costs_no_question() {
    let mock = old().await;
    let client = mock.client().build().expect("a client");
    client.send(&GetClusterStatus::new()).await.expect("an answer");
    assert_eq!(paths(&mock), ["/cluster/status"]);
}

#[tokio::test]
async fn the_check_can_be_switched_off() {
    let mock = old().await;
    let client = mock.client().check_release(false).build().expect("a client");
    let _ = client.send(&GetClusterHaRules::new()).await;
    assert_eq!(paths(&mock), ["/cluster/ha/rules"]);
}
