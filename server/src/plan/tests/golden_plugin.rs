//! What happens in the tables of the plugin.

use serde_json::json;

use super::scene::Scene;
use super::world::*;
use crate::inventory::*;
use crate::plan::*;

macro_rules! golden {
    ($($(#[$note:meta])* $name:ident: $scene:expr;)*) => {
        $($(#[$note])* #[test] fn $name() { $scene.golden(stringify!($name)); })*
    };
}

fn storage(name: &str, server: &str) -> Storage {
    let settings = json!({
        "storage": name, "type": "nfs", "content": "backup,iso", "server": server,
        "export": "/srv/backup", "shared": 1,
    });
    Storage { name: name.into(), settings: settings.as_object().unwrap().clone() }
}

/// The plugin knows roles for the endpoint and for a node of it, and one for all containers.
fn with_roles() -> Scene {
    let role = |id: i64| -> Value { Ref::Id(id).into() };
    let rows = |world: &mut World| {
        let endpoint = world.mirror.all(Kind::ProxmoxEndpoint).next().unwrap().id;
        let of_endpoint = Fields::from([("default_role_qemu", role(901))]);
        world.change(Kind::ProxmoxEndpoint, endpoint, of_endpoint);
        let node = [
            ("name", "pve1".into()),
            ("endpoint", role(endpoint)),
            ("default_role_qemu", role(902)),
        ];
        world.add(Kind::ProxmoxNode, Fields::from(node));
    };
    let of_settings = |policy: &mut Policy| {
        policy.default_roles.insert(GuestKind::Lxc, 903);
    };
    Scene::with_plugin().netbox(rows).policy(of_settings)
}

fn backup() -> Backup {
    Backup {
        volume: "nas:backup/vzdump-qemu-100-2026_01_01-02_00_00.vma.zst".into(),
        storage: "nas".into(),
        vmid: 100,
        kind: Some(GuestKind::Qemu),
        created: Some(1_767_232_800),
        size: Some(1_073_741_824),
        used: None,
        format: Some("vma.zst".into()),
        notes: Some("nightly".into()),
        encrypted: None,
        verification: None,
    }
}

fn snapshot(name: &str) -> Snapshot {
    Snapshot {
        name: name.into(),
        description: Some("Before the upgrade".into()),
        taken: Some(1_767_225_600),
        parent: None,
    }
}

fn task() -> Task {
    Task {
        upid: "UPID:pve1:00000004:00000004:6956B5A0:qmstart:100:root@pam:".into(),
        node: "pve1".into(),
        vmid: 100,
        kind: "qmstart".into(),
        user: "root@pam".into(),
        pid: Some(4),
        pstart: Some(4),
        start: 1_767_290_272,
        end: Some(1_767_290_275),
        status: "OK".into(),
    }
}

fn replication() -> Replication {
    Replication {
        id: "100-0".into(),
        vmid: 100,
        number: 0,
        target: "pve2".into(),
        source: Some("pve1".into()),
        schedule: Some("*/15".into()),
        rate: Some(1000),
        comment: None,
        disabled: false,
        removal: None,
        raw: json!({ "id": "100-0" }),
    }
}

fn job() -> BackupJob {
    let raw = json!({
        "id": "nightly", "schedule": "02:00", "storage": "nas", "enabled": 1, "vmid": "100",
        "prune-backups": { "keep-last": "3" },
    });
    let raw = raw.as_object().unwrap().clone();
    BackupJob { id: "nightly".into(), selection: vec![json!(100)], raw }
}

/// With a storage, a backup, a snapshot and jobs, all of them synced.
fn full() -> Scene {
    Scene::with_plugin().proxmox(|lab| {
        lab.storages = Some(vec![storage("nas", "10.0.0.9")]);
        lab.backups = vec![backup()];
        lab.backups_known = ["nas".to_owned()].into();
        lab.guests[0].snapshots = Some(vec![snapshot("before")]);
        lab.tasks = vec![task()];
        lab.replications = Some(vec![replication()]);
        lab.backup_jobs = Some(vec![job()]);
    })
}

golden! {
    /// A role of the node goes before one of the endpoint, and that before one of the settings.
    guests_get_the_roles_that_were_chosen: with_roles().synced().proxmox(|lab| {
        lab.guests.push(guest(102, "of-node"));
        lab.guests.push(Guest { node: "pve2".into(), ..guest(103, "of-endpoint") });
        lab.guests.push(Guest { kind: GuestKind::Lxc, ..guest(104, "of-settings") });
    });
    storage_backup_snapshot_task_and_jobs_appear: Scene::with_plugin().synced().proxmox(|lab| {
        lab.storages = Some(vec![storage("nas", "10.0.0.9")]);
        lab.backups = vec![backup()];
        lab.backups_known = ["nas".to_owned()].into();
        lab.guests[0].snapshots = Some(vec![snapshot("before")]);
        lab.tasks = vec![task()];
        lab.replications = Some(vec![replication()]);
        lab.backup_jobs = Some(vec![job()]);
    });
    storage_changes: full().synced().proxmox(|lab| {
        lab.storages = Some(vec![storage("nas", "10.0.0.10")]);
    });
    storage_vanishes_and_stays: full().synced().proxmox(|lab| lab.storages = Some(Vec::new()));
    storages_are_left_alone_by_their_mode: full()
        .synced()
        .policy(|policy| { policy.modes.insert(Kind::Storage, SyncMode::Disabled); })
        .proxmox(|lab| {
            lab.storages = Some(vec![storage("nas", "10.0.0.10"), storage("new", "10.0.0.11")]);
        });
    backup_is_verified: full().synced().proxmox(|lab| {
        lab.backups[0].verification = Some(("ok".into(), Some("UPID:x".into())));
    });
    backup_vanishes_and_is_to_go: full()
        .synced()
        .policy(|policy| policy.delete_gone_backups = true)
        .proxmox(|lab| lab.backups.clear());
    backup_vanishes_and_stays: full().synced().proxmox(|lab| lab.backups.clear());
    backup_of_a_storage_that_was_not_read_stays: full()
        .synced()
        .policy(|policy| policy.delete_gone_backups = true)
        .proxmox(|lab| {
            lab.backups.clear();
            lab.backups_known.clear();
        });
    snapshot_vanishes_and_is_to_go: full()
        .synced()
        .policy(|policy| policy.delete_gone_snapshots = true)
        .proxmox(|lab| lab.guests[0].snapshots = Some(Vec::new()));
    snapshot_vanishes_and_is_marked: full()
        .synced()
        .proxmox(|lab| lab.guests[0].snapshots = Some(Vec::new()));
    snapshots_that_were_not_read_stay: full()
        .synced()
        .policy(|policy| policy.delete_gone_snapshots = true)
        .proxmox(|lab| lab.guests[0].snapshots = None);
    replication_vanishes_and_is_marked: full()
        .synced()
        .proxmox(|lab| lab.replications = Some(Vec::new()));
    replications_that_were_not_read_stay: full().synced().proxmox(|lab| lab.replications = None);
    backup_routine_changes: full().synced().proxmox(|lab| {
        let jobs = lab.backup_jobs.as_mut().unwrap();
        jobs[0].raw.insert("schedule".into(), json!("03:30"));
    });
    cloud_init_appears: Scene::with_plugin().synced().proxmox(|lab| {
        lab.guests[0].cloud_init = Some(CloudInit {
            user: Some("admin".into()),
            ssh_keys: Some("ssh-ed25519 AAAA anna".into()),
            addresses: [(0, "ip=10.0.0.5/24,gw=10.0.0.1".to_owned())].into(),
            name_servers: Some("10.0.0.1".into()),
        });
    });
    cloud_init_is_left_alone_by_its_flag: Scene::with_plugin()
        .proxmox(|lab| {
            let user = Some("admin".to_owned());
            lab.guests[0].cloud_init = Some(CloudInit { user, ..CloudInit::default() });
        })
        .synced()
        .policy(|policy| { policy.overwrite.remove(&Overwrite::VmCloudInit); })
        .proxmox(|lab| {
            let user = Some("root".to_owned());
            lab.guests[0].cloud_init = Some(CloudInit { user, ..CloudInit::default() });
        });
    rows_that_the_plugin_made_are_linked: Scene::with_plugin().synced().netbox(|world| {
        let cluster = [("name", "lab".into()), ("endpoint", Ref::Id(1).into())];
        world.add(Kind::ProxmoxCluster, Fields::from(cluster));
        let node = [("name", "pve1".into()), ("endpoint", Ref::Id(1).into())];
        world.add(Kind::ProxmoxNode, Fields::from(node));
    });
    node_that_somebody_linked_elsewhere_stays_so: Scene::with_plugin().synced().netbox(|world| {
        let other = world.mirror.all(Kind::Device).last().unwrap().id;
        let node = [
            ("name", "pve1".into()),
            ("endpoint", Ref::Id(1).into()),
            ("netbox_device", Ref::Id(other).into()),
        ];
        world.add(Kind::ProxmoxNode, Fields::from(node));
    });
}
