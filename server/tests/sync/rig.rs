//! Both mocks and a run between them.

use std::time::Duration;

use proxbox::store::Ledger;
use proxbox::sync::{Event, Outcome, Policy, Target, run};
use sdk_netbox::mock::Mock as NetBox;
use sdk_proxmox::mock::{Cluster, GuestKind, Mock as Proxmox};
use serde_json::{Value, json};

/// Both sides of a sync.
pub(crate) struct Rig {
    pub(crate) netbox: NetBox,
    pub(crate) proxmox: Proxmox,
}

impl Rig {
    /// Two nodes and a dozen guests, nothing in NetBox.
    pub(crate) async fn new() -> Self {
        let netbox = NetBox::start().await.unwrap();
        let proxmox = Proxmox::start(Cluster::demo(2, 12, 7)).await.unwrap();
        Self { netbox, proxmox }
    }

    /// The same, with the plugin in NetBox, which knows the endpoint.
    pub(crate) async fn with_plugin() -> Self {
        let rig = Self::new().await;
        rig.netbox.install_proxbox();
        let endpoint = json!({
            "id": 1, "name": "lab", "ip_address": null, "domain": "pve.example.com", "port": 8006,
            "username": "root@pam", "token_name": "t", "token_value": "v", "verify_ssl": false,
            "mode": "cluster", "enabled": true,
        });
        let path = "plugins/proxbox/endpoints/proxmox";
        let endpoint = rig.netbox.keep(path, &endpoint).unwrap();
        for (path, row) in [
            (
                "plugins/proxbox/proxmox-clusters",
                json!({ "id": 1, "name": "demo", "endpoint": endpoint }),
            ),
            (
                "plugins/proxbox/proxmox-nodes",
                json!({ "id": 1, "name": "pve01", "endpoint": endpoint }),
            ),
            (
                "plugins/proxbox/proxmox-nodes",
                json!({ "id": 2, "name": "pve02", "endpoint": endpoint }),
            ),
        ] {
            rig.netbox.keep(path, &row).unwrap();
        }
        rig
    }

    /// The same, after a first run.
    pub(crate) async fn synced() -> Self {
        let rig = Self::new().await;
        let outcome = rig.sync().await;
        assert!(outcome.ok, "{:?}", outcome.failed);
        rig.netbox.forget_requests();
        rig
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            endpoint_id: 1,
            name: "lab".into(),
            link: "https://pve.example.com:8006".into(),
            client: self.proxmox.client().build().unwrap(),
            site: None,
            tenant: None,
        }
    }

    pub(crate) fn client(&self) -> sdk_netbox::Client {
        let builder = sdk_netbox::Client::builder(self.netbox.url()).token(self.netbox.token());
        builder.retries(0).timeout(Duration::from_secs(5)).build().unwrap()
    }

    pub(crate) async fn sync(&self) -> Outcome {
        self.sync_as(&self.client(), &[self.target()]).await.0
    }

    pub(crate) async fn sync_as(
        &self,
        netbox: &sdk_netbox::Client,
        targets: &[Target],
    ) -> (Outcome, Vec<Event>) {
        self.sync_by(netbox, targets, &Policy::default()).await
    }

    pub(crate) async fn sync_by(
        &self,
        netbox: &sdk_netbox::Client,
        targets: &[Target],
        policy: &Policy,
    ) -> (Outcome, Vec<Event>) {
        let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
        let outcome = run(netbox, targets, policy, &Ledger::nowhere(), None, events).await;
        let mut frames = Vec::new();
        while let Ok(frame) = told.try_recv() {
            frames.push(frame);
        }
        for (kind, account) in &outcome.accounts {
            assert_eq!(account.seen, account.settled(), "{kind}: {account:?}");
        }
        (outcome, frames)
    }

    /// Numbers of guests that run, of one kind.
    pub(crate) fn running(&self, kind: GuestKind) -> Vec<u32> {
        self.proxmox.with(|cluster| {
            let guests = cluster.guests.values();
            guests.filter(|one| one.running && one.kind == kind).map(|one| one.vmid).collect()
        })
    }

    /// A running virtual machine.
    pub(crate) fn machine(&self) -> u32 {
        self.running(GuestKind::Qemu)[0]
    }

    /// All virtual machines in NetBox.
    pub(crate) fn machines(&self) -> Vec<Value> {
        self.netbox.objects("virtualization/virtual-machines")
    }

    /// The virtual machine of a guest in NetBox.
    pub(crate) fn shown(&self, vmid: u32) -> Value {
        let is_it = |machine: &Value| machine["custom_fields"]["proxmox_vm_id"] == vmid;
        let mut found: Vec<Value> = self.machines().into_iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "machines for {vmid}");
        found.remove(0)
    }

    /// Names of a guest's parts in NetBox.
    pub(crate) fn parts(&self, collection: &str, vmid: u32) -> Vec<String> {
        let machine = self.shown(vmid)["id"].clone();
        let parts = self.netbox.objects(collection).into_iter();
        let of_it = parts.filter(|part| part["virtual_machine"]["id"] == machine);
        let mut names: Vec<String> =
            of_it.map(|part| part["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// How many objects NetBox has of each kind that the sync writes.
    pub(crate) fn counts(&self) -> Vec<(&'static str, usize)> {
        const COLLECTIONS: [&str; 9] = [
            "extras/tags",
            "virtualization/clusters",
            "dcim/devices",
            "dcim/interfaces",
            "virtualization/virtual-machines",
            "virtualization/interfaces",
            "virtualization/virtual-disks",
            "dcim/mac-addresses",
            "ipam/ip-addresses",
        ];
        COLLECTIONS.iter().map(|name| (*name, self.netbox.count(name))).collect()
    }
}

/// Whether some text says so.
pub(crate) fn says<'t>(texts: impl IntoIterator<Item = &'t String>, part: &str) -> bool {
    texts.into_iter().any(|text| text.contains(part))
}
