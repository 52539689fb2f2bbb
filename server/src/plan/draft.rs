//! A plan in the making: compares one object at a time and records what has to be done.

use std::collections::BTreeSet;

use super::vocabulary::OUR_TAG;
use super::{
    Action, DuplicateName, Existing, FieldRule, Fields, Key, Kind, Mode, Operation, Plan, Policy,
    Reason, Ref, Skipped, Stage, SyncMode, Value,
};
use crate::mirror::Mirror;

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
    /// How far it is synced, if not as others of its kind.
    pub(super) mode: Option<SyncMode>,
}

impl Wanted {
    pub(super) fn new(key: Key, found: Option<i64>, fields: Fields) -> Self {
        let label = key.path.clone();
        Self { key, label, found, fields, unsure: BTreeSet::new(), mode: None }
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
    plan: Plan,
}

impl<'a> Draft<'a> {
    pub(super) fn new(mirror: &'a Mirror, policy: &'a Policy) -> Self {
        Self { mirror, policy, plan: Plan::default() }
    }

    /// Creates the object or makes it equal. None when policy forbids to create it.
    pub(super) fn settle(&mut self, wanted: Wanted) -> Option<Ref> {
        let kind = wanted.key.kind;
        let mode = wanted.mode.unwrap_or_else(|| self.policy.mode(kind));
        let existing = wanted.found.and_then(|id| self.mirror.get(kind, id));
        match (existing, mode) {
            (None, SyncMode::Disabled) => None,
            (None, _) => {
                let key = wanted.key.clone();
                self.push(Operation {
                    stage: Stage::Write(kind),
                    key: wanted.key,
                    label: wanted.label,
                    action: Action::Create,
                    before: Fields::new(),
                    after: present(wanted.fields),
                    reason: Reason::Missing,
                });
                Some(Ref::New(key))
            }
            (Some(existing), SyncMode::Always) => {
                self.update(Stage::Write(kind), existing, wanted);
                Some(Ref::Id(existing.id))
            }
            (Some(existing), _) => {
                self.plan.unchanged.insert(wanted.key);
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
                stage,
                key: wanted.key,
                label: wanted.label,
                action: Action::Update(target.clone()),
                before: Fields::new(),
                after: wanted.fields,
                reason: Reason::Linked,
            }),
            Ref::Id(id) if self.policy.mode(kind) == SyncMode::Always => {
                if let Some(existing) = self.mirror.get(kind, *id) {
                    self.change(stage, existing, &wanted, Some(Reason::Linked));
                }
            }
            Ref::Id(_) => {}
        }
    }

    /// Whether existing objects of this kind may be changed.
    pub(super) fn may_change(&self, kind: Kind) -> bool {
        self.policy.mode(kind) == SyncMode::Always
    }

    /// Records an operation that was worked out elsewhere.
    pub(super) fn push(&mut self, operation: Operation) {
        self.plan.operations.push(operation);
    }

    pub(super) fn skip(&mut self, key: Key, why: impl Into<String>) {
        self.plan.skipped.push(Skipped { key, why: why.into() });
    }

    pub(super) fn orphan(&mut self, key: Key) {
        self.plan.orphaned.push(key);
    }

    pub(super) fn duplicate_name(&mut self, duplicate: DuplicateName) {
        self.plan.duplicate_names.push(duplicate);
    }

    fn update(&mut self, stage: Stage, existing: &Existing, wanted: Wanted) {
        if !self.change(stage, existing, &wanted, None) {
            self.plan.unchanged.insert(wanted.key);
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
        let (mut before, mut after) = (Fields::new(), Fields::new());
        for (name, value) in &wanted.fields {
            let Some(rule) = kind.field(name) else { continue };
            let have = existing.fields.get(name).unwrap_or(&Value::Null);
            if wanted.unsure.contains(name) {
                continue;
            }
            if let Some(value) = correction(rule, self.policy.owner(rule), have, value) {
                before.insert(rule.name, have.clone());
                after.insert(rule.name, value);
            }
        }
        if after.is_empty() {
            return false;
        }
        let reason = reason.unwrap_or_else(|| reason_for(kind, existing, &after));
        let (key, label) = (wanted.key.clone(), wanted.label.clone());
        let action = Action::Update(Ref::Id(existing.id));
        self.push(Operation { stage, key, label, action, before, after, reason });
        true
    }

    /// The finished plan, sorted by stage.
    pub(super) fn finish(self) -> Plan {
        let mut plan = self.plan;
        // An object that only gets a reference is changed nevertheless.
        for operation in &plan.operations {
            plan.unchanged.remove(&operation.key);
        }
        plan.operations.sort_by(|a, b| (a.stage, &a.key).cmp(&(b.stage, &b.key)));
        plan.orphaned.sort();
        plan.skipped.sort_by(|a, b| (&a.key, &a.why).cmp(&(&b.key, &b.why)));
        plan
    }
}

/// A new object's fields, without those that are not set.
fn present(fields: Fields) -> Fields {
    fields.into_iter().filter(|(_, value)| !is_unset(value)).collect()
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// What to write so that the field is as it should be; none when it is, or is not ours.
fn correction(rule: &FieldRule, mode: Mode, have: &Value, want: &Value) -> Option<Value> {
    let ours = match mode {
        Mode::Seed | Mode::Human => false,
        Mode::Marked(mark) => matches!(have, Value::Text(text) if text.starts_with(mark)),
        Mode::Owned | Mode::Union => true,
    };
    if !ours || have == want || (is_unset(have) && is_unset(want)) {
        return None;
    }
    match (mode, have, want) {
        (Mode::Union, Value::Set(have), Value::Set(want)) => {
            (!want.is_subset(have)).then(|| Value::Set(have | want))
        }
        (_, Value::Custom(have), Value::Custom(want)) => {
            let differs = |(name, value): &(&String, &_)| have.get(*name) != Some(*value);
            let differing = want.iter().filter(differs);
            let differing = differing.map(|(name, value)| (name.clone(), value.clone())).collect();
            let value = Value::Custom(differing);
            (value != Value::Custom(Default::default())).then_some(value)
        }
        _ => {
            debug_assert!(mode != Mode::Union || is_unset(have), "{} is no set", rule.name);
            Some(want.clone())
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
