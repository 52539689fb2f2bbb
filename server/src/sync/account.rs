//! The account of a run: every object that was seen ends in exactly one column.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::Done;
use crate::plan::{Key, Kind, Operation, Plan};

/// What came of the objects of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Objects that Proxmox shows or that NetBox has of ours.
    pub seen: usize,
    /// As they should be.
    pub unchanged: usize,
    /// New in NetBox.
    pub created: usize,
    /// Changed in NetBox.
    pub updated: usize,
    /// Deleted in NetBox, because Proxmox no longer has them.
    pub deleted: usize,
    /// Gone in Proxmox, left in NetBox.
    pub orphaned: usize,
    /// Left alone, each with a reason in the warnings.
    pub skipped: usize,
    /// Refused by NetBox, each with a reason in the failures.
    pub failed: usize,
}

impl Account {
    /// The sum of all columns.
    pub fn settled(&self) -> usize {
        self.unchanged
            + self.created
            + self.updated
            + self.deleted
            + self.orphaned
            + self.skipped
            + self.failed
    }

    /// Objects that NetBox shows after the run.
    pub fn in_step(&self) -> usize {
        self.unchanged + self.created + self.updated
    }
}

/// The state of one object so far; later ones are worse news and win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Unchanged,
    Updated,
    Created,
    Deleted,
    Orphaned,
    Skipped,
    Failed,
}

/// Accounts in the making.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    seen: BTreeSet<Key>,
    states: BTreeMap<Key, State>,
}

impl Accounts {
    /// Enters everything that the plan looked at.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut made = Self::default();
        let keys = plan.operations.iter().map(|one| &one.key).chain(&plan.unchanged);
        let keys = keys.chain(&plan.orphaned).chain(plan.skipped.iter().map(|one| &one.key));
        made.seen.extend(keys.cloned());
        for key in &plan.unchanged {
            made.enter(key, State::Unchanged);
        }
        for key in &plan.orphaned {
            made.enter(key, State::Orphaned);
        }
        for skipped in &plan.skipped {
            made.enter(&skipped.key, State::Skipped);
        }
        made
    }

    /// Enters what came of an operation.
    pub(super) fn record(&mut self, operation: &Operation, done: &Done) {
        let state = match done {
            Done::Created(_) => State::Created,
            Done::Updated => State::Updated,
            Done::Deleted => State::Deleted,
            Done::Skipped(_) => State::Skipped,
            Done::Failed(_) => State::Failed,
        };
        self.enter(&operation.key, state);
    }

    fn enter(&mut self, key: &Key, state: State) {
        let known = self.states.entry(key.clone()).or_insert(state);
        *known = (*known).max(state);
    }

    /// The accounts by kind.
    pub(super) fn by_kind(&self) -> BTreeMap<Kind, Account> {
        let mut accounts: BTreeMap<Kind, Account> = BTreeMap::new();
        for key in &self.seen {
            accounts.entry(key.kind).or_default().seen += 1;
        }
        for (key, state) in &self.states {
            let account = accounts.entry(key.kind).or_default();
            let column = match state {
                State::Unchanged => &mut account.unchanged,
                State::Created => &mut account.created,
                State::Updated => &mut account.updated,
                State::Deleted => &mut account.deleted,
                State::Orphaned => &mut account.orphaned,
                State::Skipped => &mut account.skipped,
                State::Failed => &mut account.failed,
            };
            *column += 1;
        }
        accounts
    }
}
