//! What goes wrong: a clear message, the rest goes on, nothing is lost or written twice.

use std::time::Duration;

use proxbox::apply::{Applier, Done};
use proxbox::plan::{Base, Operation};
use proxbox::store::{Ledger, OperationState, Store};
use proxbox::sync::{Outcome, Policy, Target, dry_run};
use sdk_netbox::mock::{Fault, FaultKind, Seen};
use sdk_proxmox::mock::GuestKind;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, says};

#[tokio::test]
async fn a_guest_with_one_odd_field_is_still_synced() {
    let rig = Rig::new().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| {
        cluster.set(vmid, "memory", serde_json::json!({ "odd": true })).unwrap();
        cluster.set(vmid, "onboot", "perhaps").unwrap();
    });
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.shown(vmid)["status"]["value"], "active");
}

#[tokio::test]
async fn a_device_that_does_not_parse_costs_only_itself_and_is_not_deleted() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    let before = rig.parts("virtualization/interfaces", vmid);
    rig.proxmox.with(|cluster| cluster.set(vmid, "net0", "no card at all")).unwrap();
    rig.proxmox.with(|cluster| cluster.rename(vmid, "still-synced")).unwrap();
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.shown(vmid)["name"], "still-synced");
    assert_eq!(rig.parts("virtualization/interfaces", vmid), before);
    assert!(says(&outcome.warnings, "net0 is left out"), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn an_empty_configuration_is_no_proof_that_parts_are_gone() {
    for answer in [serde_json::json!({}), serde_json::Value::Null] {
        let rig = Rig::synced().await;
        let vmid = rig.machine();
        let before = rig.counts();
        rig.proxmox.with(|cluster| {
            let node = cluster.guests[&vmid].node.clone();
            let path = format!("/nodes/{node}/qemu/{vmid}/config");
            cluster.answers.insert(path, answer.clone());
        });
        let outcome = rig.sync().await;
        assert_eq!(outcome.deleted, 0, "{answer}");
        assert_eq!(rig.counts(), before, "{answer}");
        assert!(says(&outcome.warnings, "without a digest"), "{:?}", outcome.warnings);
    }
}

#[tokio::test]
async fn machines_that_lose_a_deadlock_are_sent_again() {
    let rig = Rig::new().await;
    let fault = Fault::new(FaultKind::Deadlock).method("POST");
    rig.netbox.fault(fault.path("/api/virtualization/virtual-machines/"));
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.machines().len(), rig.proxmox.with(|cluster| cluster.guests.len()));
}

#[tokio::test]
async fn a_dead_node_hides_its_guests_and_nothing_is_lost() {
    let rig = Rig::synced().await;
    let before = rig.counts();
    let node = rig.proxmox.with(|cluster| {
        let node = cluster.nodes[1].name.clone();
        cluster.set_online(&node, false).unwrap();
        node
    });
    let other = rig.proxmox.with(|cluster| {
        let mut guests = cluster.guests.values();
        let guest = guests.find(|guest| guest.node != node).unwrap().vmid;
        cluster.rename(guest, "renamed-meanwhile").unwrap();
        guest
    });
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(outcome.deleted, 0);
    assert_eq!(rig.counts(), before);
    assert_eq!(rig.shown(other)["name"], "renamed-meanwhile");
    assert!(says(&outcome.warnings, &node), "{:?}", outcome.warnings);
    let device = rig.netbox.objects("dcim/devices");
    let device = device.iter().find(|device| device["name"] == node.as_str()).unwrap();
    assert_eq!(device["status"]["value"], "offline");
}

#[tokio::test]
async fn guests_that_a_token_may_not_see_are_not_taken_for_gone() {
    let rig = Rig::synced().await;
    rig.proxmox.with(|cluster| cluster.revoke("VM.Audit"));
    let outcome = rig.sync().await;
    assert_eq!((outcome.deleted, rig.machines().len()), (0, 12));
    assert!(says(&outcome.warnings, "VM.Audit"), "{:?}", outcome.warnings);
    assert!(!says(&outcome.warnings, "no longer in Proxmox"), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn a_missing_right_for_the_agent_costs_only_addresses() {
    let rig = Rig::new().await;
    rig.proxmox.with(|cluster| cluster.revoke("VM.GuestAgent.Audit"));
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.machines().len(), 12);
    assert!(says(&outcome.warnings, "403"), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn without_the_clusters_name_nothing_is_made_a_second_time() {
    let rig = Rig::synced().await;
    rig.proxmox.with(|cluster| cluster.revoke("Sys.Audit"));
    let outcome = rig.sync().await;
    assert!(!outcome.ok);
    assert!(outcome.message.contains("Sys.Audit"), "{}", outcome.message);
    assert_eq!(rig.netbox.writes(), 0);
}

#[tokio::test]
async fn one_object_that_netbox_refuses_costs_only_itself() {
    let rig = Rig::new().await;
    let vmid = rig.machine();
    let huge = "local-lvm:vm-1-disk-9,size=9999999T";
    rig.proxmox.with(|cluster| cluster.set(vmid, "scsi9", huge)).unwrap();
    let outcome = rig.sync().await;
    assert!(!outcome.ok);
    let [failure] = &outcome.failed[..] else { panic!("{:?}", outcome.failed) };
    assert!(failure.object.contains("scsi9"), "{failure:?}");
    assert!(failure.message.contains("400"), "{failure:?}");
    let frame = outcome.complete_frame();
    assert_eq!(frame.data["ok"], false);
    assert_eq!(frame.data["errors"].as_array().unwrap().len(), 1);
    assert_eq!(rig.machines().len(), 12);
    rig.proxmox.with(|cluster| cluster.unset(vmid, "scsi9")).unwrap();
    assert!(rig.sync().await.ok);
}

#[tokio::test]
async fn what_needs_a_refused_object_is_skipped_with_the_reason() {
    let rig = Rig::new().await;
    let vmid = rig.machine();
    rig.netbox.fault(
        Fault::new(FaultKind::Status(403))
            .method("POST")
            .path("/api/virtualization/virtual-machines/"),
    );
    let outcome = rig.sync().await;
    assert!(!outcome.ok);
    assert!(says(&outcome.warnings, "it needs virtual machine"), "{:?}", outcome.warnings);
    assert_eq!(rig.netbox.count("virtualization/interfaces"), 0);
    assert!(rig.sync().await.ok);
    assert_eq!(rig.shown(vmid)["status"]["value"], "active");
}

/// After trouble with one request, everything is there once, as after a run without.
async fn ends_as_without(fault: Fault) -> Outcome {
    let calm = Rig::synced().await;
    let rig = Rig::new().await;
    rig.netbox.fault(fault);
    let builder = sdk_netbox::Client::builder(rig.netbox.url()).token(rig.netbox.token());
    let netbox = builder.retries(0).timeout(Duration::from_millis(1500)).build().unwrap();
    let (outcome, _) = rig.sync_as(&netbox, &[rig.target()]).await;
    assert_eq!(rig.counts(), calm.counts());
    rig.netbox.forget_requests();
    assert!(rig.sync().await.ok);
    assert_eq!(rig.netbox.writes(), 0);
    outcome
}

#[tokio::test]
async fn a_server_error_in_the_middle_is_looked_up_and_repaired() {
    for path in [
        "/api/virtualization/virtual-machines/",
        "/api/dcim/mac-addresses/",
        "/api/ipam/ip-addresses/",
    ] {
        let fault = Fault::new(FaultKind::Status(500)).method("POST").path(path);
        let outcome = ends_as_without(fault).await;
        assert!(outcome.ok, "{path}: {:?}", outcome.failed);
    }
}

#[tokio::test]
async fn a_server_error_that_stays_costs_what_it_hits_and_no_more() {
    let rig = Rig::new().await;
    let path = "/api/virtualization/virtual-disks/";
    rig.netbox.fault(Fault::new(FaultKind::Status(500)).method("POST").path(path).times(1000));
    let outcome = rig.sync().await;
    assert!(!outcome.ok);
    assert!(outcome.failed.iter().all(|one| one.object.starts_with("virtual disk")));
    assert_eq!(rig.machines().len(), 12);
    assert!(rig.netbox.count("ipam/ip-addresses") > 0);
    let requests = rig.netbox.requests();
    let tried = requests.iter().filter(|one| one.method == "POST" && one.path == path).count();
    assert_eq!(tried, 2, "once, and once more after a look");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_write_makes_nothing_twice() {
    for path in [
        "/api/virtualization/virtual-machines/",
        "/api/virtualization/interfaces/",
        "/api/dcim/mac-addresses/",
        "/api/ipam/ip-addresses/",
    ] {
        for kind in [FaultKind::ResetAfterCommit, FaultKind::Truncate] {
            let fault = Fault::new(kind.clone()).method("POST").path(path);
            let outcome = ends_as_without(fault).await;
            assert!(outcome.ok, "{path} {kind:?}: {:?}", outcome.failed);
        }
    }
}

#[tokio::test]
async fn an_update_of_unknown_outcome_is_looked_up() {
    for kind in [FaultKind::ResetAfterCommit, FaultKind::ResetBefore] {
        let fault = Fault::new(kind.clone()).method("PATCH").path("/api/virtualization/");
        let outcome = ends_as_without(fault).await;
        assert!(outcome.ok, "{kind:?}: {:?}", outcome.failed);
    }
}

#[tokio::test]
async fn a_time_out_in_the_middle_of_a_batch_loses_nothing() {
    let delay = FaultKind::Delay(Duration::from_secs(4));
    let fault = Fault::new(delay).method("POST").path("/api/virtualization/interfaces/");
    let outcome = ends_as_without(fault).await;
    assert!(outcome.ok, "{:?}", outcome.failed);
}

#[tokio::test]
async fn a_wrong_netbox_token_ends_the_run_with_a_clear_message() {
    let rig = Rig::new().await;
    let wrong = "f".repeat(40);
    let netbox =
        sdk_netbox::Client::builder(rig.netbox.url()).token(wrong.clone()).build().unwrap();
    let (outcome, frames) = rig.sync_as(&netbox, &[rig.target()]).await;
    assert!(!outcome.ok);
    assert!(outcome.message.contains(&rig.netbox.url()), "{}", outcome.message);
    assert!(outcome.message.contains("token"), "{}", outcome.message);
    assert!(!outcome.message.contains(&wrong));
    assert_eq!(frames[0].data["ok"], false);
    assert_eq!(outcome.complete_frame().data["ok"], false);
}

#[tokio::test]
async fn a_wrong_proxmox_token_ends_the_run_with_a_clear_message() {
    let rig = Rig::new().await;
    let client = sdk_proxmox::Client::builder(&rig.proxmox.url())
        .token("root@pam!proxbox", "wrong-secret".to_owned())
        .retries(0)
        .build()
        .unwrap();
    let (outcome, _) = rig.sync_as(&rig.client(), &[Target { client, ..rig.target() }]).await;
    assert!(!outcome.ok);
    for part in ["lab", "401", "token"] {
        assert!(outcome.message.contains(part), "{part}: {}", outcome.message);
    }
    assert!(!outcome.message.contains("wrong-secret"));
    assert_eq!(rig.netbox.writes(), 0);
}

#[tokio::test]
async fn nobody_at_the_other_end_is_named() {
    let rig = Rig::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let token = rig.netbox.token();
    let netbox = sdk_netbox::Client::builder(&nobody).token(token).retries(0).build().unwrap();
    let (outcome, _) = rig.sync_as(&netbox, &[rig.target()]).await;
    assert!(!outcome.ok && outcome.message.contains("refuse"), "{}", outcome.message);

    let client = sdk_proxmox::Client::builder(&nobody).token("a@pam!b", "c".to_owned());
    let client = client.retries(0).build().unwrap();
    let (outcome, _) = rig.sync_as(&rig.client(), &[Target { client, ..rig.target() }]).await;
    assert!(!outcome.ok && outcome.message.contains("refused"), "{}", outcome.message);
    assert!(outcome.message.contains("lab"), "{}", outcome.message);
}

#[tokio::test]
async fn an_endpoint_that_fails_does_not_stop_the_others() {
    let rig = Rig::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = sdk_proxmox::Client::builder(&nobody).token("a@pam!b", "c".to_owned());
    let client = client.retries(0).build().unwrap();
    let dead = Target {
        endpoint_id: 2,
        name: "dead".into(),
        link: String::new(),
        client,
        site: None,
        tenant: None,
    };
    let (outcome, _) = rig.sync_as(&rig.client(), &[dead, rig.target()]).await;
    assert!(!outcome.ok);
    assert_eq!(rig.machines().len(), 12);
    let [failure] = &outcome.failed[..] else { panic!("{:?}", outcome.failed) };
    assert_eq!(failure.object, "endpoint dead");
}

#[tokio::test]
async fn a_container_that_says_nothing_keeps_its_addresses() {
    let rig = Rig::synced().await;
    let before = rig.netbox.count("ipam/ip-addresses");
    for vmid in rig.running(GuestKind::Lxc) {
        rig.proxmox.with(|cluster| {
            cluster.guest_mut(vmid).unwrap().interfaces = Some(serde_json::Value::Null);
        });
    }
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.netbox.count("ipam/ip-addresses"), before);
}

#[tokio::test]
async fn what_is_written_down_never_waits_for_what_is_on_its_way() {
    let rig = Rig::with_plugin().await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let run = uuid::Uuid::now_v7();
    store.start_run(run, "netbox", Duration::from_secs(60)).await.unwrap();
    let ledger = Ledger::new(store.clone(), "netbox", run);
    // As many requests as there can be, two at a time, each of them written down before and after.
    let policy = Policy { bulk_batch_size: 1, ..Policy::default() };
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let netbox = rig.client();
    let targets = [rig.target()];
    let running = proxbox::sync::run(&netbox, &targets, &policy, &ledger, None, events);
    let outcome = tokio::time::timeout(Duration::from_secs(25), running).await.unwrap();
    assert!(outcome.ok, "{:?}", outcome.failed);
    let operations = store.operations(run).await.unwrap();
    assert!(operations.iter().all(|one| one.state == OperationState::Confirmed));
}

/// Carries a plan out that was drawn up before somebody's edit; what became of each operation.
async fn carried_out_after(rig: &Rig, path: &str, edit: Value) -> Vec<(String, Done)> {
    let (netbox, ledger) = (rig.client(), Ledger::nowhere());
    let policy = Policy::default();
    let plan = dry_run(&netbox, &[rig.target()], &policy, &ledger).await.unwrap();
    netbox.raw(reqwest::Method::PATCH, path, &[], Some(edit)).await.unwrap();
    let mut applier = Applier::new(&netbox, &ledger, Base::default(), 50);
    let mut done = Vec::new();
    let mut progress = |one: &Operation, came: &Done| done.push((one.label.clone(), came.clone()));
    for one in &plan.operations {
        applier.run(one.stage, &[one], &mut progress).await;
    }
    done
}

#[tokio::test]
async fn what_somebody_changes_between_reading_and_writing_is_left_to_them() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| cluster.rename(vmid, "ours")).unwrap();
    let id = rig.shown(vmid)["id"].as_i64().unwrap();
    let path = format!("/api/virtualization/virtual-machines/{id}/");
    let done = carried_out_after(&rig, &path, json!({ "name": "theirs" })).await;
    let left = |came: &Done| matches!(came, Done::Skipped(why) if why.contains("its name was"));
    assert!(done.iter().any(|(_, came)| left(came)), "{done:?}");
    assert_eq!(rig.shown(vmid)["name"], "theirs");

    // Another field is no reason to leave it.
    let rig = Rig::synced().await;
    rig.proxmox.with(|cluster| cluster.rename(vmid, "ours")).unwrap();
    let done = carried_out_after(&rig, &path, json!({ "comments": "theirs" })).await;
    assert!(done.iter().all(|(_, came)| *came == Done::Updated), "{done:?}");
    let shown = rig.shown(vmid);
    assert_eq!((&shown["name"], &shown["comments"]), (&json!("ours"), &json!("theirs")));
}

#[tokio::test]
async fn a_change_names_the_version_that_it_is_meant_for() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| cluster.rename(vmid, "ours")).unwrap();
    rig.netbox.forget_requests();
    // NetBox says that somebody was faster; they changed another field.
    rig.netbox.fault(Fault::new(FaultKind::Status(412)).writes());
    assert!(rig.sync().await.ok);
    assert_eq!(rig.shown(vmid)["name"], "ours");
    let of_machine = |one: &Seen| one.method == "PATCH" && one.path.contains("virtual-machines");
    let patches: Vec<_> = rig.netbox.requests().into_iter().filter(of_machine).collect();
    assert_eq!(patches.len(), 2, "{patches:?}");
    assert!(patches.iter().all(|one| one.if_match.is_some()), "{patches:?}");
}

#[tokio::test]
async fn nothing_is_sent_once_another_server_writes() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| cluster.rename(vmid, "ours")).unwrap();
    let (netbox, ledger) = (rig.client(), Ledger::nowhere());
    let policy = Policy::default();
    let plan = dry_run(&netbox, &[rig.target()], &policy, &ledger).await.unwrap();
    let lost = CancellationToken::new();
    lost.cancel();
    let mut applier = Applier::new(&netbox, &ledger, Base::default(), 50).until(lost);
    for one in &plan.operations {
        applier.run(one.stage, &[one], &mut |_, _| {}).await;
    }
    assert!(applier.broken().unwrap().contains("another server"));
    assert_eq!(rig.netbox.writes(), 0);
}
