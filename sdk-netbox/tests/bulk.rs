//! Bulk writes: one bad object does not cost the others.

#![allow(clippy::unwrap_used, clippy::panic)]

use sdk_netbox::mock::{Fault, FaultKind, Mock};
use sdk_netbox::runtime::IdOr;
use sdk_netbox::types::{
    ClusterTypeRequest, PatchedBulkTagRequest, TagRequest, WritableClusterRequest,
    WritableVirtualMachineWithConfigContextRequest as Machine,
};
use sdk_netbox::{Bulk, Client, ops};

async fn start() -> (Mock, Client) {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url()).token(mock.token()).build().unwrap();
    (mock, netbox)
}

fn tag(name: &str) -> TagRequest {
    TagRequest::new(name, name)
}

fn tags(count: usize) -> Vec<TagRequest> {
    (0..count).map(|number| tag(&format!("t{number}"))).collect()
}

fn failed<R>(bulk: &Bulk<R>) -> Vec<usize> {
    bulk.failed().map(|failed| failed.index).collect()
}

async fn cluster(netbox: &Client) -> i64 {
    let kind = ClusterTypeRequest::new("c", "c");
    let kind = netbox.create(&ops::virtualization::CLUSTER_TYPES_CREATE, &kind).await.unwrap();
    let cluster = WritableClusterRequest::new("c", IdOr::Id(kind.id));
    netbox.create(&ops::virtualization::CLUSTERS_CREATE, &cluster).await.unwrap().id
}

fn machine(name: &str, cluster: i64) -> Machine {
    Machine::new(name).cluster(IdOr::Id(cluster))
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_request_over_all_batches() {
    let (mock, netbox) = start().await;
    for lanes in [1, 3] {
        let bodies: Vec<_> = (0..120).map(|number| tag(&format!("l{lanes}-{number}"))).collect();
        let client = netbox.with_lanes(lanes);
        let bulk = client.create_all(&ops::extras::TAGS_CREATE, &bodies).await.unwrap();
        let names: Vec<_> = bulk.written().map(|tag| tag.name.clone()).collect();
        assert_eq!(names, bodies.iter().map(|tag| tag.name.clone()).collect::<Vec<_>>());
    }
    assert_eq!(mock.writes(), 6);
}

#[tokio::test]
async fn objects_that_the_error_names_are_left_out_and_the_others_created() {
    let (mock, netbox) = start().await;
    let mut bodies = tags(50);
    bodies[7] = tag("no good slug");
    bodies[31].weight = Some(-1);
    let bulk = netbox.create_all(&ops::extras::TAGS_CREATE, &bodies).await.unwrap();
    assert_eq!(failed(&bulk), [7, 31]);
    assert_eq!(mock.count("extras/tags"), 48);
    assert_eq!(mock.writes(), 2);
    let errors: Vec<_> = bulk.failed().collect();
    assert!(errors[0].fields.get("slug")[0].contains("slug"), "{}", errors[0]);
    assert_eq!((errors[1].status(), errors[1].is_ambiguous()), (Some(400), false));
}

#[tokio::test]
async fn two_of_a_kind_in_one_batch_cost_one_of_them() {
    let (mock, netbox) = start().await;
    let cluster = cluster(&netbox).await;
    let names = ["a", "b", "c", "B", "d"];
    let bodies: Vec<_> = names.iter().map(|name| machine(name, cluster)).collect();
    let create = &ops::virtualization::VIRTUAL_MACHINES_CREATE;
    let bulk = netbox.create_all(create, &bodies).await.unwrap();
    assert_eq!(failed(&bulk), [3]);
    let error = bulk.failed().next().unwrap();
    assert!(error.to_string().contains("unique per cluster"), "{error}");
    assert_eq!(mock.count("virtualization/virtual-machines"), 4);
}

#[tokio::test]
async fn an_uncertain_batch_is_reported_and_not_sent_again() {
    let (mock, netbox) = start().await;
    mock.fault(Fault::new(FaultKind::ResetAfterCommit).method("POST").nth(2));
    let netbox = netbox.with_batch(10);
    let bulk = netbox.create_all(&ops::extras::TAGS_CREATE, &tags(30)).await.unwrap();
    assert_eq!(failed(&bulk), (10..30).collect::<Vec<_>>());
    let uncertain: Vec<bool> = bulk.failed().map(|failed| failed.is_ambiguous()).collect();
    assert_eq!(uncertain, [[true; 10], [false; 10]].concat());
    let unsent = bulk.failed().filter(|failed| failed.error.is_not_sent()).count();
    assert_eq!((unsent, mock.writes()), (10, 2));
}

#[tokio::test]
async fn a_bulk_write_fails_as_a_whole_only_when_nothing_was_written() {
    let (mock, netbox) = start().await;
    let stranger = Client::builder(mock.url()).token("f".repeat(40)).build().unwrap();
    let error = stranger.create_all(&ops::extras::TAGS_CREATE, &tags(120)).await.unwrap_err();
    assert!(error.is_auth(), "{error}");
    assert_eq!(mock.writes(), 1);
    let none = netbox.create_all(&ops::extras::TAGS_CREATE, &[]).await.unwrap();
    assert!(none.items.is_empty() && mock.writes() == 1);
}

#[tokio::test]
async fn updates_are_matched_by_id_and_each_failure_has_its_object() {
    let (mock, netbox) = start().await;
    let created = netbox.create_all(&ops::extras::TAGS_CREATE, &tags(9)).await.unwrap();
    let mut ids: Vec<i64> = created.written().map(|tag| tag.id).collect();
    ids.reverse();
    ids.insert(4, 999);
    let body = |(place, id): (usize, &i64)| {
        // NetBox answers in the order of names, which is the other way round.
        let mut tag = PatchedBulkTagRequest::new(*id).name(format!("n{}", 9 - place));
        tag.color = (place == 2).then(|| "red".to_owned());
        tag
    };
    let bodies: Vec<_> = ids.iter().enumerate().map(body).collect();
    let update = &ops::extras::TAGS_BULK_PARTIAL_UPDATE;
    let bulk = netbox.update_all(update, &bodies).await.unwrap();
    assert_eq!(failed(&bulk), [2, 4]);
    let errors: Vec<_> = bulk.failed().collect();
    assert!(errors[0].fields.get("color")[0].contains("RGB"), "{}", errors[0]);
    assert!(errors[1].to_string().contains("no object with id 999"), "{}", errors[1]);
    for (place, id) in ids.iter().enumerate().filter(|(place, _)| ![2, 4].contains(place)) {
        let tag = bulk.items[place].as_ref().unwrap();
        assert_eq!((tag.id, tag.name.clone()), (*id, Some(format!("n{}", 9 - place))));
    }
    assert_eq!(mock.count("extras/tags"), 9);
}

#[tokio::test]
async fn what_others_depend_on_is_not_deleted_and_all_else_is() {
    let (mock, netbox) = start().await;
    let used = cluster(&netbox).await;
    let create = &ops::virtualization::VIRTUAL_MACHINES_CREATE;
    let vm = netbox.create(create, &machine("a", used)).await.unwrap();
    let kinds: Vec<_> = ["x", "y"].map(|name| ClusterTypeRequest::new(name, name)).into();
    let kinds =
        netbox.create_all(&ops::virtualization::CLUSTER_TYPES_CREATE, &kinds).await.unwrap();
    let mut ids: Vec<i64> = kinds.written().map(|kind| kind.id).collect();
    // The first type has the cluster; the last id is nobody's, which is as good as deleted.
    ids.insert(1, 1);
    ids.push(500);
    let delete = &ops::virtualization::CLUSTER_TYPES_BULK_DESTROY;
    let bulk = netbox.delete_all(delete, &ids, None).await.unwrap();
    assert_eq!(failed(&bulk), [1]);
    assert_eq!(bulk.failed().next().unwrap().status(), Some(409));
    assert_eq!(mock.count("virtualization/cluster-types"), 1);
    let delete = &ops::virtualization::VIRTUAL_MACHINES_BULK_DESTROY;
    assert!(netbox.delete_all(delete, &[vm.id], "moved away").await.unwrap().is_complete());
    let noted = mock.objects("core/object-changes");
    assert_eq!(noted.last().unwrap()["message"], "moved away");
}

#[tokio::test]
async fn new_connections_for_writes_change_nothing_else() {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url()).token(mock.token()).fresh_connections(true);
    let netbox = netbox.build().unwrap().with_batch(10).with_lanes(2);
    let bulk = netbox.create_all(&ops::extras::TAGS_CREATE, &tags(60)).await.unwrap();
    assert!(bulk.is_complete());
    let counts = netbox.counters();
    assert_eq!((counts.reads, counts.writes), (0, 6));
    assert!(counts.bytes_sent > 0 && counts.bytes_received > counts.bytes_sent);
}

#[tokio::test]
async fn requests_may_run_in_tasks_of_their_own() {
    let (mock, netbox) = start().await;
    let task = tokio::spawn(async move {
        let netbox = netbox.with_lanes(2).with_batch(2);
        let created = netbox.create_all(&ops::extras::TAGS_CREATE, &tags(5)).await?;
        let ids: Vec<i64> = created.written().map(|tag| tag.id).collect();
        let change = |id: &i64| PatchedBulkTagRequest::new(*id);
        let bodies: Vec<_> = ids.iter().map(change).collect();
        netbox.update_all(&ops::extras::TAGS_BULK_PARTIAL_UPDATE, &bodies).await?;
        let all = netbox.list(&ops::extras::TAGS_LIST, []).limit(2).all().await?;
        netbox.delete_all(&ops::extras::TAGS_BULK_DESTROY, &ids, None).await?;
        Ok::<_, sdk_netbox::Error>(all.len())
    });
    assert_eq!(task.await.unwrap().unwrap(), 5);
    assert_eq!(mock.count("extras/tags"), 0);
}
