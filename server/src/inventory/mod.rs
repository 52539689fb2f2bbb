//! What runs on Proxmox: the result of one reading of one endpoint.

mod addresses;
mod answers;
mod build;
mod devices;
mod read;

use std::collections::BTreeSet;

use ipnet::IpNet;

pub use answers::{Answers, Config, GuestAnswers, Interfaces};
pub use build::{Endpoint, build};
pub use read::{ReadError, read};

/// Everything that one endpoint showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Id of the endpoint.
    pub endpoint: i64,
    /// Name of the endpoint, for messages.
    pub endpoint_name: String,
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
    /// Whether everything was seen.
    pub completeness: Completeness,
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
    /// Its bridges; empty when they could not be read.
    pub bridges: Vec<Bridge>,
}

/// A bridge of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// `vmbr0`
    pub name: String,
    /// Whether it is up.
    pub active: bool,
}

/// The two kinds of guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
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
    /// Whether its link is up.
    pub enabled: bool,
    /// Its addresses, in the order in which the guest shows them.
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
