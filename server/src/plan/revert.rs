//! The way back: from what a run did to the plan that undoes it.

mod fields;
mod way;

use std::collections::BTreeMap;

use super::{Base, Fields, Key, Kind, Plan, Ref, Value};
use crate::mirror::Mirror;
use crate::part::Part;
use way::Way;

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
    let mut way = Way::new(mirror, base, again.collect());
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
