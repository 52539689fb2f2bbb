//! The way back: from what a run did to the plan that undoes it.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::is_stamp;
use super::{
    Action, Base, Existing, Fields, Kept, Key, Kind, Mode, Operation, Plan, Reason, Ref, Skipped,
    Stage, Value,
};
use crate::mirror::Mirror;
use crate::part::Part;

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was created.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// One operation that a run has carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// The object.
    pub key: Key,
    /// What people call it.
    pub label: String,
    /// Which part of the sync it belongs to.
    pub part: Part,
    /// What was done to it.
    pub deed: Deed,
    /// NetBox's id.
    pub id: i64,
    /// The fields as they were.
    pub before: Fields,
    /// The fields as they became.
    pub after: Fields,
}

/// All that a run did to one object.
struct History<'d> {
    last: &'d Did,
    deed: Deed,
    /// Fields as they were before the first change.
    before: Fields,
    /// Fields as they became with the last.
    after: Fields,
}

/// What has to be done so that NetBox is as it was before.
///
/// What somebody has changed since stays, and what others need by now is not deleted. That a field
/// was set back is remembered like an edit: the next run leaves it so until Proxmox says something
/// new. Tags, types, roles and custom fields stay: anybody may use them.
pub fn revert(done: &[Did], mirror: &Mirror, base: &Base) -> Plan {
    let histories = histories(done);
    let deleted = |deed| histories.iter().filter(move |(_, one)| one.deed == deed);
    let again = deleted(Deed::Deleted).map(|(object, one)| (*object, one.last.key.clone()));
    let mut way = Way { mirror, base, again: again.collect(), plan: Plan::default() };
    for (object, one) in &histories {
        match one.deed {
            Deed::Created => {}
            Deed::Updated => way.restore(*object, one),
            Deed::Deleted => way.create(*object, one),
        }
    }
    let created: Vec<_> =
        deleted(Deed::Created).filter(|(object, one)| way.may_go(**object, one)).collect();
    let going = way.without_needed(created.iter().map(|(object, _)| **object).collect());
    for (object, one) in created {
        match going.contains(object) {
            true => way.delete(*object, one),
            false => way.skip(one, "something that came later needs it"),
        }
    }
    way.restore_primaries();
    way.make_way();
    way.finish()
}

fn histories(done: &[Did]) -> BTreeMap<(Kind, i64), History<'_>> {
    let ids: BTreeMap<&Key, i64> = done.iter().map(|did| (&did.key, did.id)).collect();
    let mut histories: BTreeMap<(Kind, i64), History<'_>> = BTreeMap::new();
    for did in done {
        let history = histories.entry((did.key.kind, did.id)).or_insert_with(|| History {
            last: did,
            deed: did.deed,
            before: Fields::new(),
            after: Fields::new(),
        });
        history.last = did;
        if did.deed == Deed::Deleted {
            history.deed = Deed::Deleted;
        }
        for (name, value) in &did.before {
            history.before.get_or_insert_with(name, || value.clone());
        }
        for (name, value) in &did.after {
            history.before.get_or_insert_with(name, || Value::Null);
            let value = with_ids(value, &ids);
            match (history.after.get_mut(name), value) {
                (Some(Value::Custom(have)), Value::Custom(more)) => have.extend(more),
                (_, value) => {
                    history.after.insert(name, value);
                }
            }
        }
    }
    histories
}

/// References to what the run created, by the ids that it got.
fn with_ids(value: &Value, ids: &BTreeMap<&Key, i64>) -> Value {
    let id = |reference: &Ref| match reference {
        Ref::New(key) => ids.get(key).map_or_else(|| reference.clone(), |id| Ref::Id(*id)),
        Ref::Id(_) => reference.clone(),
    };
    match value {
        Value::Ref(reference) => Value::Ref(id(reference)),
        Value::Refs(references) => Value::Refs(references.iter().map(id).collect()),
        value => value.clone(),
    }
}

/// A way back in the making.
struct Way<'a> {
    mirror: &'a Mirror,
    base: &'a Base,
    /// Objects that are created again.
    again: BTreeMap<(Kind, i64), Key>,
    plan: Plan,
}

impl Way<'_> {
    /// Whether what the run created may be deleted, as far as it is looked at alone.
    fn may_go(&mut self, (kind, id): (Kind, i64), one: &History<'_>) -> bool {
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
    fn without_needed(&self, mut going: BTreeSet<(Kind, i64)>) -> BTreeSet<(Kind, i64)> {
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

    fn delete(&mut self, (kind, id): (Kind, i64), one: &History<'_>) {
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
    fn restore(&mut self, (kind, id): (Kind, i64), one: &History<'_>) {
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
    fn create(&mut self, (kind, _): (Kind, i64), one: &History<'_>) {
        let mut fields = Fields::new();
        for (name, was) in &one.before {
            let human = kind.field(name).is_none_or(|rule| rule.mode == Mode::Human);
            if human || *was == Value::Null {
                continue;
            }
            let Some(was) = self.now(kind, name, was, &one.before) else {
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
    fn restore_primaries(&mut self) {
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
    fn make_way(&mut self) {
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
        for (id, after) in released {
            let Some(machine) = self.mirror.get(Kind::VirtualMachine, id) else { continue };
            // Whoever keeps its name only gives it up where it gets another one, or goes.
            let renamed = self.plan.operations.iter().any(|one| match one.action {
                Action::Update(Ref::Id(other)) => other == id && one.after.contains_key("name"),
                Action::Delete(other) => other == id && one.key.kind == Kind::VirtualMachine,
                _ => false,
            });
            let after: Fields =
                after.into_iter().filter(|(name, _)| *name != "name" || renamed).collect();
            if after.is_empty() {
                continue;
            }
            let before = after.keys().filter_map(|name| machine.fields.get_key_value(name));
            let before = before.map(|(name, value)| (name, value.clone())).collect();
            let own = |one: &&Operation| {
                one.key.kind == Kind::VirtualMachine
                    && [Action::Update(Ref::Id(id)), Action::Delete(id)].contains(&one.action)
            };
            let key = self.plan.operations.iter().find(own).map(|one| one.key.clone());
            self.plan.operations.push(Operation {
                number: 0,
                stage: Stage::Release,
                part: Part::VirtualMachines,
                key: key.unwrap_or_else(|| Key::new(Kind::VirtualMachine, format!("#{id}"))),
                label: machine.text("name").to_owned(),
                action: Action::Update(Ref::Id(id)),
                before,
                after,
                base: Some(Fields::new()),
                reason: Reason::InTheWay,
            });
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

    fn skip(&mut self, one: &History<'_>, why: &str) {
        self.plan.skipped.push(Skipped { key: one.last.key.clone(), why: why.into() });
    }

    fn finish(mut self) -> Plan {
        self.plan.operations.sort_by(|a, b| (a.stage, &a.key).cmp(&(b.stage, &b.key)));
        for (number, operation) in self.plan.operations.iter_mut().enumerate() {
            operation.number = number;
        }
        self.plan.skipped.sort_by(|a, b| (&a.key, &a.why).cmp(&(&b.key, &b.why)));
        self.plan
    }
}

/// What becomes of a field on the way back.
enum Back {
    Set(Value),
    Edited,
    Same,
}

fn back(have: &Value, was: &Value, became: &Value) -> Back {
    match (have, was, became) {
        (Value::Set(have), was, Value::Set(became)) => {
            let nothing = BTreeSet::new();
            let was = if let Value::Set(was) = was { was } else { &nothing };
            let mut result: BTreeSet<String> = have.clone();
            result.retain(|one| !became.contains(one) || was.contains(one));
            result.extend(was.difference(became).cloned());
            if result == *have { Back::Same } else { Back::Set(Value::Set(result)) }
        }
        (Value::Custom(have), was, Value::Custom(became)) => {
            let mut result = BTreeMap::new();
            for (name, became) in became.iter().filter(|(name, _)| !is_stamp(name)) {
                let was = if let Value::Custom(was) = was { was.get(name) } else { None };
                let was = was.cloned().unwrap_or_default();
                if have.get(name).unwrap_or(&serde_json::Value::Null) == became && was != *became {
                    result.insert(name.clone(), was);
                }
            }
            if result.is_empty() { Back::Same } else { Back::Set(Value::Custom(result)) }
        }
        _ if have == was => Back::Same,
        _ if have == became => Back::Set(was.clone()),
        _ => Back::Edited,
    }
}

/// Whether an object still holds what was last written.
fn holds(existing: &Existing, ours: &Fields) -> bool {
    ours.iter().all(|(name, ours)| match (existing.fields.get(name), ours) {
        (Some(Value::Set(have)), Value::Set(ours)) => ours.is_subset(have),
        (Some(Value::Custom(have)), Value::Custom(ours)) => {
            let mut ours = ours.iter().filter(|(name, _)| !is_stamp(name));
            ours.all(|(name, ours)| have.get(name).unwrap_or(&serde_json::Value::Null) == ours)
        }
        (have, ours) => {
            let unset = super::merge::is_unset;
            have.map_or_else(|| unset(ours), |have| have == ours || (unset(have) && unset(ours)))
        }
    })
}

/// References to what comes later are set once it is there.
fn staged(kind: Kind, fields: Fields) -> Vec<(Stage, Fields)> {
    let (links, own): (Fields, Fields) =
        fields.into_iter().partition(|(name, _)| clears_itself(name));
    let stages = [(Stage::Write(kind), own), (Stage::Link(kind), links)];
    stages.into_iter().filter(|(_, fields)| !fields.is_empty()).collect()
}

/// References that NetBox clears when their object goes.
fn clears_itself(field: &str) -> bool {
    matches!(field, "primary_ip4" | "primary_ip6" | "primary_mac_address")
}

/// The kind of object that a field refers to, where such an object can be created and deleted.
fn target(kind: Kind, field: &str, beside: &Fields) -> Option<Kind> {
    Some(match field {
        "virtual_machine" => Kind::VirtualMachine,
        "device" => Kind::Device,
        "cluster" if matches!(kind, Kind::Device | Kind::VirtualMachine) => Kind::Cluster,
        "site" | "scope_id" => Kind::Site,
        "primary_ip4" | "primary_ip6" => Kind::IpAddress,
        "primary_mac_address" => Kind::MacAddress,
        "assigned_object_id" => match beside.get("assigned_object_type") {
            Some(Value::Text(model)) => Kind::from_model(model)?,
            _ => return None,
        },
        "untagged_vlan" => Kind::Vlan,
        "lag" | "bridge" | "parent" if kind == Kind::Interface => Kind::Interface,
        _ => return None,
    })
}
