//! The stages of a full update, single objects, and the reads that the plugin's job makes.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use harness::{KEY, Mocks, TestServer, frames};
use serde_json::{Value, json};

/// In the order of the plugin's job.
const STAGES: [(&str, &str); 12] = [
    ("/dcim/devices/create", "devices"),
    ("/virtualization/virtual-machines/storage/create", "storage"),
    (
        "/virtualization/virtual-machines/create?sync_task_history=false&sync_vm_network=false",
        "virtual-machines",
    ),
    ("/virtualization/virtual-machines/task-history/create", "task-history"),
    ("/virtualization/virtual-machines/virtual-disks/create", "virtual-disks"),
    ("/virtualization/virtual-machines/backups/all/create", "backups"),
    ("/virtualization/virtual-machines/snapshots/all/create", "snapshots"),
    ("/dcim/devices/interfaces/create", "node-interfaces"),
    ("/virtualization/virtual-machines/interfaces/create", "vm-interfaces"),
    ("/virtualization/virtual-machines/interfaces/ip-address/create", "vm-ip-addresses"),
    ("/proxmox/replication", "replications"),
    ("/proxmox/cluster/backup", "backup-routines"),
];

/// With the plugin, which knows the endpoint, its cluster and its nodes.
async fn server_with_plugin() -> (TestServer, Mocks) {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.netbox.install_proxbox();
    let endpoint = json!({
        "id": 1, "name": "mock-proxmox", "domain": "pve.example.com", "port": 8006,
        "username": "root@pam", "verify_ssl": false, "mode": "cluster", "enabled": true,
    });
    mocks.netbox.keep("plugins/proxbox/endpoints/proxmox", &endpoint).unwrap();
    for (path, row) in [
        ("plugins/proxbox/proxmox-clusters", json!({ "id": 1, "name": "demo", "endpoint": 1 })),
        ("plugins/proxbox/proxmox-nodes", json!({ "id": 1, "name": "pve01", "endpoint": 1 })),
        ("plugins/proxbox/proxmox-nodes", json!({ "id": 2, "name": "pve02", "endpoint": 1 })),
    ] {
        mocks.netbox.keep(path, &row).unwrap();
    }
    mocks.register(&server).await;
    mocks.open();
    (server, mocks)
}

fn stream_of(path: &str) -> String {
    match path.split_once('?') {
        Some((path, query)) => format!("{path}/stream?{query}"),
        None => format!("{path}/stream"),
    }
}

async fn run_all(server: &TestServer) -> Vec<Value> {
    let mut ended = Vec::new();
    for (path, step) in STAGES {
        let answer = server.get(&stream_of(path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let frames = frames(&answer.text);
        let told = |status: &str| {
            frames.iter().any(|(event, data)| {
                event == "step" && data["step"] == step && data["status"] == status
            })
        };
        assert!(told("started") && told("completed"), "{path}");
        for (event, data) in frames.iter().filter(|(event, _)| event != "complete") {
            assert!(data.to_string().len() < 600, "{event}: {data}");
        }
        let (event, complete) = frames.last().unwrap();
        assert_eq!(event, "complete", "{path}");
        assert_eq!(complete["ok"], true, "{path}: {complete}");
        assert_eq!(complete["errors"], json!([]), "{path}: {complete}");
        ended.push(complete.clone());
    }
    ended
}

#[tokio::test]
async fn all_stages_in_turn_do_what_a_full_update_does() {
    let (server, mocks) = server_with_plugin().await;
    let ended = run_all(&server).await;
    let counts: Vec<u64> =
        ended.iter().map(|complete| complete["result"]["count"].as_u64().unwrap()).collect();
    assert_eq!(&counts[..3], [2, 4, 6], "{counts:?}");
    assert_eq!(ended[0]["message"], "devices sync completed.");
    mocks.netbox.forget_requests();
    // Nothing is left for the full update, nor for the stages again.
    let full = server.get("/full-update").await.json();
    assert_eq!(full["ok"], true, "{full}");
    run_all(&server).await;
    let writes: Vec<String> = mocks
        .netbox
        .requests()
        .iter()
        .filter(|seen| seen.method != "GET")
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn a_run_for_one_machine_leaves_the_others_alone() {
    let (server, mocks) = server_with_plugin().await;
    assert_eq!(server.get("/full-update").await.json()["ok"], true);
    let (one, other) = (100, 101);
    for vmid in [one, other] {
        let name = format!("renamed-{vmid}");
        mocks.proxmox.with(|cluster| cluster.rename(vmid, &name)).unwrap();
    }
    let machine = |vmid: u32| {
        let machines = mocks.netbox.objects("virtualization/virtual-machines");
        let is_it = |machine: &&Value| machine["custom_fields"]["proxmox_vm_id"] == vmid;
        machines.iter().find(is_it).unwrap().clone()
    };
    let id = machine(one)["id"].as_i64().unwrap();
    let path = format!("/virtualization/virtual-machines/{id}/create/stream?netbox_vm_ids={id}");
    let answer = server.get(&path).await;
    let frames = frames(&answer.text);
    let complete = &frames.last().unwrap().1;
    assert_eq!((&complete["ok"], &complete["errors"]), (&json!(true), &json!([])), "{complete}");
    assert_eq!(machine(one)["name"], "renamed-100");
    assert_ne!(machine(other)["name"], "renamed-101");
}

#[tokio::test]
async fn a_machine_that_is_no_guest_is_named_in_the_error() {
    let (server, _mocks) = server_with_plugin().await;
    let answer = server.get("/virtualization/virtual-machines/999/create/stream").await;
    let frames = frames(&answer.text);
    let complete = &frames.last().unwrap().1;
    assert_eq!(complete["ok"], false);
    let detail = complete["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("virtual machine 999"), "{detail}");
}

#[tokio::test]
async fn looking_at_the_headers_of_a_stage_starts_nothing() {
    let (server, _mocks) = server_with_plugin().await;
    for path in ["/dcim/devices/create/stream", "/sync/individual/vm"] {
        let answer = server.send(reqwest::Method::HEAD, path, Some(KEY), None).await;
        assert_eq!(answer.status, 405, "{path}");
    }
    assert!(server.server.app().store.runs(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn single_objects_are_synced_by_name() {
    let (server, mocks) = server_with_plugin().await;
    let qemu = mocks.proxmox.with(|cluster| {
        let guests = cluster.guests.values();
        guests.map(|guest| (guest.vmid, guest.node.clone())).next().unwrap()
    });
    let (vmid, node) = (qemu.0, qemu.1);
    let of_guest = format!("cluster_name=demo&node={node}&type=qemu&vmid={vmid}");
    for (kind, query) in [
        ("cluster", "cluster_name=demo".to_owned()),
        ("node", "cluster_name=demo&node_name=pve01".to_owned()),
        ("vm", of_guest.clone()),
        ("storage", "cluster_name=demo&storage_name=local".to_owned()),
        ("interface", format!("{of_guest}&interface_name=net0")),
        ("disk", format!("{of_guest}&disk_name=scsi0")),
        ("backup-routines", "cluster_name=demo&job_id=backup-nightly".to_owned()),
    ] {
        let path = format!("/sync/individual/{kind}?{query}&proxmox_endpoint_ids=1");
        let dry = server.get(&format!("{path}&dry_run=true")).await.json();
        assert_eq!((&dry["action"], &dry["dry_run"]), (&json!("dry_run"), &json!(true)), "{dry}");
        let first = server.get(&path).await;
        assert_eq!(first.status, 200, "{kind}: {}", first.text);
        let first = first.json();
        assert_eq!(first["error"], Value::Null, "{kind}: {first}");
        assert!(first["netbox_object"]["id"].is_i64(), "{kind}: {first}");
        mocks.netbox.forget_requests();
        let second = server.send(reqwest::Method::POST, &path, Some(KEY), Some(json!({}))).await;
        let second = second.json();
        assert_eq!(second["action"], "unchanged", "{kind}: {second}");
        assert_eq!(second["dependencies_synced"], json!([]), "{kind}: {second}");
        assert_eq!(mocks.netbox.writes(), 0, "{kind}");
    }
    // Only the guest that was asked for is there.
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 1);
}

#[tokio::test]
async fn what_cannot_be_synced_alone_says_why() {
    let (server, _mocks) = server_with_plugin().await;
    let no_vm = server.get("/sync/individual/vm?cluster_name=demo&vmid=4711").await.json();
    assert_eq!(no_vm["action"], "error");
    assert!(no_vm["error"].as_str().unwrap().contains("4711"), "{no_vm}");
    let elsewhere = server.get("/sync/individual/vm?cluster_name=other&vmid=100").await.json();
    assert!(elsewhere["error"].as_str().unwrap().contains("other"), "{elsewhere}");
    assert_eq!(server.get("/sync/individual/vm?cluster_name=demo").await.status, 422);
    assert_eq!(server.get("/sync/individual/vm?cluster_name=demo&vmid=x").await.status, 422);
    assert_eq!(server.get("/sync/individual/nothing").await.status, 404);
}

#[tokio::test]
async fn reads_have_the_shapes_that_the_plugin_takes() {
    let (server, mocks) = server_with_plugin().await;
    let version = server.get("/proxmox/version?source=database&proxmox_endpoint_ids=1").await;
    assert!(version.json()[0]["demo"]["version"].is_string(), "{}", version.text);
    let status = server.get("/proxmox/cluster/status?proxmox_endpoint_ids=1").await.json();
    let cluster = &status[0];
    assert_eq!((&cluster["type"], &cluster["name"]), (&json!("cluster"), &json!("demo")));
    assert_eq!((&cluster["mode"], &cluster["quorate"]), (&json!("cluster"), &json!(true)));
    let nodes = cluster["node_list"].as_array().unwrap();
    assert!(nodes.len() == 2 && nodes.iter().all(|node| node["online"] == true), "{cluster}");
    let session = &server.get("/proxmox/sessions").await.json()[0];
    assert_eq!(
        (&session["name"], &session["http_port"]),
        (&json!("demo"), &json!(mocks.proxmox.address().port()))
    );
    for path in ["/proxmox/nodes/", "/proxmox/nodes"] {
        let nodes = server.get(path).await.json();
        assert!(nodes.as_array().unwrap().iter().all(|node| node["node"].is_string()), "{nodes}");
    }
    let resources = server.get("/proxmox/cluster/resources?type=vm").await.json();
    assert_eq!(resources[0]["demo"].as_array().unwrap().len(), 6, "{resources}");
    let firewall = server.get("/proxmox/firewall/summary").await.json();
    for (ours, published) in [("rules", "datacenter_rules"), ("ip_sets", "datacenter_ipsets")] {
        assert!(firewall[0][ours].is_array() && firewall[0][published].is_array(), "{firewall}");
    }
    assert!(server.get("/proxmox/firewall/nodes/pve01/rules").await.json().is_array());
    assert!(server.get("/proxmox/datacenter/cpu-models").await.json().is_array());
    assert!(server.get("/proxmox/storage").await.json()[0]["demo"].is_array());
    let (vmid, node, kind) = mocks.proxmox.with(|cluster| {
        let guest = cluster.guests.values().next().unwrap();
        (guest.vmid, guest.node.clone(), guest.kind)
    });
    let word = if kind == sdk_proxmox::mock::GuestKind::Qemu { "qemu" } else { "lxc" };
    let path =
        format!("/proxmox/{node}/{word}/{vmid}/config?source=database&name=mock-proxmox+(nb:1)");
    assert!(server.get(&path).await.json()["memory"].is_string(), "{path}");
    let missing = server.get("/proxmox/pve01/qemu/4711/config").await;
    assert!(
        missing.status.as_u16() >= 400 && missing.detail().contains("4711"),
        "{}",
        missing.text
    );
}

#[tokio::test]
async fn what_runs_stand_on_is_told_and_made() {
    let (server, mocks) = server_with_plugin().await;
    let before = server.get("/extras/bootstrap-status").await.json();
    assert_eq!(before["skipped"], true);
    let fields = server.get("/extras/extras/custom-fields/create").await.json();
    let mut names = fields.as_array().unwrap().iter().map(|field| &field["name"]);
    assert!(names.any(|name| name == "proxmox_vm_id"), "{fields}");
    assert_eq!(mocks.netbox.count("virtualization/clusters"), 0);
    let after = server.get("/extras/bootstrap-status").await.json();
    assert_eq!((&after["ok"], &after["skipped"]), (&json!(true), &json!(false)), "{after}");
}

#[tokio::test]
async fn the_status_of_netbox_is_passed_on() {
    let (server, _mocks) = server_with_plugin().await;
    let status = server.get("/netbox/status").await.json();
    assert!(status["netbox-version"].is_string() && status["plugins"].is_object(), "{status}");
}

#[tokio::test]
async fn a_proxmox_that_is_not_there_is_a_bad_gateway() {
    let (server, mocks) = server_with_plugin().await;
    drop(mocks.proxmox);
    let answer = server.get("/proxmox/version").await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(answer.detail().contains("mock-proxmox (nb:1)"), "{}", answer.text);
}
