//! The stored objects, with what finds them quickly, and a way back for what fails half-way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::model::{Deletion, Model, models};
use super::unique;

/// A stored object: references as ids, choices as values, tags as ids.
pub(super) type Row = Map<String, Value>;

/// The objects of one collection.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<i64, Row>,
    last: i64,
    /// For each rule of uniqueness, who has which values.
    pub(super) unique: Vec<HashMap<String, i64>>,
    /// For each referring field, who refers to what.
    links: HashMap<&'static str, HashMap<String, BTreeSet<i64>>>,
}

/// Everything a NetBox stores.
#[derive(Debug)]
pub(super) struct State {
    pub(super) url: String,
    pub(super) max_page: usize,
    /// Who sent the request that is answered, and its own id.
    pub(super) user: i64,
    pub(super) request_id: String,
    /// Whether netbox-proxbox is installed.
    pub(super) plugin: bool,
    /// What each user has set.
    pub(super) preferences: BTreeMap<i64, Value>,
    tables: BTreeMap<&'static str, Table>,
    undo: Vec<(&'static str, i64, Option<Row>)>,
    now: Timestamp,
}

impl State {
    pub(super) fn new(url: String) -> Self {
        let table = |model: &Model| {
            let table = Table {
                unique: model.unique.iter().map(|_| HashMap::new()).collect(),
                ..Table::default()
            };
            (model.path, table)
        };
        Self {
            url,
            max_page: 1000,
            user: 1,
            request_id: String::new(),
            plugin: false,
            preferences: BTreeMap::new(),
            tables: models().all().map(table).collect(),
            undo: Vec::new(),
            now: Timestamp::now(),
        }
    }

    /// The models that are installed.
    pub(super) fn models(&self) -> impl Iterator<Item = &'static Model> {
        models().all().filter(|model| self.plugin || !model.is_plugins())
    }

    /// The model of a collection that is installed.
    pub(super) fn model(&self, path: &str) -> Option<&'static Model> {
        models().get(path).filter(|model| self.plugin || !model.is_plugins())
    }

    pub(super) fn table(&self, path: &str) -> Option<&Table> {
        self.tables.get(path)
    }

    pub(super) fn row(&self, path: &str, id: i64) -> Option<&Row> {
        self.table(path)?.rows.get(&id)
    }

    /// Who refers to `target` by `field`.
    pub(super) fn referrers(&self, path: &str, field: &str, target: &str) -> Vec<i64> {
        let links = self.table(path).and_then(|table| table.links.get(field));
        let ids = links.and_then(|links| links.get(target));
        ids.map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    pub(super) fn count_referrers(&self, path: &str, field: &str, target: &str) -> usize {
        let links = self.table(path).and_then(|table| table.links.get(field));
        links.and_then(|links| links.get(target)).map_or(0, BTreeSet::len)
    }

    /// A time later than all before it: ETags are made of times.
    pub(super) fn tick(&mut self) -> String {
        let step = jiff::SignedDuration::from_micros(1);
        let next = self.now.checked_add(step).unwrap_or(self.now);
        self.now = Timestamp::now().max(next);
        format!("{:.6}", self.now)
    }

    /// The next id of a collection. Ids are not given twice, not even after a failure.
    pub(super) fn next_id(&mut self, path: &'static str) -> i64 {
        let table = self.tables.entry(path).or_default();
        table.last += 1;
        table.last
    }

    /// The last id that was given.
    pub(super) fn last_id(&self, path: &str) -> i64 {
        self.table(path).map_or(0, |table| table.last)
    }

    /// Takes an id that somebody else gave.
    pub(super) fn claim(&mut self, path: &'static str, id: i64) {
        let table = self.tables.entry(path).or_default();
        table.last = table.last.max(id);
    }

    /// Stores an object in place of what was there.
    pub(super) fn put(&mut self, path: &'static str, id: i64, row: Row) {
        let before = self.replace(path, id, Some(row));
        self.undo.push((path, id, before));
    }

    pub(super) fn remove(&mut self, path: &'static str, id: i64) {
        let before = self.replace(path, id, None);
        self.undo.push((path, id, before));
    }

    /// Keeps everything since the last commit.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
    }

    /// Forgets everything since the last commit.
    pub(super) fn rollback(&mut self) {
        while let Some((path, id, before)) = self.undo.pop() {
            self.replace(path, id, before);
        }
    }

    fn replace(&mut self, path: &'static str, id: i64, row: Option<Row>) -> Option<Row> {
        let model = models().get(path)?;
        let table = self.tables.get_mut(path)?;
        let before = table.rows.remove(&id);
        if let Some(before) = &before {
            table.forget(model, id, before);
        }
        if let Some(row) = row {
            table.remember(model, id, &row);
            table.rows.insert(id, row);
        }
        before
    }
}

impl Table {
    fn remember(&mut self, model: &'static Model, id: i64, row: &Row) {
        for (rule, known) in model.unique.iter().zip(&mut self.unique) {
            if let Some(key) = unique::key(rule, row) {
                known.insert(key, id);
            }
        }
        for (field, target) in targets(model, row) {
            self.links.entry(field).or_default().entry(target).or_default().insert(id);
        }
    }

    fn forget(&mut self, model: &'static Model, id: i64, row: &Row) {
        for (rule, known) in model.unique.iter().zip(&mut self.unique) {
            if let Some(key) = unique::key(rule, row)
                && known.get(&key) == Some(&id)
            {
                known.remove(&key);
            }
        }
        for (field, target) in targets(model, row) {
            if let Some(ids) = self.links.get_mut(field).and_then(|links| links.get_mut(&target)) {
                ids.remove(&id);
            }
        }
    }
}

/// Everything an object is found by: what it refers to, by id or by label and id, and its host.
fn targets(model: &'static Model, row: &Row) -> Vec<(&'static str, String)> {
    let mut targets = Vec::new();
    for (field, reference) in &model.references {
        match &row.get(*field) {
            Some(Value::Array(ids)) if reference.deletion == Deletion::Many => {
                targets.extend(ids.iter().map(|id| (*field, id.to_string())));
            }
            Some(Value::Number(id)) => targets.push((*field, id.to_string())),
            _ => {}
        }
    }
    if let Some(Value::Array(ids)) = row.get("tags") {
        targets.extend(ids.iter().map(|id| ("tags", id.to_string())));
    }
    if let Some(host) = row.get("_host") {
        targets.push(("_host", host.to_string()));
    }
    for name in model.generic() {
        if let Some(target) = generic_target(name, row) {
            targets.push((name, target));
        }
    }
    targets
}

/// `dcim.site:4` for a generic reference that is set.
pub(super) fn generic_target(name: &str, row: &Row) -> Option<String> {
    let label = row.get(&format!("{name}_type"))?.as_str()?;
    let id = row.get(&format!("{name}_id"))?.as_i64()?;
    Some(format!("{label}:{id}"))
}
