//! A plan in the making: compares one object at a time and records what has to be done.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::budget;
use super::merge::{Merged, is_unset, merge};
use super::vocabulary::{OUR_TAG, VMID_FIELD};
use super::{
    Action, Base, DuplicateName, Existing, FieldRule, Fields, Kept, Key, Kind, Mode, Operation,
    Plan, Policy, Reason, Ref, Remembered, Shape, Skipped, Stage, SyncMode, Value,
};
use crate::mirror::Mirror;
use crate::part::Part;

/// An object as it should be.
pub(super) struct Wanted {
    pub(super) key: Key,
    /// What people call it.
    pub(super) label: String,
    /// The object in NetBox that it is.
    pub(super) found: Option<i64>,
    pub(super) fields: Fields,
    /// Fields of which this reading is not sure: for a new object only.
    pub(super) unsure: BTreeSet<&'static str>,
    /// Which part of the sync it belongs to.
    pub(super) part: Part,
    /// How far it is synced, if not as others of its kind.
    pub(super) mode: Option<SyncMode>,
}

impl Wanted {
    pub(super) fn new(key: Key, found: Option<i64>, fields: Fields) -> Self {
        let (label, part) = (key.path.clone(), key.kind.part());
        Self { key, label, found, fields, unsure: BTreeSet::new(), part, mode: None }
    }

    /// Moves it to another part than others of its kind.
    pub(super) fn in_part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    pub(super) fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
}

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) mirror: &'a Mirror,
    pub(super) policy: &'a Policy,
    pub(super) base: &'a Base,
    /// States by kind and by the object that they are beside.
    states: HashMap<(Kind, i64), i64>,
    plan: Plan,
}

impl<'a> Draft<'a> {
    pub(super) fn new(mirror: &'a Mirror, policy: &'a Policy, base: &'a Base) -> Self {
        let mut states = HashMap::new();
        for kind in Kind::ALL.iter().filter(|kind| kind.state_of().is_some()) {
            let Some(parent) = kind.fields().first() else { continue };
            for state in mirror.all(*kind) {
                if let Some(id) = state.reference(parent.name) {
                    states.insert((*kind, id), state.id);
                }
            }
        }
        Self { mirror, policy, base, states, plan: Plan::default() }
    }

    /// Whether a journal entry of an earlier run may be missing.
    pub(super) fn owes(&self, path: &str) -> bool {
        self.base.owes(path)
    }

    /// The state of this kind beside the object with this id.
    pub(super) fn state_of(&self, kind: Kind, parent: i64) -> Option<i64> {
        self.states.get(&(kind, parent)).copied()
    }

    /// Creates the object or makes it equal. None when policy forbids to create it.
    pub(super) fn settle(&mut self, wanted: Wanted) -> Option<Ref> {
        let kind = wanted.key.kind;
        if !self.mirror.knows(kind) {
            return None;
        }
        let general = self.policy.mode(kind, wanted.part);
        let mode = wanted.mode.map_or(general, |own| own.min(self.policy.part_mode(wanted.part)));
        let existing = wanted.found.and_then(|id| self.mirror.get(kind, id));
        match (existing, mode) {
            (None, SyncMode::Disabled) => None,
            (None, _) => {
                let key = wanted.key.clone();
                self.push(Operation {
                    number: 0,
                    stage: Stage::Write(kind),
                    part: wanted.part,
                    key: wanted.key,
                    label: wanted.label,
                    action: Action::Create,
                    before: Fields::new(),
                    after: present(wanted.fields),
                    base: None,
                    reason: Reason::Missing,
                });
                Some(Ref::New(key))
            }
            (Some(existing), SyncMode::Always) => {
                self.update(Stage::Write(kind), existing, wanted);
                Some(Ref::Id(existing.id))
            }
            (Some(existing), _) => {
                self.plan.unchanged.insert(wanted.key, existing.id);
                Some(Ref::Id(existing.id))
            }
        }
    }

    /// Sets fields that can only be set once other objects exist.
    pub(super) fn link(&mut self, target: &Ref, wanted: Wanted) {
        let kind = wanted.key.kind;
        let stage = Stage::Link(kind);
        match target {
            Ref::New(_) => self.push(Operation {
                number: 0,
                stage,
                part: wanted.part,
                key: wanted.key,
                label: wanted.label,
                action: Action::Update(target.clone()),
                before: Fields::new(),
                after: wanted.fields,
                base: None,
                reason: Reason::Linked,
            }),
            Ref::Id(id) if self.may_change(kind, wanted.part) => {
                if let Some(existing) = self.mirror.get(kind, *id) {
                    self.change(stage, existing, &wanted, Some(Reason::Linked));
                }
            }
            Ref::Id(_) => {}
        }
    }

    /// Whether existing objects of this kind may be changed.
    pub(super) fn may_change(&self, kind: Kind, part: Part) -> bool {
        self.policy.mode(kind, part) == SyncMode::Always
    }

    /// Records an operation that was worked out elsewhere.
    pub(super) fn push(&mut self, mut operation: Operation) {
        operation.label.shrink_to_fit();
        self.plan.operations.push(operation);
    }

    pub(super) fn skip(&mut self, key: Key, why: impl Into<String>) {
        self.plan.skipped.push(Skipped { key, why: why.into() });
    }

    /// Changes what differs, for a reason that the fields do not tell.
    pub(super) fn mark(&mut self, existing: &Existing, wanted: &Wanted, reason: Reason) {
        self.change(Stage::Write(wanted.key.kind), existing, wanted, Some(reason));
    }

    /// Notes that the guest of a machine is missing; for how many seconds it has been so far.
    pub(super) fn absent(&mut self, machine: i64) -> i64 {
        self.base.absent(machine).unwrap_or_else(|| {
            self.plan.absent.insert(machine);
            0
        })
    }

    /// Notes that the guest of a machine is there.
    pub(super) fn present(&mut self, machine: i64) {
        if self.base.absent(machine).is_some() {
            self.plan.returned.insert(machine);
        }
    }

    /// Notes how many nodes are behind an endpoint.
    pub(super) fn count_nodes(&mut self, endpoint: i64, nodes: usize) {
        if self.base.nodes(endpoint) != nodes {
            self.plan.nodes.insert(endpoint, nodes);
        }
    }

    pub(super) fn orphan(&mut self, key: Key, label: String) {
        self.plan.orphaned.insert(key, label);
    }

    pub(super) fn duplicate_name(&mut self, duplicate: DuplicateName) {
        self.plan.duplicate_names.push(duplicate);
    }

    fn update(&mut self, stage: Stage, existing: &Existing, wanted: Wanted) {
        if !self.change(stage, existing, &wanted, None) {
            self.remember(existing, &wanted);
            self.plan.unchanged.insert(wanted.key, existing.id);
        }
    }

    /// Objects that were never written by us are known from the first time that they agree.
    fn remember(&mut self, existing: &Existing, wanted: &Wanted) {
        let kind = wanted.key.kind;
        if self.base.has(kind, existing.id) {
            return;
        }
        let agrees = |(name, want): &(&'static str, &Value)| {
            existing.fields.get(name).is_some_and(|have| have == *want)
        };
        let fields = wanted.fields.iter().filter(agrees);
        let fields: Fields = fields.map(|(name, value)| (name, value.clone())).collect();
        if !fields.is_empty() {
            self.plan.remembered.push(Remembered { kind, id: existing.id, fields });
        }
    }

    /// Records what differs; false when nothing does.
    fn change(
        &mut self,
        stage: Stage,
        existing: &Existing,
        wanted: &Wanted,
        reason: Option<Reason>,
    ) -> bool {
        let kind = wanted.key.kind;
        let (mut before, mut after, mut ours) = (Fields::new(), Fields::new(), Fields::new());
        let mut base: Option<Option<Fields>> = None;
        for (name, value) in &wanted.fields {
            let Some(rule) = kind.field(name) else { continue };
            if wanted.unsure.contains(name) {
                continue;
            }
            let have = existing.fields.get(name).unwrap_or(&Value::Null);
            let want = self.ours_of(rule, value);
            if *have == want {
                continue;
            }
            let base = base.get_or_insert_with(|| self.base.fields(kind, existing.id));
            let last = base.as_ref().and_then(|base| base.get(name));
            match merge(rule, self.mode_of(rule), have, &want, last) {
                Merged::Unchanged => {}
                Merged::Kept => self.plan.kept.push(edit(wanted, rule, have, want)),
                Merged::Write(changed) => {
                    before.insert(rule.name, have.clone());
                    after.insert(rule.name, changed);
                    ours.insert(rule.name, want);
                }
                Merged::Overruled(changed) => {
                    self.plan.overruled.push(edit(wanted, rule, have, changed.clone()));
                    before.insert(rule.name, have.clone());
                    after.insert(rule.name, changed);
                    ours.insert(rule.name, want);
                }
            }
        }
        if after.is_empty() {
            return false;
        }
        stamp(kind, &wanted.fields, &mut after);
        let reason = reason.unwrap_or_else(|| reason_for(kind, existing, &after));
        let (key, label, part) = (wanted.key.clone(), wanted.label.clone(), wanted.part);
        let action = Action::Update(Ref::Id(existing.id));
        let base = Some(ours);
        self.push(Operation {
            number: 0,
            stage,
            part,
            key,
            label,
            action,
            before,
            after,
            base,
            reason,
        });
        true
    }

    /// What of the wanted value is ours to compare: of custom fields that are left to people only
    /// the vmid, without which a guest is lost.
    fn ours_of(&self, rule: &FieldRule, value: &Value) -> Value {
        match value {
            Value::Custom(values) if self.policy.owner(rule) == Mode::Seed => {
                let vmid = values.get_key_value(VMID_FIELD);
                let vmid = vmid.map(|(name, value)| (name.clone(), value.clone()));
                Value::Custom(vmid.into_iter().collect())
            }
            value => without_stamps(value),
        }
    }

    fn mode_of(&self, rule: &FieldRule) -> Mode {
        match rule.shape {
            Shape::Custom => rule.mode,
            _ => self.policy.owner(rule),
        }
    }

    /// The finished plan, sorted by stage.
    pub(super) fn finish(self) -> Plan {
        let mut plan = self.plan;
        // An object that only gets a reference is changed nevertheless.
        for operation in &plan.operations {
            plan.unchanged.remove(&operation.key);
        }
        budget::hold_back(&mut plan, self.policy.allow_deletes);
        plan.put_in_order();
        plan
    }
}

/// A field that somebody edited.
fn edit(wanted: &Wanted, rule: &FieldRule, have: &Value, want: Value) -> Kept {
    let (key, label) = (wanted.key.clone(), wanted.label.clone());
    Kept { key, label, field: rule.name, have: have.clone(), want }
}

/// A new object's fields, without those that are not set.
fn present(fields: Fields) -> Fields {
    fields.into_iter().filter(|(_, value)| !is_unset(value)).collect()
}

/// Custom fields that say when and by which run: no reason to write an object.
pub(super) fn is_stamp(name: &str) -> bool {
    matches!(name, "proxmox_last_updated" | "proxbox_last_run_id")
}

/// The value without what is no reason to write it.
fn without_stamps(value: &Value) -> Value {
    match value {
        Value::Custom(values) => {
            let lasting = values.iter().filter(|(name, _)| !is_stamp(name));
            Value::Custom(lasting.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        value => value.clone(),
    }
}

/// Adds to a change when and by which run it is made.
fn stamp(kind: Kind, wanted: &Fields, after: &mut Fields) {
    for (name, value) in wanted {
        match (kind.field(name).map(|rule| rule.mode), value) {
            (Some(Mode::Stamp), value) if is_unset(value) => {}
            (Some(Mode::Stamp), _) => {
                after.insert(name, value.clone());
            }
            (_, Value::Custom(values)) => {
                let stamps = values.iter().filter(|(name, _)| is_stamp(name));
                let stamps: BTreeMap<_, _> =
                    stamps.map(|(name, value)| (name.clone(), value.clone())).collect();
                if stamps.is_empty() {
                    continue;
                }
                match after.get_or_insert_with(name, || Value::Custom(BTreeMap::new())) {
                    Value::Custom(changed) => changed.extend(stamps),
                    _ => continue,
                }
            }
            _ => {}
        }
    }
}

/// Names the change by the field that says most.
fn reason_for(kind: Kind, existing: &Existing, after: &Fields) -> Reason {
    let marks = matches!(after.get("tags"), Some(Value::Set(tags)) if tags.contains(OUR_TAG));
    if marks && !existing.has_tag(OUR_TAG) {
        Reason::Adopted
    } else if kind == Kind::VirtualMachine && after.contains_key("name") {
        Reason::Renamed
    } else if kind == Kind::VirtualMachine && after.contains_key("device") {
        Reason::Migrated
    } else if kind == Kind::IpAddress && after.contains_key("assigned_object_id") {
        Reason::Moved
    } else {
        Reason::Changed
    }
}
