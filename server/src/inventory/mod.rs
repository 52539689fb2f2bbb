//! What runs on Proxmox: the result of one reading of one endpoint.

mod addresses;
mod answers;
mod build;
mod cloud_init;
mod devices;
mod lists;
mod metadata;
mod nodes;
mod read;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

pub use addresses::Seen;
pub use answers::{Answers, Config, GuestAnswers, NodeAnswers, Shelf};
pub use build::{Endpoint, build};
pub use read::{ReadError, read};
pub use scope::Scope;

/// Everything that one endpoint showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Id of the endpoint.
    pub endpoint: i64,
    /// Name of the endpoint, for messages.
    pub endpoint_name: String,
    /// Where people find its web interface: `https://pve1.example.com:8006`.
    pub link: String,
    /// The cluster behind the endpoint.
    pub cluster: Cluster,
    /// NetBox id of the site that the operator chose for the endpoint.
    pub site: Option<i64>,
    /// NetBox id of the tenant that the operator chose for the endpoint.
    pub tenant: Option<i64>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The guests.
    pub guests: Vec<Guest>,
    /// The storages; none when they were not read.
    pub storages: Option<Vec<Storage>>,
    /// Backups of guests.
    pub backups: Vec<Backup>,
    /// Storages whose backups were read wholly, so that one that is missing is gone.
    pub backups_known: BTreeSet<String>,
    /// Finished tasks of guests.
    pub tasks: Vec<Task>,
    /// Replication jobs; none when they were not read.
    pub replications: Option<Vec<Replication>>,
    /// Backup jobs; none when they were not read.
    pub backup_jobs: Option<Vec<BackupJob>>,
    /// Whether everything was seen.
    pub completeness: Completeness,
    /// Whether only some guests were asked for, so that the others are not gone.
    pub is_part: bool,
    /// How many values differed from what Proxmox publishes about its answers.
    pub drift: u64,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
}

/// Whether everything was seen. Absence proves nothing while something was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// All nodes answered and all guests were listed.
    Complete,
    /// Not everything was seen; the reasons.
    Partial(Vec<String>),
}

/// A cluster, or a node that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Name of the cluster, or of the node that stands alone.
    pub name: String,
    /// Which of both.
    pub mode: ClusterMode,
    /// Whether its nodes can decide; always so for a node that stands alone.
    pub quorate: bool,
}

/// Whether nodes form a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterMode {
    /// They do.
    Cluster,
    /// The node stands alone.
    Standalone,
}

impl ClusterMode {
    /// The word for it, which is also the slug of NetBox's cluster type.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Standalone => "standalone",
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Whether the cluster sees it.
    pub online: bool,
    /// Its address in the cluster.
    pub ip: Option<IpAddr>,
    /// Its processors: `4 x Intel(R) Xeon(R) E-2224`.
    pub cpu: Option<String>,
    /// What runs on it: `pve-manager/9.1.1`.
    pub version: Option<String>,
    /// Its interfaces; none when they were not read.
    pub interfaces: Option<Vec<NodeInterface>>,
}

/// An interface of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInterface {
    /// `vmbr0`
    pub name: String,
    /// What it is.
    pub kind: InterfaceKind,
    /// Whether it is up.
    pub active: bool,
    /// Largest frame in bytes.
    pub mtu: Option<i64>,
    /// What people wrote about it in Proxmox.
    pub comment: Option<String>,
    /// The number of a VLAN.
    pub vlan: Option<i64>,
    /// The interface below a VLAN.
    pub parent: Option<String>,
    /// Slaves of a bond, ports of a bridge.
    pub members: Vec<String>,
    /// Its own addresses.
    pub addresses: Vec<IpNet>,
}

/// What an interface of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A card.
    Physical,
    /// A bridge, of Linux or of Open vSwitch.
    Bridge,
    /// Several cards as one.
    Bond,
    /// A VLAN on another interface.
    Vlan,
    /// Nothing of its own: an alias, a port inside of a switch.
    Virtual,
}

/// A storage of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// Its name.
    pub name: String,
    /// Its settings as Proxmox tells them; no secrets are among them.
    pub settings: serde_json::Map<String, Value>,
}

/// A backup of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// `backup:vm/100/2026-01-01T00:00:00Z`
    pub volume: String,
    /// The storage it lies on.
    pub storage: String,
    /// The guest.
    pub vmid: i64,
    /// What kind of guest it was; none where the volume does not say.
    pub kind: Option<GuestKind>,
    /// When it was made, in unix seconds.
    pub created: Option<i64>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// What it takes on the storage, in bytes.
    pub used: Option<i64>,
    /// `vma.zst`, `pbs-vm`
    pub format: Option<String>,
    /// What people or the job wrote.
    pub notes: Option<String>,
    /// Fingerprint of the key, or `1`.
    pub encrypted: Option<String>,
    /// What the last verification found, and its task.
    pub verification: Option<(String, Option<String>)>,
}

/// A snapshot of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, unique for the guest.
    pub name: String,
    /// What people wrote.
    pub description: Option<String>,
    /// When it was taken, in unix seconds.
    pub taken: Option<i64>,
    /// The snapshot before it.
    pub parent: Option<String>,
}

/// A finished task of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub upid: String,
    /// Where it ran.
    pub node: String,
    /// The guest.
    pub vmid: i64,
    /// `qmstart`
    pub kind: String,
    /// `root@pam`
    pub user: String,
    /// The process.
    pub pid: Option<i64>,
    /// When the process started, in ticks since the node's start.
    pub pstart: Option<i64>,
    /// When it began, in unix seconds.
    pub start: i64,
    /// When it ended, in unix seconds.
    pub end: Option<i64>,
    /// `OK`, or the error.
    pub status: String,
}

/// A replication job.
#[derive(Debug, Clone, PartialEq)]
pub struct Replication {
    /// `100-0`
    pub id: String,
    /// The guest.
    pub vmid: i64,
    /// Which one of the guest's.
    pub number: i64,
    /// The node that gets the copy.
    pub target: String,
    /// The node that it comes from.
    pub source: Option<String>,
    /// When it runs, as a calendar event.
    pub schedule: Option<String>,
    /// MB a second at most, in hundredths.
    pub rate: Option<i64>,
    /// What people wrote.
    pub comment: Option<String>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Whether and how it is being removed.
    pub removal: Option<String>,
    /// Everything that Proxmox tells of it.
    pub raw: Value,
}

/// A backup job.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupJob {
    /// Its name.
    pub id: String,
    /// Which guests it saves.
    pub selection: Vec<Value>,
    /// Its settings as Proxmox tells them, without when it runs next.
    pub raw: serde_json::Map<String, Value>,
}

/// The two kinds of guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// Proxmox's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// Whether a guest runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestStatus {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// Its node does not answer.
    Unknown,
}

impl GuestStatus {
    /// Proxmox's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// A guest.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    /// Its number, unique in the cluster for as long as it exists.
    pub vmid: i64,
    /// Machine or container.
    pub kind: GuestKind,
    /// Its name; `VM 100` or `CT100` as Proxmox shows guests without one. None when it could not
    /// be read.
    pub name: Option<String>,
    /// The node it is on.
    pub node: String,
    /// Whether it runs.
    pub status: GuestStatus,
    /// Whether it is a template.
    pub template: bool,
    /// Virtual CPUs in hundredths.
    pub vcpus: Option<i64>,
    /// Memory in MiB.
    pub memory_mb: Option<i64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it starts with its node.
    pub starts_at_boot: Option<bool>,
    /// Whether a container runs without rights on its node; none for machines.
    pub unprivileged: Option<bool>,
    /// Whether an agent is said to run in it; none for containers.
    pub agent: Option<bool>,
    /// What kind of system it is said to run: `l26`, `debian`.
    pub os: Option<String>,
    /// The kind of CPU that it sees.
    pub cpu: Option<String>,
    /// Where it looks names up.
    pub search_domain: Option<String>,
    /// What people wrote about it in Proxmox.
    pub notes: Option<String>,
    /// NetBox's ids for fields of its machine, out of a block in the notes.
    pub metadata: BTreeMap<&'static str, i64>,
    /// The name that it gives itself; none where it cannot be asked.
    pub hostname: Option<String>,
    /// What cloud-init gives it.
    pub cloud_init: Option<CloudInit>,
    /// Its interfaces as it calls them itself; none where it cannot be asked.
    pub own_interfaces: Option<Vec<OwnInterface>>,
    /// Its snapshots; none when they were not read.
    pub snapshots: Option<Vec<Snapshot>>,
    /// Its disks.
    pub disks: Vec<Disk>,
    /// Its network interfaces.
    pub nics: Vec<Nic>,
    /// Whether its configuration was read.
    pub config: ConfigRead,
    /// Whether its addresses were read, so that one that is missing is gone.
    pub addresses_known: bool,
}

/// Whether a guest's configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigRead {
    /// It was, but for these devices (`net0`), whose text does not parse.
    Except(BTreeSet<String>),
    /// It was not.
    Not,
}

impl ConfigRead {
    /// Whether a device that the guest does not show is known to be gone.
    pub fn proves_absence_of(&self, device: &str) -> bool {
        matches!(self, Self::Except(unread) if !unread.contains(device))
    }

    /// Whether all devices were read.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Except(unread) if unread.is_empty())
    }
}

/// A disk of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// `scsi0`, `rootfs`, `mp0`
    pub name: String,
    /// Size in MiB, rounded up.
    pub size_mb: i64,
    /// The storage it lies on; none for devices passed through.
    pub storage: Option<String>,
}

/// A network interface of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// `net0`
    pub name: String,
    /// MAC address in upper case with colons.
    pub mac: Option<String>,
    /// The bridge it is plugged into.
    pub bridge: Option<String>,
    /// VLAN tag.
    pub vlan: Option<i64>,
    /// VLANs that pass with their tag, from and to.
    pub trunks: Vec<(i64, i64)>,
    /// Largest frame in bytes.
    pub mtu: Option<i64>,
    /// The name that the configuration of a container gives it inside.
    pub inner_name: Option<String>,
    /// Whether its link is up.
    pub enabled: bool,
    /// Its addresses, in the order in which the guest shows them.
    pub addresses: Vec<IpNet>,
}

/// What cloud-init gives a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloudInit {
    /// The user that is made.
    pub user: Option<String>,
    /// Public keys, one a line.
    pub ssh_keys: Option<String>,
    /// Addresses of each interface by its number, as Proxmox writes them.
    pub addresses: BTreeMap<u16, String>,
    /// Where names are looked up.
    pub name_servers: Option<String>,
}

/// An interface as the guest itself calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnInterface {
    /// `eth0`, `Ethernet 2`
    pub name: String,
    /// MAC address in upper case with colons.
    pub mac: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Of what: `guest 100 (web01)`, `node pve2`.
    pub object: String,
    /// Why, and what to do.
    pub why: String,
}
