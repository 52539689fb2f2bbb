//! What NetBox holds, as far as the planner looks at it, indexed in memory.

mod narrow;
mod need;
mod normalize;
mod read;

use std::collections::{BTreeMap, HashMap};

use crate::plan::{Existing, Kind};
pub use normalize::existing;
pub use read::{read_around, read_base, read_kind, read_notes, read_rest, read_versions, vmids};

/// The part of NetBox that a plan is made against.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mirror {
    objects: BTreeMap<Kind, BTreeMap<i64, Existing>>,
    /// Kinds that this NetBox does not have.
    pub absent: Vec<Kind>,
}

impl Mirror {
    /// Adds or replaces an object.
    pub fn insert(&mut self, kind: Kind, object: Existing) {
        self.objects.entry(kind).or_default().insert(object.id, object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, kind: Kind, id: i64) -> Option<Existing> {
        self.objects.get_mut(&kind)?.remove(&id)
    }

    /// All objects of a kind, by id.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Existing> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// One object.
    pub fn get(&self, kind: Kind, id: i64) -> Option<&Existing> {
        self.objects.get(&kind)?.get(&id)
    }

    /// Whether this NetBox has objects of this kind at all.
    pub fn knows(&self, kind: Kind) -> bool {
        !self.absent.contains(&kind)
    }

    /// The oldest object whose field holds this text, in any case.
    pub fn find(&self, kind: Kind, field: &str, text: &str) -> Option<&Existing> {
        let wanted = text.to_lowercase();
        self.all(kind).find(|object| object.text(field).to_lowercase() == wanted)
    }

    /// Objects by the object that they refer to; the oldest where several do.
    pub fn by_reference(&self, kind: Kind, field: &str) -> HashMap<i64, i64> {
        let mut found = HashMap::new();
        for object in self.all(kind) {
            if let Some(id) = object.reference(field) {
                found.entry(id).or_insert(object.id);
            }
        }
        found
    }

    /// Objects by parent and name; the oldest where a name comes twice.
    pub fn children(&self, kind: Kind, parent: &str) -> BTreeMap<(i64, &str), i64> {
        let mut children = BTreeMap::new();
        for object in self.all(kind) {
            if let Some(parent) = object.reference(parent) {
                children.entry((parent, object.text("name"))).or_insert(object.id);
            }
        }
        children
    }
}
