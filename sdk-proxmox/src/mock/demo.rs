//! A believable cluster, the same for the same arguments.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use super::property::new_mac;
use super::{Cluster, Guest, GuestKind, Node, Pool, Snapshot};

const GIB: u64 = 1 << 30;
const ROLES: &[&str] = &[
    "web", "db", "cache", "mail", "git", "ci", "dns", "proxy", "ldap", "queue", "search", "files",
    "vpn", "metrics", "logs", "build",
];
const TAGS: &[&[&str]] = &[&["prod"], &["prod", "web"], &["dev"], &["staging", "linux"], &[]];

impl Cluster {
    /// A cluster of nodes `pve01`, `pve02`, ... and guests from number 100 on, two thirds of them
    /// virtual machines, with the odd values that real clusters have.
    pub fn demo(nodes: usize, guests: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut cluster = Self::empty();
        cluster.name = (nodes > 1).then(|| "demo".to_owned());
        cluster.nodes =
            (1..=nodes.max(1)).filter_map(|n| u32::try_from(n).ok()).map(node).collect();
        cluster.storages = storages(nodes > 1);
        let production = Pool { comment: Some("Production".into()), ..Pool::default() };
        cluster.pools.insert("production".into(), production);
        for (index, vmid) in (100..).take(guests).enumerate() {
            let place = &cluster.nodes[index % cluster.nodes.len()].name;
            let guest = guest(vmid, index, place, &mut random);
            cluster.volumes.extend(backup(&guest, index));
            cluster.guests.insert(vmid, guest);
        }
        cluster.volumes.extend(images());
        let some: Vec<String> = cluster.guests.keys().take(2).map(u32::to_string).collect();
        cluster.backup_jobs = vec![json!({
            "id": "backup-nightly", "type": "vzdump", "enabled": 1, "schedule": "02:00",
            "storage": "nfs-backup", "mode": "snapshot", "compress": "zstd",
            "vmid": some.join(","), "prune-backups": { "keep-last": "3", "keep-weekly": "4" },
            "comment": "Nightly", "next-run": 1_767_232_800,
        })];
        cluster
    }
}

fn node(id: u32) -> Node {
    let ip = format!("10.10.10.{}", 10 + id);
    let text = |value: Value| value;
    let network = vec![
        json!({
            "iface": "eno1", "type": "eth", "active": 1, "exists": 1, "method": "manual",
            "method6": "manual", "priority": 3, "families": ["inet"], "altnames": ["enp1s0f0"],
        }),
        json!({
            "iface": "eno2", "type": "eth", "active": 1, "exists": 1, "method": "manual",
            "method6": "manual", "priority": 4, "families": ["inet"],
        }),
        json!({
            "iface": "bond0", "type": "bond", "active": 1, "autostart": 1, "slaves": "eno1 eno2",
            "bond_mode": "802.3ad", "bond_miimon": "100", "bond_xmit_hash_policy": "layer2+3",
            "method": "manual", "method6": "manual", "priority": 5, "families": ["inet"],
            "mtu": "9000",
        }),
        json!({
            "iface": "vmbr0", "type": "bridge", "active": 1, "autostart": 1,
            "bridge_ports": "bond0", "bridge_stp": "off", "bridge_fd": "0", "address": ip,
            "netmask": "24", "cidr": format!("{ip}/24"), "gateway": "10.10.10.1",
            "address6": format!("2001:db8:10::{id:x}"), "netmask6": "64",
            "cidr6": format!("2001:db8:10::{id:x}/64"), "method": "static", "method6": "static",
            "families": ["inet", "inet6"], "priority": 6, "comments": "management\n",
        }),
        json!({
            "iface": "vmbr1", "type": "bridge", "active": "1", "exists": text(Value::Null),
            "autostart": 1, "bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0",
            "bridge_vlan_aware": 1, "bridge_vids": "2-4094", "address": format!("10.30.0.{id}"),
            "netmask": "24", "cidr": format!("10.30.0.{id}/24"), "method": "static",
            "method6": "manual", "families": ["inet"], "priority": 7,
        }),
        json!({
            "iface": "bond0.40", "type": "vlan", "active": 1, "autostart": 1,
            "vlan-raw-device": "bond0", "vlan-id": "40", "address": format!("10.40.0.{id}"),
            "netmask": "24", "cidr": format!("10.40.0.{id}/24"), "method": "static",
            "method6": "manual", "families": ["inet"], "priority": 8,
        }),
    ];
    Node {
        name: format!("pve{id:02}"),
        id,
        ip,
        online: true,
        cpus: 32,
        memory: 128 * GIB,
        disk: 100 * GIB,
        network,
    }
}

fn storages(shared: bool) -> std::collections::BTreeMap<String, Map<String, Value>> {
    let mut rows = vec![
        json!({
            "storage": "local", "type": "dir", "path": "/var/lib/vz",
            "content": "iso,vztmpl,backup", "digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        }),
        json!({
            "storage": "local-lvm", "type": "lvmthin", "vgname": "pve", "thinpool": "data",
            "content": "images,rootdir",
        }),
        json!({
            "storage": "nfs-backup", "type": "nfs", "server": "10.10.10.200",
            "export": "/srv/backup", "path": "/mnt/pve/nfs-backup", "content": "backup",
            "shared": 1, "prune-backups": "keep-last=3",
        }),
    ];
    if shared {
        rows.push(json!({
            "storage": "ceph", "type": "rbd", "pool": "ceph", "content": "rootdir,images",
            "krbd": 0, "shared": 1,
        }));
    }
    let named = |row: Value| match row {
        Value::Object(row) => Some((row.get("storage")?.as_str()?.to_owned(), row)),
        _ => None,
    };
    rows.into_iter().filter_map(named).collect()
}

fn guest(vmid: u32, index: usize, node: &str, random: &mut StdRng) -> Guest {
    let kind = if index % 3 == 2 { GuestKind::Lxc } else { GuestKind::Qemu };
    let mut guest = Guest::new(vmid, kind, node);
    guest.running = index % 7 != 3;
    let name = format!("{}-{:02}", ROLES[index % ROLES.len()], index / ROLES.len() + 1);
    guest.config.insert(guest.name_key().into(), name.into());
    let address = format!("10.20.{}.{}", index / 200, 10 + index % 200);
    let network = Network { address, vlan: [None, Some(20), None, Some(30)][index % 4] };
    match kind {
        GuestKind::Qemu => machine(&mut guest, index, &network, random),
        GuestKind::Lxc => container(&mut guest, index, &network, random),
    }
    let tags = TAGS.choose(random).copied().unwrap_or_default();
    if !tags.is_empty() {
        guest.config.insert("tags".into(), tags.join(";").into());
    }
    if index.is_multiple_of(5) {
        guest.config.insert("onboot".into(), 1.into());
    }
    if index.is_multiple_of(6) {
        guest.pool = Some("production".into());
    }
    if index % 8 == 1 {
        guest.snapshots.push(Snapshot {
            name: "before-upgrade".into(),
            description: "Before the upgrade\n".into(),
            time: 1_767_000_000 + u64::from(vmid),
            parent: None,
            config: guest.config.clone(),
            with_memory: false,
        });
    }
    guest
}

struct Network {
    address: String,
    vlan: Option<u16>,
}

impl Network {
    fn tag(&self) -> String {
        self.vlan.map(|tag| format!(",tag={tag}")).unwrap_or_default()
    }
}

fn machine(guest: &mut Guest, index: usize, network: &Network, random: &mut StdRng) {
    let vmid = guest.vmid;
    let memory = [1024, 2048, 4096, 8192, 16384].choose(random).copied().unwrap_or(2048);
    let disk = [8, 20, 32, 64, 100].choose(random).copied().unwrap_or(32);
    let tag = network.tag();
    let mut set = |key: &str, value: Value| {
        guest.config.insert(key.to_owned(), value);
    };
    // Newer releases write a property string, older ones a number, some tools keep the number.
    set("memory", if index % 9 == 4 { json!(memory) } else { json!(memory.to_string()) });
    set("cores", json!(random.random_range(1..=8)));
    set("sockets", json!(1));
    set("cpu", json!("x86-64-v2-AES"));
    set("ostype", json!(if index % 10 == 6 { "win11" } else { "l26" }));
    set("boot", json!("order=scsi0;ide2;net0"));
    set("scsihw", json!("virtio-scsi-single"));
    set("scsi0", json!(format!("local-lvm:vm-{vmid}-disk-0,iothread=1,size={disk}G")));
    set("net0", json!(format!("virtio={},bridge=vmbr0,firewall=1{tag}", new_mac(vmid, 0))));
    set("smbios1", json!(format!("uuid=00000000-0000-4000-8000-{vmid:012}")));
    set("meta", json!("creation-qemu=10.0.2,ctime=1767000000"));
    set("numa", json!(0));
    match index % 4 {
        0 => {
            set("ide2", json!(format!("local-lvm:vm-{vmid}-cloudinit,media=cdrom,size=4M")));
            set("ipconfig0", json!(format!("gw=10.20.0.1,ip={}/16", network.address)));
            set("ciuser", json!("admin"));
            set("cipassword", json!("**********"));
        }
        _ => set("ide2", json!("none,media=cdrom")),
    }
    if index % 4 == 1 {
        set("scsi1", json!(format!("local-lvm:vm-{vmid}-disk-1,size=104858K,ssd=1")));
        set("net1", json!(format!("virtio={},bridge=vmbr1", new_mac(vmid, 1))));
    }
    if index % 12 == 7 {
        set("template", json!(1));
    }
    if index % 5 == 1 {
        set("description", json!("Runs the %3A shop\n\nsecond line\n".replace("%3A", ":")));
    }
    match index % 3 {
        0 => set("agent", json!("1")),
        1 => set("agent", json!("enabled=1,fstrim_cloned_disks=1")),
        _ => {}
    }
    let v6 = format!("2001:db8:20::{vmid:x}/64");
    guest.addresses.insert(0, vec![format!("{}/16", network.address), v6]);
    guest.agent_answers = index % 10 != 9;
    guest.running &= index % 12 != 7;
}

fn container(guest: &mut Guest, index: usize, network: &Network, random: &mut StdRng) {
    let vmid = guest.vmid;
    let memory: u32 = [512, 1024, 2048].choose(random).copied().unwrap_or(512);
    let (mac, tag) = (new_mac(vmid, 0), network.tag());
    let address = match index % 2 {
        0 => format!("gw=10.20.0.1,hwaddr={mac},ip={}/16", network.address),
        _ => format!("hwaddr={mac},ip=dhcp"),
    };
    let mut set = |key: &str, value: Value| {
        guest.config.insert(key.to_owned(), value);
    };
    set("memory", json!(memory));
    set("swap", json!(512));
    set("cores", json!(random.random_range(1..=4)));
    set("arch", json!("amd64"));
    set("ostype", json!("debian"));
    set("rootfs", json!(format!("local-lvm:vm-{vmid}-disk-0,size=8G")));
    set("net0", json!(format!("name=eth0,bridge=vmbr0,firewall=1,{address}{tag},type=veth")));
    set("unprivileged", json!(1));
    set("features", json!("nesting=1"));
    if index % 6 == 5 {
        set("mp0", json!(format!("local-lvm:vm-{vmid}-disk-1,mp=/srv/data,backup=1,size=16G")));
    }
    if index % 9 == 8 {
        set("lxc", json!([["lxc.idmap", "u 0 100000 65536"], ["lxc.idmap", "g 0 100000 65536"]]));
        set("cpulimit", json!("0.5"));
    }
    let v6 = format!("2001:db8:20::{vmid:x}/64");
    guest.addresses.insert(0, vec![format!("{}/16", network.address), v6]);
}

fn backup(guest: &Guest, index: usize) -> Option<Map<String, Value>> {
    if !index.is_multiple_of(3) {
        return None;
    }
    let (vmid, kind) = (guest.vmid, guest.kind.as_str());
    let end = if guest.kind == GuestKind::Qemu { "vma.zst" } else { "tar.zst" };
    let row = json!({
        "storage": "nfs-backup",
        "volid": format!("nfs-backup:backup/vzdump-{kind}-{vmid}-2026_01_01-02_00_00.{end}"),
        "content": "backup",
        "vmid": vmid,
        "format": end,
        "subtype": kind,
        "size": 3_221_225_472_u64 + u64::from(vmid) * 4096,
        "ctime": 1_767_232_800 + u64::from(vmid),
        "notes": guest.name().unwrap_or_default(),
    });
    row.as_object().cloned()
}

fn images() -> Vec<Map<String, Value>> {
    let rows = [
        json!({
            "storage": "local", "volid": "local:iso/debian-13.1.0-amd64-netinst.iso",
            "content": "iso", "format": "iso", "size": 822_083_584, "ctime": 1_757_000_000,
        }),
        json!({
            "storage": "local", "volid": "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
            "content": "vztmpl", "format": "tzst", "size": 129_710_398, "ctime": 1_757_000_100,
        }),
    ];
    rows.iter().filter_map(|row| row.as_object().cloned()).collect()
}
