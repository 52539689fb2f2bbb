//! What Proxmox answered, before anything is made of it.

use std::collections::{BTreeMap, BTreeSet};

use sdk_proxmox::Value;
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterStatusRow, LxcConfig, LxcInterfacesRow, NodesNetworkRow, QemuConfig,
};

use super::Problem;

/// The answers of one endpoint.
#[derive(Debug, Default)]
pub struct Answers {
    /// `/cluster/status`; empty when the token may not read it.
    pub status: Vec<ClusterStatusRow>,
    /// `/cluster/resources`
    pub resources: Vec<ClusterResourcesRow>,
    /// `/nodes/{node}/network` by node.
    pub networks: BTreeMap<String, Vec<NodesNetworkRow>>,
    /// What was asked for each guest, by vmid.
    pub guests: BTreeMap<i64, GuestAnswers>,
    /// Nodes that do not answer, so that nothing more is asked of them.
    pub silent: BTreeSet<String>,
    /// Why something may be missing.
    pub gaps: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// How many values differed from what Proxmox publishes about its answers.
    pub drift: u64,
}

/// The answers for one guest.
#[derive(Debug, Default)]
pub struct GuestAnswers {
    /// Its configuration.
    pub config: Option<Config>,
    /// Its interfaces as the guest itself sees them.
    pub interfaces: Option<Interfaces>,
}

/// A guest's configuration.
#[derive(Debug)]
pub enum Config {
    /// Of a virtual machine.
    Qemu(Box<QemuConfig>),
    /// Of a container.
    Lxc(Box<LxcConfig>),
}

/// A guest's interfaces as the guest itself sees them.
#[derive(Debug)]
pub enum Interfaces {
    /// From the agent inside of a virtual machine.
    Agent(Value),
    /// From the node that runs the container.
    Container(Vec<LxcInterfacesRow>),
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
