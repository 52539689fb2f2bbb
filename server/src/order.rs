//! What a run is asked to do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::part::Part;
use crate::plan::{Policy, Stamp};

/// What a run is asked to do. Nothing said means everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The parts of the sync.
    pub parts: BTreeSet<Part>,
    /// Options that win over the plugin's settings.
    pub options: Options,
    /// Only guests that are these virtual machines, by NetBox's id.
    pub machines: Option<BTreeSet<i64>>,
    /// Only these guests, by vmid.
    pub guests: Option<BTreeSet<i64>>,
    /// Only these nodes.
    pub nodes: Option<BTreeSet<String>>,
}

impl Default for Order {
    fn default() -> Self {
        let options = Options::default();
        Self { parts: Part::all(), options, machines: None, guests: None, nodes: None }
    }
}

impl Order {
    /// The policy: what the plugin has set, then what was asked.
    pub fn policy(&self, settings: &Options, stamp: Stamp) -> Policy {
        let mut policy = Policy {
            parts: self.parts.clone(),
            machines: self.machines.clone(),
            guests: self.guests.clone(),
            nodes: self.nodes.clone(),
            stamp,
            ..Policy::default()
        };
        settings.apply(&mut policy);
        self.options.apply(&mut policy);
        policy
    }
}
