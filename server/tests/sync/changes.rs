//! What changes in Proxmox changes in NetBox, and nothing else.

use proxbox::part::Part;
use proxbox::plan::Kind;
use proxbox::sync::{Policy, State, Target};
use sdk_netbox::mock::Seen;
use sdk_proxmox::mock::{Cluster, GuestKind, Mock as Proxmox};
use serde_json::json;

use crate::rig::{Rig, says};

#[tokio::test]
async fn a_first_run_shows_all_guests_and_a_second_writes_nothing() {
    let rig = Rig::new().await;
    let first = rig.sync().await;
    assert!(first.ok, "{:?}", first.failed);
    assert_eq!(rig.machines().len(), 12);
    assert_eq!(first.counts()["virtual_machines_count"], 12);
    assert_eq!(first.counts()["devices_count"], 2);
    assert_eq!(rig.netbox.count("dcim/devices"), 2);
    rig.netbox.forget_requests();

    let second = rig.sync().await;
    assert!(second.ok, "{:?}", second.failed);
    assert_eq!(rig.netbox.writes(), 0);
    assert_eq!((second.created, second.updated, second.deleted), (0, 0, 0));
    assert_eq!(second.unchanged, first.created);
    assert!(rig.netbox.requests().len() <= 18, "{}", rig.netbox.requests().len());
}

#[tokio::test]
async fn a_first_run_writes_in_bulk() {
    let netbox = sdk_netbox::mock::Mock::start().await.unwrap();
    let proxmox = Proxmox::start(Cluster::demo(3, 60, 1)).await.unwrap();
    let rig = Rig { netbox, proxmox };
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert!(rig.netbox.writes() <= 30, "{}", rig.netbox.writes());
}

#[tokio::test]
async fn a_renamed_guest_is_updated_not_recreated() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    let before = rig.shown(vmid)["id"].clone();
    rig.proxmox.with(|cluster| cluster.rename(vmid, "other-name")).unwrap();
    let outcome = rig.sync().await;
    assert_eq!((outcome.created, outcome.deleted), (0, 0));
    assert_eq!(outcome.accounts[&Kind::VirtualMachine].updated, 1);
    assert_eq!(rig.shown(vmid)["name"], "other-name");
    assert_eq!(rig.shown(vmid)["id"], before);
    // The names of its addresses follow.
    assert_eq!(rig.netbox.writes(), 2);
}

#[tokio::test]
async fn a_migrated_guest_is_updated_not_recreated() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    let node = rig.proxmox.with(|cluster| {
        let from = cluster.guests[&vmid].node.clone();
        let to = cluster.nodes.iter().find(|node| node.name != from).unwrap().name.clone();
        cluster.migrate(vmid, &to).unwrap();
        to
    });
    let outcome = rig.sync().await;
    assert_eq!((outcome.created, outcome.updated, outcome.deleted), (0, 1, 0));
    assert_eq!(rig.shown(vmid)["device"]["name"], node.as_str());
    assert_eq!(rig.shown(vmid)["description"], format!("Synced from Proxmox node {node}"));
}

#[tokio::test]
async fn a_removed_interface_goes_with_its_addresses() {
    let rig = Rig::new().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| {
        cluster.set(vmid, "net5", "virtio=BC:24:11:AA:AA:05,bridge=vmbr0").unwrap();
        let guest = cluster.guest_mut(vmid).unwrap();
        guest.config.insert("agent".into(), "1".into());
        guest.agent_answers = true;
        guest.addresses.insert(5, vec!["10.99.0.5/24".into()]);
    });
    assert!(rig.sync().await.ok);
    assert!(rig.parts("virtualization/interfaces", vmid).contains(&"net5".to_owned()));
    let before = rig.counts();
    rig.proxmox.with(|cluster| cluster.unset(vmid, "net5")).unwrap();

    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(outcome.deleted, 3, "interface, MAC and IP address: {:?}", outcome.accounts);
    assert!(!rig.parts("virtualization/interfaces", vmid).contains(&"net5".to_owned()));
    for ((name, count), (_, now)) in before.iter().zip(rig.counts()) {
        let gone = usize::from(matches!(
            *name,
            "virtualization/interfaces" | "dcim/mac-addresses" | "ipam/ip-addresses"
        ));
        assert_eq!(now + gone, *count, "{name}");
    }
}

#[tokio::test]
async fn tags_that_people_added_stay() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    let netbox = rig.client();
    let gold = json!({ "name": "Gold", "slug": "gold" });
    netbox.raw(reqwest::Method::POST, "/api/extras/tags/", &[], Some(gold)).await.unwrap();
    let machine = rig.shown(vmid);
    let tags = machine["tags"].as_array().unwrap().iter();
    let mut slugs: Vec<_> = tags.map(|tag| json!({ "slug": tag["slug"] })).collect();
    slugs.push(json!({ "slug": "gold" }));
    let path = format!("/api/virtualization/virtual-machines/{}/", machine["id"]);
    let body = json!({ "tags": slugs });
    netbox.raw(reqwest::Method::PATCH, &path, &[], Some(body)).await.unwrap();
    rig.proxmox.with(|cluster| cluster.set(vmid, "tags", "brand-new")).unwrap();

    assert!(rig.sync().await.ok);
    let tags: Vec<String> = rig.shown(vmid)["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["slug"].as_str().unwrap().to_owned())
        .collect();
    for slug in ["gold", "brand-new", "proxbox"] {
        assert!(tags.contains(&slug.to_owned()), "{slug} in {tags:?}");
    }
}

#[tokio::test]
async fn guests_that_swap_names_do_not_collide() {
    let rig = Rig::new().await;
    let (one, other) = {
        let machines = rig.running(sdk_proxmox::mock::GuestKind::Qemu);
        (machines[0], machines[1])
    };
    let name = |vmid, name: &str| rig.proxmox.with(|cluster| cluster.rename(vmid, name)).unwrap();
    name(one, "blue");
    name(other, "green");
    assert!(rig.sync().await.ok);
    name(one, "green");
    name(other, "blue");
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.shown(one)["name"], "green");
    assert_eq!(rig.shown(other)["name"], "blue");
}

#[tokio::test]
async fn two_guests_of_one_name_are_both_shown_and_reported() {
    let rig = Rig::new().await;
    let machines = rig.running(sdk_proxmox::mock::GuestKind::Qemu);
    let (one, other) = (machines[0], machines[1]);
    rig.proxmox.with(|cluster| {
        cluster.rename(one, "twin").unwrap();
        cluster.rename(other, "TWIN").unwrap();
    });
    let (outcome, frames) = rig.sync_as(&rig.client(), &[rig.target()]).await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.shown(one)["name"], "twin");
    assert_eq!(rig.shown(other)["name"], format!("TWIN ({other})"));
    let told = frames.iter().find(|frame| frame.event == "duplicate_name_resolved").unwrap();
    assert_eq!(told.data["vmid"], other);
    rig.netbox.forget_requests();
    assert!(rig.sync().await.ok);
    assert_eq!(rig.netbox.writes(), 0);
}

#[tokio::test]
async fn a_guest_without_name_is_called_as_proxmox_shows_it() {
    let rig = Rig::new().await;
    let machine = rig.machine();
    let container = rig.running(sdk_proxmox::mock::GuestKind::Lxc)[0];
    rig.proxmox.with(|cluster| {
        cluster.unname(machine).unwrap();
        cluster.unname(container).unwrap();
    });
    let outcome = rig.sync().await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.shown(machine)["name"], format!("VM {machine}"));
    assert_eq!(rig.shown(container)["name"], format!("CT{container}"));
}

#[tokio::test]
async fn a_vanished_guest_stays_in_netbox_and_is_reported() {
    let rig = Rig::synced().await;
    let vmid = rig.machine();
    rig.proxmox.with(|cluster| cluster.remove_guest(vmid)).unwrap();
    let outcome = rig.sync().await;
    assert!(outcome.ok);
    assert_eq!(rig.netbox.writes(), 0);
    assert!(says(&outcome.warnings, "no longer in Proxmox"), "{:?}", outcome.warnings);
    assert_eq!(rig.machines().len(), 12);
}

#[tokio::test]
async fn two_clusters_with_equal_numbers_are_kept_apart() {
    let rig = Rig::new().await;
    let mut cluster = Cluster::demo(2, 12, 8);
    cluster.name = Some("branch".into());
    for guest in cluster.guests.values_mut() {
        guest.addresses.clear();
    }
    let branch = Proxmox::start(cluster).await.unwrap();
    let second = Target {
        link: "https://second.example.com:8006".into(),
        endpoint_id: 2,
        name: "branch".into(),
        client: branch.client().build().unwrap(),
        site: None,
        tenant: None,
    };
    let targets = [rig.target(), second];
    let (outcome, _) = rig.sync_as(&rig.client(), &targets).await;
    assert!(outcome.ok, "{:?}", outcome.failed);
    assert_eq!(rig.netbox.count("virtualization/clusters"), 2);
    assert_eq!(rig.machines().len(), 24);
    rig.netbox.forget_requests();
    let (outcome, _) = rig.sync_as(&rig.client(), &targets).await;
    assert!(outcome.ok);
    assert_eq!(rig.netbox.writes(), 0);
}

#[tokio::test]
async fn a_run_for_one_guest_reads_what_that_guest_needs() {
    let netbox = sdk_netbox::mock::Mock::start().await.unwrap();
    let proxmox = Proxmox::start(Cluster::demo(3, 60, 1)).await.unwrap();
    let rig = Rig { netbox, proxmox };
    assert!(rig.sync().await.ok);
    let running = rig.running(GuestKind::Lxc);
    let (one, other) = (running[0], running[1]);
    // It takes over the addresses of another guest, and that one's primary address with them.
    rig.proxmox.with(|cluster| {
        let theirs = std::mem::take(&mut cluster.guests.get_mut(&other).unwrap().addresses);
        cluster.guests.get_mut(&one).unwrap().addresses = theirs;
    });
    rig.netbox.forget_requests();
    let policy =
        Policy { guests: Some([i64::from(one)].into()), parts: of_guests(), ..Policy::default() };
    let (outcome, _) = rig.sync_by(&rig.client(), &[rig.target()], &policy).await;
    assert!(outcome.ok && outcome.updated > 0, "{:?}", outcome.failed);
    for collection in
        ["virtual-disks", "virtualization/interfaces", "mac-addresses", "ip-addresses"]
    {
        let whole = |request: &Seen| {
            let narrowed = ["_id=", "address="];
            let narrowed = request.query.starts_with("id=")
                || narrowed.iter().any(|filter| request.query.contains(filter));
            request.path.contains(collection) && request.method == "GET" && !narrowed
        };
        let whole: Vec<_> = rig.netbox.requests().into_iter().filter(whole).collect();
        assert!(whole.is_empty(), "{whole:?}");
    }
    // Nothing is left to do for it, and what is left concerns the other one alone.
    let (again, _) = rig.sync_by(&rig.client(), &[rig.target()], &policy).await;
    assert_eq!(again.requests.netbox_writes, 0, "{}", again.message);
    let all = rig.sync().await;
    let others = all.objects.iter().filter(|(key, object)| {
        object.state != State::Unchanged && !key.path.starts_with(&format!("demo/{other}"))
    });
    assert_eq!(others.count(), 0);
}

fn of_guests() -> std::collections::BTreeSet<Part> {
    [Part::VirtualMachines, Part::VirtualDisks, Part::VmInterfaces, Part::IpAddresses].into()
}
