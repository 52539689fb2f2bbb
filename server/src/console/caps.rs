//! How many terminals may be open, and whether all of them are closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::polls::Polls;

/// Terminals of one node at the same time; a node has a hundred ports for all of its users.
const OF_NODE: usize = 2;

/// Terminals of all nodes at the same time.
const ALL: usize = 8;

/// How long a terminal may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalLimits {
    /// Until the command begins.
    pub begin: Duration,
    /// Without anything that is printed.
    pub idle: Duration,
    /// Until its end.
    pub total: Duration,
}

impl Default for TerminalLimits {
    fn default() -> Self {
        Self {
            begin: Duration::from_secs(15),
            idle: Duration::from_secs(15 * 60),
            total: Duration::from_secs(4 * 3600),
        }
    }
}

/// Terminals and polls that clients share. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consoles {
    open: Arc<Mutex<HashMap<(i64, String), usize>>>,
    /// What has to be cleaned up before the server ends.
    pub(crate) tasks: TaskTracker,
    pub(super) polls: Polls,
}

/// A place for a terminal. Dropping it gives the place to another.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<HashMap<(i64, String), usize>>>,
    node: (i64, String),
}

impl Consoles {
    /// A place for a terminal of this node; none where all are taken.
    pub(super) fn place(&self, endpoint: i64, node: &str) -> Option<Place> {
        let node = (endpoint, node.to_owned());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let of_node = open.entry(node.clone()).or_default();
        if all >= ALL || *of_node >= OF_NODE {
            return None;
        }
        *of_node += 1;
        Some(Place { open: self.open.clone(), node })
    }

    /// Waits until every terminal is closed, for at most `limit`.
    pub(crate) async fn closed(&self, limit: Duration) {
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "terminals did not close in time");
        }
        self.tasks.reopen();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_two_terminals_and_all_nodes_eight() {
        let consoles = Consoles::default();
        let first = consoles.place(1, "a").unwrap();
        let _second = consoles.place(1, "a").unwrap();
        assert!(consoles.place(1, "a").is_none());
        drop(first);
        let mut held = vec![consoles.place(1, "a").unwrap()];
        held.extend((0..6).map(|n| consoles.place(2, &format!("n{n}")).unwrap()));
        assert!(consoles.place(3, "z").is_none(), "eight in all");
        held.clear();
        assert!(consoles.place(3, "z").is_some());
    }
}
