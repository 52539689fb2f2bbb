//! What takes more than one run: what was seen and done before is in the state.

use std::time::Duration;

use proxbox::store::{Ledger, Store};
use proxbox::sync::{Outcome, Policy, SavedPlan, run, undo};
use sdk_netbox::mock::{Fault, FaultKind};
use sdk_proxmox::mock::Cluster;
use tempfile::TempDir;
use uuid::Uuid;

use crate::rig::{Rig, says};

/// A rig whose runs are written down.
struct Recorded {
    rig: Rig,
    store: Store,
    folder: TempDir,
}

impl Recorded {
    async fn new(rig: Rig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
        Self { rig, store, folder }
    }

    async fn run(&self, policy: &Policy, saved: Option<&SavedPlan>) -> (Uuid, Outcome) {
        let id = Uuid::now_v7();
        self.store.start_run(id, "netbox", Duration::from_secs(60)).await.unwrap();
        let ledger = Ledger::new(self.store.clone(), "netbox", id);
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let targets = [self.rig.target()];
        let outcome = run(&self.rig.client(), &targets, policy, &ledger, saved, events).await;
        let state = proxbox::store::RunState::Completed;
        self.store.finish_run(id, state, "{}").await.unwrap();
        (id, outcome)
    }

    /// Guests that are missing have been so for longer.
    async fn wait(&self, seconds: i64) {
        let path = self.folder.path().join("proxbox.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let sql = "UPDATE absent SET since = since - ?";
        sqlx::query(sql).bind(seconds).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

/// A plan as it is read from a file.
fn read_back(saved: &impl serde::Serialize) -> SavedPlan {
    serde_json::from_str(&serde_json::to_string(saved).unwrap()).unwrap()
}

fn pruning() -> Policy {
    Policy { prune: true, ..Policy::default() }
}

#[tokio::test]
async fn a_guest_that_is_gone_is_reported_then_marked_and_deleted_after_a_week() {
    let lab = Recorded::new(Rig::new().await).await;
    let policy = pruning();
    lab.run(&policy, None).await;
    let vmid = lab.rig.machine();
    lab.rig.proxmox.with(|cluster| cluster.remove_guest(vmid)).unwrap();
    for (passed, status) in [(0, "active"), (1800, "active"), (1800, "decommissioning")] {
        lab.wait(passed).await;
        let (_, outcome) = lab.run(&policy, None).await;
        assert!(outcome.ok && outcome.deleted == 0, "{:?}", outcome.failed);
        assert!(says(&outcome.warnings, "no longer in Proxmox"), "{:?}", outcome.warnings);
        assert_eq!(lab.rig.shown(vmid)["status"]["value"], status);
    }
    lab.wait(7 * 86_400).await;
    let (_, unpruned) = lab.run(&Policy::default(), None).await;
    assert_eq!(unpruned.deleted, 0);
    let (run, outcome) = lab.run(&policy, None).await;
    assert!(outcome.ok && outcome.deleted > 1, "{:?}", outcome.failed);
    assert_eq!(lab.rig.machines().len(), 11);
    let (_, next) = lab.run(&policy, None).await;
    assert_eq!(next.requests.netbox_writes, 0);

    // And back, with everything that it had.
    let ledger = Ledger::of_netbox(lab.store.clone(), "netbox");
    let plan = undo(&lab.rig.client(), run, &ledger).await.unwrap();
    let saved = read_back(&SavedPlan::reverting(&plan, "netbox".into(), run));
    let (_, back) = lab.run(&policy, Some(&saved)).await;
    assert!(back.ok && back.created == outcome.deleted, "{:?}", back.failed);
    assert_eq!(lab.rig.shown(vmid)["status"]["value"], "decommissioning");
    assert!(!lab.rig.parts("virtualization/virtual-disks", vmid).is_empty());
}

/// All objects of a collection, without what changes with every write.
fn shown(lab: &Recorded, collection: &str) -> Vec<String> {
    let mut shown: Vec<String> = lab
        .rig
        .netbox
        .objects(collection)
        .iter()
        .map(|object| {
            let interface = &object["assigned_object"];
            let primary = &object["primary_ip4"]["address"];
            let vlan = &object["untagged_vlan"]["vid"];
            let text = |value: &serde_json::Value| value.to_string();
            [&object["display"], &interface["name"], primary, vlan].map(text).join(" ")
        })
        .collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn a_pruned_guest_leaves_nothing_in_a_netbox_with_the_plugin_and_comes_back_whole() {
    let lab = Recorded::new(Rig::with_plugin().await).await;
    let policy = Policy { orphan_delay: 0, allow_deletes: Some(0), ..pruning() };
    assert!(lab.run(&policy, None).await.1.ok);
    const COLLECTIONS: [&str; 6] = [
        "virtualization/virtual-machines",
        "virtualization/interfaces",
        "virtualization/virtual-disks",
        "dcim/mac-addresses",
        "ipam/ip-addresses",
        "plugins/proxbox/guest-vm-interfaces",
    ];
    // With an agent, so that the plugin keeps rows of its addresses, and in a VLAN.
    let vmids = lab.rig.running(sdk_proxmox::mock::GuestKind::Qemu);
    for vmid in vmids.iter().take(4) {
        lab.rig.proxmox.with(|cluster| cluster.remove_guest(*vmid)).unwrap();
    }
    for _ in 0..2 {
        lab.wait(3600).await;
        assert!(lab.run(&policy, None).await.1.ok);
    }
    let before = COLLECTIONS.map(|collection| shown(&lab, collection));
    lab.wait(3600).await;
    let (_, held) = lab.run(&policy, None).await;
    let number = held.warnings.iter().find_map(|text| text.split("--allow-deletes ").nth(1));
    let number: usize = number.unwrap().trim_end_matches('`').parse().unwrap();
    let allowed = Policy { allow_deletes: Some(number), ..policy.clone() };
    let (run, pruned) = lab.run(&allowed, None).await;
    assert!(pruned.ok && pruned.deleted >= number, "{:?} {:?}", pruned.failed, pruned.warnings);
    assert_eq!(lab.rig.machines().len(), 8);
    for (collection, before) in COLLECTIONS.iter().zip(&before) {
        assert!(shown(&lab, collection).len() < before.len(), "{collection}");
    }

    let ledger = Ledger::of_netbox(lab.store.clone(), "netbox");
    let plan = undo(&lab.rig.client(), run, &ledger).await.unwrap();
    let saved = read_back(&SavedPlan::reverting(&plan, "netbox".into(), run));
    let (_, back) = lab.run(&policy, Some(&saved)).await;
    assert!(back.ok && plan.skipped.is_empty(), "{:?} {:?}", back.failed, plan.skipped);
    for (collection, before) in COLLECTIONS.iter().zip(before) {
        assert_eq!(shown(&lab, collection), before, "{collection}");
    }
}

#[tokio::test]
async fn a_machine_stays_while_a_part_of_it_cannot_be_deleted() {
    let lab = Recorded::new(Rig::new().await).await;
    let policy = Policy { orphan_delay: 0, ..pruning() };
    lab.run(&policy, None).await;
    let vmid = lab.rig.machine();
    lab.rig.proxmox.with(|cluster| cluster.remove_guest(vmid)).unwrap();
    for _ in 0..2 {
        lab.run(&policy, None).await;
        lab.wait(3600).await;
    }
    let interfaces = lab.rig.parts("virtualization/interfaces", vmid);
    let fault = Fault::new(FaultKind::Status(409)).method("DELETE").path("/api/ipam/");
    lab.rig.netbox.fault(fault.times(100));
    let (_, outcome) = lab.run(&policy, None).await;
    assert!(!outcome.ok);
    assert!(says(&outcome.warnings, "NetBox would delete it with this"), "{:?}", outcome.warnings);
    assert_eq!(lab.rig.parts("virtualization/interfaces", vmid), interfaces);
}

#[tokio::test]
async fn a_token_that_sees_no_guest_any_more_deletes_nothing() {
    // One that says that it lacks the privilege, and one that does not.
    sees_nothing(|cluster| cluster.revoke("VM.Audit")).await;
    sees_nothing(|cluster| cluster.guests.values_mut().for_each(|guest| guest.hidden = true)).await;
}

async fn sees_nothing(blind: fn(&mut Cluster)) {
    let lab = Recorded::new(Rig::new().await).await;
    let policy = Policy { orphan_delay: 0, ..pruning() };
    lab.run(&policy, None).await;
    lab.rig.proxmox.with(blind);
    lab.rig.netbox.forget_requests();
    for _ in 0..3 {
        let (_, outcome) = lab.run(&policy, None).await;
        assert!(outcome.ok && outcome.deleted == 0, "{:?}", outcome.failed);
        assert!(says(&outcome.warnings, "was not seen"), "{:?}", outcome.warnings);
        lab.wait(30 * 86_400).await;
    }
    assert_eq!((lab.rig.netbox.writes(), lab.rig.machines().len()), (0, 12));
}

#[tokio::test]
async fn a_first_run_that_is_taken_back_leaves_what_anybody_may_use() {
    let lab = Recorded::new(Rig::with_plugin().await).await;
    let before = lab.rig.counts();
    let (run, outcome) = lab.run(&Policy::default(), None).await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    let ledger = Ledger::of_netbox(lab.store.clone(), "netbox");
    let plan = undo(&lab.rig.client(), run, &ledger).await.unwrap();
    let saved = read_back(&SavedPlan::reverting(&plan, "netbox".into(), run));
    let (_, back) = lab.run(&Policy::default(), Some(&saved)).await;
    assert!(back.ok, "{:?}", back.failed);
    for ((name, was), (_, is)) in before.iter().zip(lab.rig.counts()) {
        let stays = *name == "extras/tags";
        assert!(stays || *was == is, "{name}: {was} before, {is} now");
    }
}

#[tokio::test]
async fn two_servers_see_each_other_through_netbox() {
    let lab = Recorded::new(Rig::new().await).await;
    let policy = Policy::default();
    assert!(lab.run(&policy, None).await.1.ok);
    let tags = lab.rig.netbox.objects("extras/tags");
    let tag = tags.iter().find(|tag| tag["slug"] == "proxbox-lease").unwrap();
    assert_eq!(tag["description"], "Nobody writes at the moment.");
    let path = format!("/api/extras/tags/{}/", tag["id"]);
    let claimed_until = async |until: &str| {
        let text = format!("Server other writes until {until}, run 1.");
        let netbox = lab.rig.client();
        let body = Some(serde_json::json!({ "description": text }));
        netbox.raw(reqwest::Method::PATCH, &path, &[], body).await.unwrap();
        lab.rig.netbox.forget_requests();
    };

    // Whoever has nothing to write asks nobody.
    claimed_until("2999-01-01T00:00:00Z").await;
    assert!(lab.run(&policy, None).await.1.ok);
    assert_eq!(lab.rig.netbox.writes(), 0);

    let vmid = lab.rig.machine();
    lab.rig.proxmox.with(|cluster| cluster.rename(vmid, "ours")).unwrap();
    let (_, refused) = lab.run(&policy, None).await;
    assert!(!refused.ok && refused.message.contains("server other"), "{}", refused.message);
    assert_eq!(lab.rig.netbox.writes(), 0);

    claimed_until("2020-01-01T00:00:00Z").await;
    assert!(lab.run(&policy, None).await.1.ok);
    assert_eq!(lab.rig.shown(vmid)["name"], "ours");
}

#[tokio::test]
async fn the_claim_of_a_killed_run_is_given_up_by_the_next_one() {
    let lab = Recorded::new(Rig::new().await).await;
    lab.run(&Policy::default(), None).await;
    let instance = Ledger::of_netbox(lab.store.clone(), "netbox").instance().await.unwrap();
    let tags = lab.rig.netbox.objects("extras/tags");
    let tag = tags.iter().find(|tag| tag["slug"] == "proxbox-lease").unwrap();
    let path = format!("/api/extras/tags/{}/", tag["id"]);
    let left = format!("Server {instance} writes until 2999-01-01T00:00:00Z, run 1.");
    let body = Some(serde_json::json!({ "description": left }));
    lab.rig.client().raw(reqwest::Method::PATCH, &path, &[], body).await.unwrap();
    assert!(lab.run(&Policy::default(), None).await.1.ok);
    let tags = lab.rig.netbox.objects("extras/tags");
    let tag = tags.iter().find(|tag| tag["slug"] == "proxbox-lease").unwrap();
    assert_eq!(tag["description"], "Nobody writes at the moment.");
}
