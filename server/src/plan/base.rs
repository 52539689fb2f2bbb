//! What the sync last wrote into each object, so that an edit can be told from a change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::{Fields, Kind, document};

/// The last written fields of objects, as they are stored: read only for objects that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    rows: HashMap<(Kind, i64), Box<str>>,
    /// Paths of journal entries that a run meant to write and perhaps did not.
    owed: BTreeSet<String>,
    /// For how many seconds guests have been missing, by the ids of their machines.
    absent: BTreeMap<i64, i64>,
    /// How many nodes were seen behind each endpoint the last time.
    nodes: BTreeMap<i64, usize>,
}

impl Base {
    /// Whether anything is known of an object.
    pub fn has(&self, kind: Kind, id: i64) -> bool {
        self.rows.contains_key(&(kind, id))
    }

    /// The fields last written into an object.
    pub fn fields(&self, kind: Kind, id: i64) -> Option<Fields> {
        let text = self.rows.get(&(kind, id))?;
        let members: Map<String, Json> = serde_json::from_str(text).ok()?;
        Some(document::fields_from_json(kind, &members))
    }

    /// Whether a journal entry is owed: a run meant to write it, and it is not known whether it did.
    pub fn owes(&self, path: &str) -> bool {
        self.owed.contains(path)
    }

    /// Whether any journal entry is owed.
    pub fn owes_any(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Notes that a journal entry is owed.
    pub fn owe(&mut self, path: String) {
        self.owed.insert(path);
    }

    /// For how many seconds the guest of a machine has been missing; none when it was seen last time.
    pub fn absent(&self, machine: i64) -> Option<i64> {
        self.absent.get(&machine).copied()
    }

    /// Notes that the guest of a machine has been missing for so many seconds.
    pub fn miss(&mut self, machine: i64, seconds: i64) {
        self.absent.insert(machine, seconds);
    }

    /// How many nodes were seen behind an endpoint the last time that everything was seen.
    pub fn nodes(&self, endpoint: i64) -> usize {
        self.nodes.get(&endpoint).copied().unwrap_or_default()
    }

    /// Notes how many nodes were seen behind an endpoint.
    pub fn count_nodes(&mut self, endpoint: i64, nodes: usize) {
        self.nodes.insert(endpoint, nodes);
    }

    /// Takes an object's fields as they are stored.
    pub fn insert(&mut self, kind: Kind, id: i64, stored: impl Into<Box<str>>) {
        self.rows.insert((kind, id), stored.into());
    }

    /// Adds fields that were written; the text to store.
    pub fn merge(&mut self, kind: Kind, id: i64, written: &Fields) -> String {
        let mut fields = self.fields(kind, id).unwrap_or_default();
        for (name, value) in written {
            match (fields.get_mut(name), value) {
                (Some(super::Value::Custom(have)), super::Value::Custom(more)) => {
                    have.extend(more.clone());
                }
                _ => {
                    fields.insert(name, value.clone());
                }
            }
        }
        let text = Json::Object(document::fields_to_json(&fields)).to_string();
        self.insert(kind, id, text.as_str());
        text
    }

    /// Forgets an object.
    pub fn remove(&mut self, kind: Kind, id: i64) {
        self.rows.remove(&(kind, id));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ref, Value};
    use super::*;

    #[test]
    fn what_was_written_is_read_back_as_it_was() {
        let mut base = Base::default();
        let fields = Fields::from([
            ("name", "web".into()),
            ("memory", Value::Int(2048)),
            ("vcpus", Value::Hundredths(150)),
            ("cluster", Ref::Id(3).into()),
            ("tags", Value::Set(BTreeSet::from(["a".to_owned()]).into())),
            ("custom_fields", Value::Custom([("proxmox_vm_id".to_owned(), 100.into())].into())),
        ]);
        base.merge(Kind::VirtualMachine, 7, &fields);
        assert_eq!(base.fields(Kind::VirtualMachine, 7), Some(fields));
        base.merge(Kind::VirtualMachine, 7, &Fields::from([("name", "db".into())]));
        let fields = base.fields(Kind::VirtualMachine, 7).unwrap();
        assert_eq!((&fields["name"], fields.len()), (&"db".into(), 6));
    }
}
