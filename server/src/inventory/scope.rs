//! What a reading is for, so that nothing else is asked.

use std::collections::BTreeSet;

use crate::part::Part;

/// What a reading is for. The list of resources and the cluster's state are always read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The parts of the sync that need it.
    pub parts: BTreeSet<Part>,
    /// Only these guests; all where nothing is said.
    pub guests: Option<BTreeSet<i64>>,
    /// Only these nodes, for what is read of nodes; all where nothing is said.
    pub nodes: Option<BTreeSet<String>>,
    /// Requests to the endpoint at the same time.
    pub calls: usize,
    /// Tasks that ended before this point are left out, in unix seconds.
    pub tasks_since: Option<i64>,
    /// Tasks of one node at most, the newest.
    pub tasks_per_node: i64,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            parts: Part::all(),
            guests: None,
            nodes: None,
            calls: 8,
            tasks_since: None,
            tasks_per_node: 500,
        }
    }
}

impl Scope {
    pub(super) fn any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.parts.contains(part))
    }

    pub(super) fn has_guest(&self, vmid: i64) -> bool {
        self.guests.as_ref().is_none_or(|guests| guests.contains(&vmid))
    }

    pub(super) fn has_node(&self, node: &str) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.contains(node))
    }

    pub(super) fn wants_configs(&self) -> bool {
        use Part::{IpAddresses, Snapshots, VirtualDisks, VirtualMachines, VmInterfaces};
        // A snapshot lies where the guest's disks do.
        self.any(&[VirtualMachines, VirtualDisks, VmInterfaces, IpAddresses, Snapshots])
    }

    pub(super) fn wants_addresses(&self) -> bool {
        self.any(&[Part::VmInterfaces, Part::IpAddresses])
    }
}
