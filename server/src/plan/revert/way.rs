//! The plan that takes a run back, in the making.

use std::collections::{BTreeMap, BTreeSet};

use super::History;
use super::fields::{Back, back, clears_itself, holds, staged, target};
use crate::mirror::Mirror;
use crate::part::Part;
use crate::plan::{
    Action, Base, Did, Existing, Fields, Kept, Key, Kind, Mode, Operation, Plan, Reason, Ref,
    Skipped, Stage, Value,
};

/// A way back in the making.
pub(super) struct Way<'a> {
    mirror: &'a Mirror,
    base: &'a Base,
    /// Objects that are created again.
    again: BTreeMap<(Kind, i64), Key>,
    plan: Plan,
}

impl<'a> Way<'a> {
    pub(super) fn new(
        mirror: &'a Mirror,
        base: &'a Base,
        again: BTreeMap<(Kind, i64), Key>,
    ) -> Self {
        Self { mirror, base, again, plan: Plan::default() }
    }

    /// Whether what the run created may be deleted, as far as it is looked at alone.
    pub(super) fn may_go(&mut self, (kind, id): (Kind, i64), one: &History<'_>) -> bool {
        let Some(existing) = self.mirror.get(kind, id) else { return false };
        let edited = self.base.fields(kind, id).is_some_and(|ours| !holds(existing, &ours));
        if kind.part() == Part::Bootstrap {
            self.skip(one, "stays, since anybody may use it");
        } else if edited {
            self.skip(one, "was edited since, and stays");
        }
        kind.part() != Part::Bootstrap && !edited
    }

    /// The objects that nothing needs but such as go too, or refer to something else from now on.
    pub(super) fn without_needed(&self, mut going: BTreeSet<(Kind, i64)>) -> BTreeSet<(Kind, i64)> {
        let mut turned = BTreeSet::new();
        for one in &self.plan.operations {
            if let Action::Update(Ref::Id(id)) = one.action {
                turned.extend(one.after.keys().map(|name| (one.key.kind, id, name)));
            }
        }
        let mut needs = Vec::new();
        for kind in Kind::ALL {
            for object in self.mirror.all(*kind) {
                let targets = object.fields.iter().filter_map(|(name, value)| match value {
                    Value::Ref(Ref::Id(id)) => {
                        let target = target(*kind, name, &object.fields)?;
                        let turns = turned.contains(&(*kind, object.id, name));
                        (!turns && !clears_itself(name)).then_some((target, *id))
                    }
                    _ => None,
                });
                needs.extend(targets.map(|target| ((*kind, object.id), target)));
            }
        }
        loop {
            let needed: BTreeSet<_> =
                needs.iter().filter(|(by, _)| !going.contains(by)).map(|(_, what)| *what).collect();
            let count = going.len();
            going.retain(|object| !needed.contains(object));
            if going.len() == count {
                return going;
            }
        }
    }

    pub(super) fn delete(&mut self, (kind, id): (Kind, i64), one: &History<'_>) {
        let Some(existing) = self.mirror.get(kind, id) else { return };
        if kind == Kind::Interface && existing.reference("parent").is_some() {
            // NetBox deletes none that another one rides on, not even together with that one.
            let nothing = Fields::from([("parent", Value::Null)]);
            let target = Action::Update(Ref::Id(id));
            let base = Some(Fields::new());
            self.push(one, Stage::Link(kind), target, Fields::new(), nothing, base);
        }
        let before = existing.fields.clone();
        self.push(one, Stage::Remove(kind), Action::Delete(id), before, Fields::new(), None);
    }

    /// Sets the fields back that are as the run left them.
    pub(super) fn restore(&mut self, (kind, id): (Kind, i64), one: &History<'_>) {
        let Some(existing) = self.mirror.get(kind, id) else {
            return self.skip(one, "is not in NetBox any more");
        };
        let (mut before, mut after) = (Fields::new(), Fields::new());
        let mut beside = existing.fields.clone();
        beside.extend(one.before.clone());
        for (name, was) in &one.before {
            let (Some(rule), Some(became)) = (kind.field(name), one.after.get(name)) else {
                continue;
            };
            if matches!(rule.mode, Mode::Human | Mode::Stamp) {
                continue;
            }
            let have = existing.fields.get(name).unwrap_or(&Value::Null);
            let Some(was) = self.now(kind, name, was, &beside) else {
                self.skip(one, "refers to something that is gone, and stays as it is");
                continue;
            };
            match back(have, &was, became) {
                Back::Set(value) => {
                    before.insert(rule.name, have.clone());
                    after.insert(rule.name, value);
                }
                Back::Edited => self.plan.kept.push(Kept {
                    key: one.last.key.clone(),
                    label: one.last.label.clone(),
                    field: rule.name,
                    have: have.clone(),
                    want: was,
                }),
                Back::Same => {}
            }
        }
        for (stage, after) in staged(kind, after) {
            let before = before.iter().filter(|(name, _)| after.contains_key(name));
            let before = before.map(|(name, value)| (name, value.clone())).collect();
            let target = Action::Update(Ref::Id(id));
            // What was last written stays known, so that this counts as an edit.
            self.push(one, stage, target, before, after, Some(Fields::new()));
        }
    }

    /// Creates what the run deleted, with the fields that it had.
    pub(super) fn create(&mut self, (kind, _): (Kind, i64), one: &History<'_>) {
        let mut fields = Fields::new();
        for (name, was) in &one.before {
            let human = kind.field(name).is_none_or(|rule| rule.mode == Mode::Human);
            if human || *was == Value::Null {
                continue;
            }
            let Some(was) = self.now(kind, name, was, &one.before) else {
                if kind.can_do_without(name) || clears_itself(name) {
                    continue;
                }
                self.again.remove(&(kind, one.last.id));
                return self.skip(one, "belongs to something that is gone");
            };
            fields.insert(name, was);
        }
        let identity: Vec<_> =
            kind.identity().iter().filter_map(|name| fields.get_key_value(name)).collect();
        let same = |object: &Existing| {
            identity.iter().all(|(name, value)| object.fields.get(name) == Some(*value))
        };
        if self.mirror.all(kind).any(same) {
            self.again.remove(&(kind, one.last.id));
            return self.skip(one, "is in NetBox again");
        }
        for (stage, after) in staged(kind, fields) {
            let action = match stage {
                Stage::Link(_) => Action::Update(Ref::New(one.last.key.clone())),
                _ => Action::Create,
            };
            self.push(one, stage, action, Fields::new(), after, None);
        }
    }

    /// NetBox cleared the primary addresses that the run deleted; those that were ours come back.
    pub(super) fn restore_primaries(&mut self) {
        for machine in self.mirror.all(Kind::VirtualMachine) {
            let Some(last) = self.base.fields(Kind::VirtualMachine, machine.id) else { continue };
            for family in ["primary_ip4", "primary_ip6"] {
                let (Some(Value::Ref(Ref::Id(id))), None) =
                    (last.get(family), machine.reference(family))
                else {
                    continue;
                };
                let Some(address) = self.again.get(&(Kind::IpAddress, *id)) else { continue };
                let key = address.clone();
                self.plan.operations.push(Operation {
                    number: 0,
                    stage: Stage::Link(Kind::VirtualMachine),
                    part: Part::IpAddresses,
                    key: Key::new(
                        Kind::VirtualMachine,
                        address.path.rsplitn(3, '/').last().unwrap_or_default(),
                    ),
                    label: machine.text("name").to_owned(),
                    action: Action::Update(Ref::Id(machine.id)),
                    before: Fields::new(),
                    after: Fields::from([(family, Ref::New(key).into())]),
                    base: None,
                    reason: Reason::Reverted,
                });
            }
        }
    }

    /// A value with references to what is created again; none where what it refers to is gone.
    fn now(&self, kind: Kind, name: &str, value: &Value, beside: &Fields) -> Option<Value> {
        let Value::Ref(Ref::Id(id)) = value else { return Some(value.clone()) };
        let Some(target) = target(kind, name, beside) else { return Some(value.clone()) };
        match self.again.get(&(target, *id)) {
            Some(key) => Some(Ref::New(key.clone()).into()),
            None => self.mirror.get(target, *id).map(|_| value.clone()),
        }
    }

    /// NetBox checks row by row: a name that somebody still has, and an address that is still the
    /// primary one of another machine, are let go of first.
    pub(super) fn make_way(&mut self) {
        for (id, after) in self.in_the_way() {
            let own = |one: &&Operation| {
                one.key.kind == Kind::VirtualMachine
                    && [Action::Update(Ref::Id(id)), Action::Delete(id)].contains(&one.action)
            };
            let own = self.plan.operations.iter().filter(own);
            // Whoever keeps its name only gives it up where it gets another one, or goes.
            let renames = |one: &Operation| {
                matches!(one.action, Action::Delete(_)) || one.after.contains_key("name")
            };
            let gives_up = own.clone().any(renames);
            let key = own.clone().next().map(|one| one.key.clone());
            let after: Fields =
                after.into_iter().filter(|(name, _)| *name != "name" || gives_up).collect();
            let key = key.unwrap_or_else(|| Key::new(Kind::VirtualMachine, format!("#{id}")));
            self.release(id, key, after);
        }
    }

    /// Names and primary addresses that machines hold and that others get.
    fn in_the_way(&self) -> BTreeMap<i64, Fields> {
        let mut released: BTreeMap<i64, Fields> = BTreeMap::new();
        for one in &self.plan.operations {
            let Action::Update(Ref::Id(id)) = one.action else { continue };
            let machines = self.mirror.all(Kind::VirtualMachine);
            match one.key.kind {
                Kind::VirtualMachine => {
                    let Some(Value::Text(name)) = one.after.get("name") else { continue };
                    let holds = |other: &&Existing| {
                        other.id != id && other.text("name").eq_ignore_ascii_case(name)
                    };
                    for holder in machines.filter(holds) {
                        let free = format!("proxbox-rename-{}", holder.id).into();
                        released.entry(holder.id).or_default().insert("name", free);
                    }
                }
                Kind::IpAddress if one.after.contains_key("assigned_object_id") => {
                    let next = self.machine_of(one.after.get("assigned_object_id"));
                    for machine in machines.filter(|machine| next != Some(machine.id)) {
                        for family in ["primary_ip4", "primary_ip6"] {
                            if machine.reference(family) == Some(id) {
                                let fields = released.entry(machine.id).or_default();
                                fields.insert(family, Value::Null);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        released
    }

    fn release(&mut self, id: i64, key: Key, after: Fields) {
        let Some(machine) = self.mirror.get(Kind::VirtualMachine, id) else { return };
        if after.is_empty() {
            return;
        }
        let before = after.keys().filter_map(|name| machine.fields.get_key_value(name));
        let before = before.map(|(name, value)| (name, value.clone())).collect();
        self.plan.operations.push(Operation {
            number: 0,
            stage: Stage::Release,
            part: Part::VirtualMachines,
            key,
            label: machine.text("name").to_owned(),
            action: Action::Update(Ref::Id(id)),
            before,
            after,
            base: Some(Fields::new()),
            reason: Reason::InTheWay,
        });
    }

    /// References to what was to be created again and is not.
    fn forget_what_is_not_made(&mut self) {
        let again: BTreeSet<Key> = self.again.values().cloned().collect();
        let is_there = |_: &'static str, value: &Value| match value {
            Value::Ref(Ref::New(key)) => again.contains(key),
            _ => true,
        };
        let mut empty = Vec::new();
        for (place, one) in self.plan.operations.iter_mut().enumerate() {
            let count = one.after.len();
            one.after.retain(is_there);
            if one.after.is_empty() && count > 0 {
                empty.push(place);
            }
        }
        for place in empty.into_iter().rev() {
            self.plan.operations.remove(place);
        }
    }

    /// The machine of an interface that NetBox has, or that is created again on one that it has.
    fn machine_of(&self, interface: Option<&Value>) -> Option<i64> {
        let Some(Value::Ref(interface)) = interface else { return None };
        let fields = match interface {
            Ref::Id(id) => &self.mirror.get(Kind::VmInterface, *id)?.fields,
            Ref::New(key) => &self.plan.operations.iter().find(|one| one.key == *key)?.after,
        };
        match fields.get("virtual_machine") {
            Some(Value::Ref(machine)) => machine.id(),
            _ => None,
        }
    }

    fn push(
        &mut self,
        one: &History<'_>,
        stage: Stage,
        action: Action,
        before: Fields,
        after: Fields,
        base: Option<Fields>,
    ) {
        let Did { key, label, part, .. } = one.last.clone();
        let reason = Reason::Reverted;
        let number = 0;
        self.plan.operations.push(Operation {
            number,
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
    }

    pub(super) fn skip(&mut self, one: &History<'_>, why: &str) {
        self.plan.skipped.push(Skipped { key: one.last.key.clone(), why: why.into() });
    }

    pub(super) fn finish(mut self) -> Plan {
        self.forget_what_is_not_made();
        self.plan.put_in_order();
        self.plan
    }
}
