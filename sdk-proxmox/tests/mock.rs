//! The mock behaves as Proxmox does, seen through the client.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sdk_proxmox::mock::{Cluster, Guest, GuestKind, Mock};
use sdk_proxmox::pve::*;
use sdk_proxmox::{Client, Error, Operation, Outcome};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

async fn start() -> (Mock, Client) {
    let mock = Mock::start(Cluster::demo(3, 40, 1)).await.expect("a port");
    let client = mock.client().build().expect("a client");
    (mock, client)
}

async fn value<O: Operation>(client: &Client, operation: O) -> O::Output {
    let decoded = client.send(&operation).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(decoded.drift.is_empty(), "{:?}", decoded.drift);
    decoded.value
}

async fn failure<O: Operation>(client: &Client, operation: O) -> Error {
    match client.send(&operation).await {
        Ok(_) => panic!("{} did not fail", operation.op()),
        Err(error) => error,
    }
}

#[test]
fn a_demo_is_the_same_for_the_same_arguments() {
    let (one, same, other) =
        (Cluster::demo(3, 50, 9), Cluster::demo(3, 50, 9), Cluster::demo(3, 50, 10));
    assert_eq!(one.guests, same.guests);
    assert_ne!(one.guests, other.guests);
    assert_eq!(one.nodes.len(), 3);
    assert_eq!(one.guests.len(), 50);
}

#[tokio::test]
async fn a_demo_decodes_without_drift_and_has_what_inventories_need() {
    let (_mock, client) = start().await;
    let resources = value(&client, GetClusterResources::new()).await;
    assert!(resources.rejected().is_empty());
    let of = |kind: &str| {
        let kind = kind.to_owned();
        resources.iter().filter(move |row| row.kind.as_ref().is_some_and(|k| k.to_string() == kind))
    };
    assert_eq!(of("qemu").count() + of("lxc").count(), 40);
    assert_eq!(of("node").count(), 3);
    assert!(of("storage").count() >= 3 && of("network").count() == 3);
    assert!(of("lxc").count() > 5);
    let status = value(&client, GetClusterStatus::new()).await;
    assert_eq!(status.len(), 4);
    for node in ["pve01", "pve02", "pve03"] {
        value(&client, GetNodesNodeStatus::new(node)).await;
        let network = value(&client, GetNodesNodeNetwork::new(node)).await;
        assert!(network.len() >= 5);
        let storages = value(&client, GetNodesNodeStorage::new(node)).await;
        for storage in storages.iter() {
            let name = storage.storage.clone();
            value(&client, GetNodesNodeStorageStorageContent::new(node, name)).await;
        }
        for guest in value(&client, GetNodesNodeQemu::new(node)).await.iter() {
            let config = value(&client, GetNodesNodeQemuVmidConfig::new(node, guest.vmid)).await;
            for (_, net) in &config.net {
                net.parse().expect("a network interface");
            }
            value(&client, GetNodesNodeQemuVmidStatusCurrent::new(node, guest.vmid)).await;
            value(&client, GetNodesNodeQemuVmidSnapshot::new(node, guest.vmid)).await;
        }
        for guest in value(&client, GetNodesNodeLxc::new(node)).await.iter() {
            let config = value(&client, GetNodesNodeLxcVmidConfig::new(node, guest.vmid)).await;
            assert!(!config.net.is_empty() && config.rootfs.is_some());
            value(&client, GetNodesNodeLxcVmidInterfaces::new(node, guest.vmid)).await;
        }
    }
}

#[tokio::test]
async fn an_undescribed_path_and_where_it_is_strict_an_unmodelled_write_are_not_implemented() {
    let (mock, client) = start().await;
    mock.with(|cluster| cluster.strict = true);
    let error =
        failure(&client, PostNodesNodeReplicationIdScheduleNow::new("pve01", "100-0")).await;
    assert!(error.is_not_implemented(), "{error}");
    assert!(error.to_string().ends_with("not implemented"), "{error}");
    let mut request = GetVersion::new().request();
    request.path = "/no/such/path".into();
    let error = client.answer(request).await.expect_err("no such path");
    assert!(error.to_string().ends_with("501 Method 'GET /no/such/path' not implemented"));
    assert_eq!(mock.requests().last().map(|last| last.status), Some(501));
}

#[tokio::test]
async fn parameters_are_checked_as_the_description_says() {
    let (_mock, client) = start().await;
    let mut odd = PutNodesNodeQemuVmidConfig::new("pve01", 100);
    odd.extra.insert("no-such-key".into(), 1.into());
    odd.cores = Some(-3);
    let error = failure(&client, odd).await;
    assert_eq!(error.status(), Some(400));
    let fields = error.field_errors().expect("fields");
    assert!(fields["no-such-key"].starts_with("property is not defined in schema"), "{fields:?}");
    assert!(fields["cores"].contains("minimum value of 1"), "{fields:?}");
    let mut word = GetNodesNodeTasks::new("pve01").request();
    word.query.push(("errors".into(), "true".into()));
    let error = client.answer(word).await.expect_err("a word");
    let fields = error.field_errors().expect("fields");
    assert_eq!(fields["errors"], "type check ('boolean') failed - got 'true'");
}

#[tokio::test]
async fn a_changed_guest_shows_everywhere() {
    let (mock, client) = start().await;
    mock.with(|cluster| {
        cluster.rename(100, "renamed").expect("a guest");
        cluster.migrate(100, "pve03").expect("a guest");
        cluster.rename(101, "renamed").expect("a guest");
        cluster.unset(101, "net1").expect("a guest");
        cluster.unname(103).expect("a guest");
        cluster.set(104, "memory", "current=2048").expect("a guest");
        cluster.set(104, "net0", "not a property string, at all").expect("a guest");
        assert!(cluster.rename(9999, "x").is_err());
    });
    let resources = value(&client, GetClusterResources::new()).await;
    let row = |vmid: i64| resources.iter().find(|row| row.vmid == Some(vmid)).expect("a row");
    assert_eq!(row(100).name.as_deref(), Some("renamed"));
    assert_eq!(row(100).node.as_deref(), Some("pve03"));
    assert_eq!(row(101).name.as_deref(), Some("renamed"));
    assert_eq!(row(103).name, None);
    let config = value(&client, GetNodesNodeQemuVmidConfig::new("pve02", 101)).await;
    assert_eq!(config.net.keys().copied().collect::<Vec<_>>(), [0]);
    let config = value(&client, GetNodesNodeQemuVmidConfig::new("pve02", 104)).await;
    assert_eq!(config.memory.as_ref().map(|memory| memory.as_str()), Some("current=2048"));
    let error = failure(&client, GetNodesNodeQemuVmidConfig::new("pve01", 100)).await;
    assert!(error.is_not_found());
}

#[tokio::test]
async fn a_node_that_is_down_leaves_its_guests_listed_without_state() {
    let (mock, client) = start().await;
    mock.with(|cluster| cluster.set_online("pve02", false)).expect("a node");
    let resources = value(&client, GetClusterResources::new()).await;
    let there = resources.iter().filter(|row| row.vmid.is_some());
    let there: Vec<_> = there.filter(|row| row.node.as_deref() == Some("pve02")).collect();
    assert!(there.len() > 10);
    for row in there {
        assert_eq!(row.status.as_deref(), Some("unknown"));
        assert_eq!((row.name.as_ref(), row.maxmem), (None, None));
    }
}

#[tokio::test]
async fn without_privileges_lists_get_shorter_and_calls_are_refused() {
    let (mock, client) = start().await;
    mock.with(|cluster| cluster.hide(100, true)).expect("a guest");
    let guests = value(&client, GetNodesNodeQemu::new("pve01")).await;
    assert!(guests.iter().all(|guest| guest.vmid != 100));
    let error = failure(&client, GetNodesNodeQemuVmidConfig::new("pve01", 100)).await;
    assert!(error.is_forbidden());
    mock.with(|cluster| {
        cluster.revoke("VM.Audit");
        cluster.revoke("Sys.Audit");
    });
    assert!(value(&client, GetNodesNodeQemu::new("pve01")).await.is_empty());
    let error = failure(&client, GetClusterStatus::new()).await;
    assert!(error.to_string().ends_with("403 Permission check failed (/, Sys.Audit)"), "{error}");
    let nodes = value(&client, GetNodes::new()).await;
    assert!(nodes.iter().all(|node| node.maxmem.is_none()));
}

#[tokio::test]
async fn agents_answer_only_where_they_can() {
    let (mock, client) = start().await;
    mock.with(|cluster| {
        for vmid in [100, 101, 103, 104] {
            let guest = cluster.guest_mut(vmid).expect("a guest");
            (guest.running, guest.agent_answers) = (true, true);
            guest.config.insert("agent".into(), "1".into());
        }
        cluster.unset(101, "agent").expect("a guest");
        cluster.guest_mut(103).expect("a guest").running = false;
        cluster.guest_mut(104).expect("a guest").agent_answers = false;
    });
    let ask = |node, vmid| GetNodesNodeQemuVmidAgentNetworkGetInterfaces::new(node, vmid);
    let answer = client.send(&ask("pve01", 100)).await.expect("an answer").value;
    let shown = serde_json::to_string(&proxbox_runtime::to_value(&answer)).expect("JSON");
    assert!(shown.contains("10.20.0.10") && shown.contains("ens18"), "{shown}");
    let cases = [
        ("pve02", 101, "No QEMU guest agent configured"),
        ("pve01", 103, "VM 103 is not running"),
        ("pve02", 104, "QEMU guest agent is not running"),
    ];
    for (node, vmid, text) in cases {
        let error = failure(&client, ask(node, vmid)).await;
        assert!(error.to_string().ends_with(text), "{error}");
    }
}

#[tokio::test]
async fn a_guest_lives_from_creation_to_removal() {
    let (mock, client) = start().await;
    let mut create = PostNodesNodeLxc::new("pve02", "local:vztmpl/debian.tar.zst", 700);
    create.hostname = Some("fresh".into());
    create.rootfs = Some("local-lvm:8".into());
    create.net.insert(0, "name=eth0,bridge=vmbr0,ip=dhcp".into());
    mock.with(|cluster| cluster.task_time = PATIENCE);
    let upid = client.send(&create).await.expect("a task").value;
    let error = failure(&client, PostNodesNodeLxcVmidStatusStart::new("pve02", 700)).await;
    assert!(error.is_locked(), "{error}");
    mock.with(|cluster| {
        cluster.finish_tasks();
        cluster.task_time = Default::default();
    });
    let outcome = client.task(upid.as_deref()).expect("a UPID").wait(PATIENCE).await;
    assert_eq!(outcome.expect("ended"), Outcome::Ok);
    let config = value(&client, GetNodesNodeLxcVmidConfig::new("pve02", 700)).await;
    assert_eq!(
        config.rootfs.map(|root| root.to_string()).as_deref(),
        Some("local-lvm:vm-700-disk-0,size=8G")
    );
    assert!(config.net[&0].as_str().contains("hwaddr=BC:24:11"), "{:?}", config.net);
    let error = failure(&client, create).await;
    assert!(error.is_conflict(), "{error}");

    run(&client, &PostNodesNodeLxcVmidStatusStart::new("pve02", 700)).await;
    let current = value(&client, GetNodesNodeLxcVmidStatusCurrent::new("pve02", 700)).await;
    assert_eq!(current.status.map(|status| status.to_string()).as_deref(), Some("running"));
    run(&client, &PostNodesNodeLxcVmidSnapshot::new("pve02", 700, "before")).await;
    let snapshots = value(&client, GetNodesNodeLxcVmidSnapshot::new("pve02", 700)).await;
    assert_eq!(snapshots.len(), 2);
    let error = failure(&client, DeleteNodesNodeLxcVmid::new("pve02", 700)).await;
    assert!(error.to_string().contains("is running"), "{error}");
    run(&client, &PostNodesNodeLxcVmidStatusStop::new("pve02", 700)).await;
    run(&client, &DeleteNodesNodeLxcVmid::new("pve02", 700)).await;
    let resources = value(&client, GetClusterResources::new()).await;
    assert!(resources.iter().all(|row| row.vmid != Some(700)));
    let tasks = value(&client, GetNodesNodeTasks::new("pve02")).await;
    assert_eq!(tasks.len(), 5);
}

async fn run<O: Operation<Output = Option<String>>>(client: &Client, operation: &O) {
    let outcome = client.run(operation, PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_stale_digest_is_a_conflict() {
    let (mock, client) = start().await;
    let config = value(&client, GetNodesNodeQemuVmidConfig::new("pve01", 100)).await;
    let mut change = PutNodesNodeQemuVmidConfig::new("pve01", 100);
    change.digest = config.digest;
    change.name = Some("first".into());
    value(&client, change.clone()).await;
    let error = failure(&client, change).await;
    assert!(error.is_conflict(), "{error}");
    assert_eq!(mock.with(|cluster| cluster.guests[&100].name()).as_deref(), Some("first"));
}

#[tokio::test]
async fn storages_and_pools_are_created_and_removed() {
    let (_mock, client) = start().await;
    let mut create = PostStorage::new("extra", "dir".into());
    create.path = Some("/srv/extra".into());
    value(&client, create.clone()).await;
    assert!(failure(&client, create).await.is_conflict());
    assert_eq!(value(&client, GetStorage::new()).await.len(), 5);
    value(&client, DeleteStorageStorage::new("extra")).await;
    assert!(failure(&client, DeleteStorageStorage::new("extra")).await.is_not_found());
    value(&client, PostPools::new("extra")).await;
    assert_eq!(value(&client, GetPools::new()).await.len(), 2);
    assert!(failure(&client, PostPools::new("extra")).await.is_conflict());
}

#[tokio::test]
async fn a_given_answer_replaces_the_modelled_one() {
    let (mock, client) = start().await;
    let odd = serde_json::json!({ "tag-style": { "ordering": "config" } });
    mock.with(|cluster| cluster.answers.insert("/cluster/options".into(), odd));
    let reply = client.answer(GetClusterOptions::new().request()).await.expect("an answer");
    assert!(String::from_utf8_lossy(&reply.body).contains("tag-style"));
}

#[tokio::test]
async fn a_stopped_mock_refuses_connections() {
    let mock = Mock::start(Cluster::empty()).await.expect("a port");
    let client = mock.client().build().expect("a client");
    client.send(&GetVersion::new()).await.expect("it runs");
    mock.stop().await;
    let error = client.send(&GetVersion::new()).await.expect_err("stopped");
    assert!(error.is_node_unreachable() || matches!(error, Error::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn guests_can_be_added_and_taken_away() {
    let (mock, client) = start().await;
    mock.with(|cluster| {
        cluster.add_guest(Guest::new(500, GuestKind::Qemu, "pve01"));
        cluster.remove_guest(100).expect("a guest");
    });
    let guests = value(&client, GetNodesNodeQemu::new("pve01")).await;
    let row = guests.iter().find(|guest| guest.vmid == 500).expect("the new one");
    assert_eq!(row.name.as_deref(), Some("VM 500"));
    assert!(guests.iter().all(|guest| guest.vmid != 100));
}

#[tokio::test]
async fn an_old_release_says_the_same_in_other_spellings() {
    let (mock, client) = start().await;
    let new = value(&client, GetNodesNodeQemu::new("pve01")).await;
    mock.with(|cluster| cluster.release = "6.4.15".into());
    let reply = client.answer(GetNodesNodeQemu::new("pve01").request()).await.expect("an answer");
    assert!(String::from_utf8_lossy(&reply.body).contains(r#""vmid":"100""#));
    let old = value(&client, GetNodesNodeQemu::new("pve01")).await;
    assert_eq!(old.len(), new.len());
    assert_eq!((old[0].vmid, &old[0].name, old[0].pid), (new[0].vmid, &new[0].name, new[0].pid));
}

#[tokio::test]
async fn what_is_created_is_listed_read_changed_and_removed_by_the_shape_of_the_api_alone() {
    let (_mock, client) = start().await;
    let create = PostClusterHaResources::new("vm:100").comment("first");
    value(&client, create.clone()).await;
    assert!(failure(&client, create).await.is_conflict());
    let listed = value(&client, GetClusterHaResources::new()).await;
    assert_eq!(listed.iter().map(|row| row.sid.as_str()).collect::<Vec<_>>(), ["vm:100"]);
    value(&client, PutClusterHaResourcesSid::new("vm:100").comment("second")).await;
    let read = value(&client, GetClusterHaResourcesSid::new("vm:100")).await;
    assert_eq!(read.comment.as_deref(), Some("second"));
    value(&client, DeleteClusterHaResourcesSid::new("vm:100")).await;
    assert!(failure(&client, GetClusterHaResourcesSid::new("vm:100")).await.is_not_found());
}

#[tokio::test]
async fn rules_of_a_firewall_have_places_and_a_new_one_is_the_first() {
    let (_mock, client) = start().await;
    for action in ["ACCEPT", "DROP"] {
        let rule = PostClusterFirewallRules::new(action, FirewallRulesPutType::In);
        value(&client, rule).await;
    }
    let rules = value(&client, GetClusterFirewallRules::new()).await;
    let seen: Vec<_> = rules.iter().map(|rule| (rule.pos, rule.action.as_deref())).collect();
    assert_eq!(seen, [(0, Some("DROP")), (1, Some("ACCEPT"))]);
}
