//! What Proxmox answered, before anything is made of it.

use std::collections::{BTreeMap, BTreeSet};

use sdk_proxmox::pve::{
    ClusterBackupRow, ClusterReplicationRow, ClusterResourcesRow, ClusterStatusRow, LxcConfig,
    NodesNetworkRow, NodesStatus, NodesTasksRow, QemuConfig, StorageContentRow, StorageRow,
};

use super::{Problem, Seen, Snapshot};

/// The answers of one endpoint. A list is none where it was not asked for or could not be read.
#[derive(Debug, Default)]
pub struct Answers {
    /// `/cluster/status`
    pub status: Vec<ClusterStatusRow>,
    /// `/cluster/resources`
    pub resources: Vec<ClusterResourcesRow>,
    /// What was asked of each node.
    pub nodes: BTreeMap<String, NodeAnswers>,
    /// What was asked for each guest, by vmid.
    pub guests: BTreeMap<i64, GuestAnswers>,
    /// `/storage`
    pub storages: Option<Vec<StorageRow>>,
    /// Storages that were asked for their backups.
    pub asked: BTreeSet<Shelf>,
    /// Backups on each storage that could be read.
    pub backups: BTreeMap<Shelf, Vec<StorageContentRow>>,
    /// `/cluster/replication`
    pub replications: Option<Vec<ClusterReplicationRow>>,
    /// `/cluster/backup`
    pub backup_jobs: Option<Vec<ClusterBackupRow>>,
    /// Nodes that do not answer, so that nothing more is asked of them.
    pub silent: BTreeSet<String>,
    /// Why something may be missing.
    pub gaps: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// How many values differed from what Proxmox publishes about its answers.
    pub drift: u64,
}

/// A storage as one node sees it; a shared one is read once, of any node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shelf {
    /// The storage.
    pub storage: String,
    /// The node that it was read of.
    pub node: String,
}

/// The answers for one node.
#[derive(Debug, Default)]
pub struct NodeAnswers {
    /// `/nodes/{node}/network`
    pub network: Option<Vec<NodesNetworkRow>>,
    /// `/nodes/{node}/status`
    pub status: Option<NodesStatus>,
    /// `/nodes/{node}/tasks`
    pub tasks: Option<Vec<NodesTasksRow>>,
}

/// The answers for one guest.
#[derive(Debug, Default)]
pub struct GuestAnswers {
    /// Its configuration.
    pub config: Option<Config>,
    /// Its interfaces as the guest itself sees them.
    pub interfaces: Option<Seen>,
    /// The name that the agent inside of it gives.
    pub hostname: Option<String>,
    /// Its snapshots.
    pub snapshots: Option<Vec<Snapshot>>,
}

/// A guest's configuration.
#[derive(Debug)]
pub enum Config {
    /// Of a virtual machine.
    Qemu(Box<QemuConfig>),
    /// Of a container.
    Lxc(Box<LxcConfig>),
}

impl Config {
    /// Whether all of it came: a node sends the digest with every configuration that it read.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Qemu(config) => config.digest.is_some(),
            Self::Lxc(config) => config.digest.is_some(),
        }
    }

    /// Whether an agent is said to run in the machine.
    pub fn has_agent(&self) -> bool {
        let Self::Qemu(config) = self else { return false };
        let agent = config.agent.as_ref().and_then(|agent| agent.parse().ok());
        agent.and_then(|agent| agent.enabled).unwrap_or(false)
    }
}
