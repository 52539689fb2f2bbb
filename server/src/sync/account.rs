//! The account of a run: every object that was seen ends in exactly one column.

use std::collections::BTreeMap;

use crate::apply::Done;
use crate::plan::{Action, Key, Kind, Operation, Plan};

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

/// What came of one object; later ones are worse news and win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It was looked at, and an operation on it was never reported.
    Seen,
    /// As it should be.
    Unchanged,
    /// Changed in NetBox.
    Updated,
    /// New in NetBox.
    Created,
    /// Deleted in NetBox.
    Deleted,
    /// Gone in Proxmox, left in NetBox.
    Orphaned,
    /// Left alone.
    Skipped,
    /// Refused by NetBox.
    Failed,
}

/// One object of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// What came of it.
    pub state: State,
    /// NetBox's id, where it is known.
    pub id: Option<i64>,
}

/// Accounts in the making.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    objects: BTreeMap<Key, Object>,
}

impl Accounts {
    /// Enters everything that the plan looked at.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut made = Self::default();
        for operation in &plan.operations {
            let id = match &operation.action {
                Action::Create => None,
                Action::Update(target) => target.id(),
                Action::Delete(id) => Some(*id),
            };
            made.enter(&operation.key, State::Seen, id);
        }
        for (key, id) in &plan.unchanged {
            made.enter(key, State::Unchanged, Some(*id));
        }
        for key in plan.orphaned.keys() {
            made.enter(key, State::Orphaned, None);
        }
        for skipped in &plan.skipped {
            made.enter(&skipped.key, State::Skipped, None);
        }
        made
    }

    /// Enters what came of an operation.
    pub(super) fn record(&mut self, operation: &Operation, done: &Done) {
        let (state, id) = match done {
            Done::Created(id) => (State::Created, Some(*id)),
            Done::Updated => (State::Updated, None),
            Done::Deleted => (State::Deleted, None),
            Done::Skipped(_) => (State::Skipped, None),
            Done::Failed(_) => (State::Failed, None),
        };
        self.enter(&operation.key, state, id);
    }

    fn enter(&mut self, key: &Key, state: State, id: Option<i64>) {
        if let Some(known) = self.objects.get_mut(key) {
            known.state = known.state.max(state);
            known.id = known.id.or(id);
        } else {
            self.objects.insert(key.clone(), Object { state, id });
        }
    }

    /// Every object, with what came of it.
    pub(super) fn into_objects(self) -> BTreeMap<Key, Object> {
        self.objects
    }

    /// The accounts by kind.
    pub(super) fn by_kind(&self) -> BTreeMap<Kind, Account> {
        let mut accounts: BTreeMap<Kind, Account> = BTreeMap::new();
        for (key, object) in &self.objects {
            let account = accounts.entry(key.kind).or_default();
            account.seen += 1;
            let column = match object.state {
                State::Seen => continue,
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
