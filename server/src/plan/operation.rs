//! The plan: operations in the order in which they can be carried out, and an account of the rest.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Fields, HeldBack, Key, Kind, Ref, Value};
use crate::part::Part;

/// When an operation runs: all of one stage before any of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Corrects totals without which NetBox refuses every change of a guest.
    Repair,
    /// Lets go of what would stand in the way: primary addresses that move, names that swap.
    Release,
    /// Creates and updates objects of one kind.
    Write(Kind),
    /// Sets references that point back: primary MAC and IP addresses.
    Link(Kind),
    /// Deletes objects of one kind; children come first.
    Remove(Kind),
}

impl Ord for Stage {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Stage {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Stage {
    /// Guests let go of names and addresses after nodes and before any guest is written.
    const fn rank(self) -> (u8, u8) {
        match self {
            Self::Write(kind) if (kind as u8) < (Kind::VirtualMachine as u8) => (0, kind as u8),
            Self::Repair => (1, 0),
            Self::Release => (1, 1),
            Self::Write(kind) => (2, kind as u8),
            Self::Link(kind) => (3, kind as u8),
            Self::Remove(kind) => (4, u8::MAX - kind as u8),
        }
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Release => "release",
            Self::Write(_) => "write",
            Self::Link(_) => "link",
            Self::Remove(_) => "remove",
        }
    }

    /// The kind of all objects in this stage.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Repair | Self::Release => Kind::VirtualMachine,
            Self::Write(kind) | Self::Link(kind) | Self::Remove(kind) => kind,
        }
    }
}

/// What is done with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update(Ref),
    /// It is deleted.
    Delete(i64),
}

/// Why an operation is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// NetBox does not have it.
    Missing,
    /// NetBox has it without our mark; from now on it is kept in step.
    Adopted,
    /// The guest has another name.
    Renamed,
    /// The guest runs on another node.
    Migrated,
    /// A field differs.
    Changed,
    /// The address belongs to another interface now.
    Moved,
    /// A reference to something that is created or chosen later than its owner.
    Linked,
    /// Stands in the way of a later operation.
    InTheWay,
    /// Proxmox no longer has it.
    Vanished,
    /// A run did it, and it is taken back.
    Reverted,
    /// Its guest has been missing for a while: it is marked before anything is deleted.
    Orphaned,
}

impl Reason {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Adopted => "adopted",
            Self::Renamed => "renamed",
            Self::Migrated => "migrated",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Linked => "linked",
            Self::InTheWay => "in_the_way",
            Self::Vanished => "vanished",
            Self::Reverted => "reverted",
            Self::Orphaned => "orphaned",
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its place in the plan.
    pub number: usize,
    /// When.
    pub stage: Stage,
    /// Which part of the sync it belongs to.
    pub part: Part,
    /// To which object.
    pub key: Key,
    /// What people call the object: `web01 (lab/100)`.
    pub label: String,
    /// What.
    pub action: Action,
    /// The fields in question as NetBox holds them.
    pub before: Fields,
    /// The fields as they will be; all fields of a new object.
    pub after: Fields,
    /// What of that is ours, to be told from later edits; none where it is all of it.
    pub base: Option<Fields>,
    /// Why.
    pub reason: Reason,
}

/// An object that is left alone although it was looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which object.
    pub key: Key,
    /// Why, for people.
    pub why: String,
}

/// A field that somebody edited in NetBox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which object.
    pub key: Key,
    /// What people call it.
    pub label: String,
    /// Which field.
    pub field: &'static str,
    /// What they made of it.
    pub have: Value,
    /// What Proxmox says.
    pub want: Value,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, label, field, have, want } = self;
        write!(f, "{} {label}: {field} is {have}, Proxmox says {want}", key.kind)
    }
}

/// An object that agrees with Proxmox and that we have not written so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Its kind.
    pub kind: Kind,
    /// NetBox's id.
    pub id: i64,
    /// The fields that agree.
    pub fields: Fields,
}

/// A guest that got another name than Proxmox gives it, because NetBox wants names to be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateName {
    /// The cluster.
    pub cluster: String,
    /// The guest.
    pub vmid: i64,
    /// Its name in Proxmox.
    pub original: String,
    /// Its name in NetBox.
    pub resolved: String,
    /// Which one of those with this name it is, from 2.
    pub index: usize,
}

/// A whole plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do, sorted by stage.
    pub operations: Vec<Operation>,
    /// Objects that are as they should be, with NetBox's ids.
    pub unchanged: BTreeMap<Key, i64>,
    /// Objects of ours that Proxmox no longer has and that stay, with what people call them.
    pub orphaned: BTreeMap<Key, String>,
    /// Objects that could not be planned.
    pub skipped: Vec<Skipped>,
    /// Guests whose name was taken.
    pub duplicate_names: Vec<DuplicateName>,
    /// Edits of people, which stay.
    pub kept: Vec<Kept>,
    /// Edits of people to what Proxmox has changed since, which go.
    pub overruled: Vec<Kept>,
    /// Objects to know from now on.
    pub remembered: Vec<Remembered>,
    /// Deletions that were more than a run may do.
    pub held_back: Option<HeldBack>,
    /// Machines whose guests are missing for the first time.
    pub absent: BTreeSet<i64>,
    /// Machines whose guests were missing and are there again.
    pub returned: BTreeSet<i64>,
    /// How many nodes are behind an endpoint, where that is new.
    pub nodes: BTreeMap<i64, usize>,
}

impl Plan {
    /// Sorts everything, and numbers the operations in the order in which they are carried out.
    pub(super) fn put_in_order(&mut self) {
        self.operations.shrink_to_fit();
        self.operations.sort_by(|a, b| (a.stage, &a.key).cmp(&(b.stage, &b.key)));
        for (number, operation) in self.operations.iter_mut().enumerate() {
            operation.number = number;
        }
        self.kept.sort_by(|a, b| (&a.key, a.field).cmp(&(&b.key, b.field)));
        self.overruled.sort_by(|a, b| (&a.key, a.field).cmp(&(&b.key, b.field)));
        self.skipped.sort_by(|a, b| (&a.key, &a.why).cmp(&(&b.key, &b.why)));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// One line for each operation and field, for people and for snapshots.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for operation in &self.operations {
            writeln!(f, "{operation}")?;
        }
        if let Some(held_back) = &self.held_back {
            writeln!(f, "! {}", held_back.why)?;
        }
        for key in self.orphaned.keys() {
            writeln!(f, "? {key} (orphaned)")?;
        }
        for Skipped { key, why } in &self.skipped {
            writeln!(f, "! {key}: {why}")?;
        }
        for kept in &self.kept {
            writeln!(f, "kept {}\n    {}: {}, not {}", kept.key, kept.field, kept.have, kept.want)?;
        }
        for one in &self.overruled {
            writeln!(f, "overruled {}\n    {}: {} -> {}", one.key, one.field, one.have, one.want)?;
        }
        let mut unchanged: BTreeMap<Kind, usize> = BTreeMap::new();
        for key in self.unchanged.keys() {
            *unchanged.entry(key.kind).or_default() += 1;
        }
        for (kind, count) in unchanged {
            writeln!(f, "= {count} x {kind}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update(_) => '~',
            Action::Delete(_) => '-',
        };
        write!(f, "{sign} {} [{}]", self.key, self.reason.code())?;
        for (name, after) in &self.after {
            match self.before.get(name) {
                Some(before) => write!(f, "\n    {name}: {before} -> {after}")?,
                None => write!(f, "\n    {name}: {after}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Hundredths(value) => write!(f, "{}.{:02}", value / 100, value % 100),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Ref(Ref::Id(id)) => write!(f, "#{id}"),
            Self::Ref(Ref::New(key)) => write!(f, "<{key}>"),
            Self::Refs(references) => {
                let each = references.iter().map(|one| Self::Ref(one.clone()).to_string());
                f.write_str(&each.collect::<Vec<_>>().join(", "))
            }
            Self::Json(json) => write!(f, "{json}"),
            Self::Set(names) => {
                write!(f, "{}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::Custom(values) => {
                let value = |(name, value): (&String, _)| format!("{name}={value}");
                write!(f, "{}", values.iter().map(value).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
