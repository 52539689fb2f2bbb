//! What differs between two releases, operation by operation, and whether it breaks clients.
//!
//! Enums are compared as sets, parameters of a path by position, and text is not compared at all:
//! specs hold none. A change breaks when a request that was good may be refused, or when an answer
//! may hold what a client of the old release does not expect.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::spec::METHODS;

/// The differences between two documents.
#[derive(Debug, Serialize)]
pub struct Drift {
    /// Release of the older document.
    pub old: String,
    /// Release of the newer document.
    pub new: String,
    /// How many of each.
    pub counts: Counts,
    /// Operations that only the newer document has.
    pub added: Vec<String>,
    /// Operations that only the older document has.
    pub removed: Vec<String>,
    /// Operations that differ.
    pub changed: Vec<Changed>,
}

/// How many operations came, went and changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Operations of the newer document.
    pub operations: usize,
    /// Only in the newer.
    pub added: usize,
    /// Only in the older.
    pub removed: usize,
    /// In both, with a difference.
    pub changed: usize,
    /// Of the changed: those that may break a client.
    pub breaking: usize,
}

/// One operation that differs.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// `GET /version`
    pub operation: String,
    /// Whether one of the changes may break a client.
    pub breaking: bool,
    /// What differs.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Where: `parameter type`, `answer [].status`.
    pub at: String,
    /// What kind: `enum value added`, `maximum`.
    pub kind: String,
    /// What it was.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub old: Value,
    /// What it is.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub new: Value,
    /// Whether it may break a client.
    pub breaking: bool,
}

/// Compares two normalised documents.
pub fn compare(old: &Value, new: &Value) -> Drift {
    let (before, after) = (operations(old), operations(new));
    let names = |from: &BTreeMap<Key, Operation<'_>>, without: &BTreeMap<Key, Operation<'_>>| {
        let only = from.iter().filter(|(key, _)| !without.contains_key(*key));
        only.map(|(_, operation)| operation.name()).collect::<Vec<String>>()
    };
    let (added, removed) = (names(&after, &before), names(&before, &after));
    let comparable: BTreeSet<String> =
        extensions(&before).intersection(&extensions(&after)).cloned().collect();
    let mut changed = Vec::new();
    for (key, new_operation) in &after {
        let Some(old_operation) = before.get(key) else { continue };
        let comparable = &comparable;
        let mut found = Found { old, new, comparable, changes: Vec::new() };
        found.operation(old_operation, new_operation);
        if !found.changes.is_empty() {
            let breaking = found.changes.iter().any(|change| change.breaking);
            let (operation, changes) = (new_operation.name(), found.changes);
            changed.push(Changed { operation, breaking, changes });
        }
    }
    let counts = Counts {
        operations: after.len(),
        added: added.len(),
        removed: removed.len(),
        changed: changed.len(),
        breaking: changed.iter().filter(|one| one.breaking).count(),
    };
    let release = |spec: &Value| spec["info"]["version"].as_str().unwrap_or("?").to_owned();
    Drift { old: release(old), new: release(new), counts, added, removed, changed }
}

/// The differences as Markdown.
pub fn markdown(drift: &Drift) -> String {
    let Counts { operations, added, removed, changed, breaking } = drift.counts;
    let mut text = format!(
        "# {} to {}\n\n{operations} operations: {added} added, {removed} removed, {changed} changed, \
         {breaking} of them breaking.\n",
        drift.old, drift.new
    );
    for (title, names) in [("Added", &drift.added), ("Removed", &drift.removed)] {
        if !names.is_empty() {
            text.push_str(&format!("\n## {title}\n\n"));
            names.iter().for_each(|name| text.push_str(&format!("- `{name}`\n")));
        }
    }
    for (title, breaking) in [("Breaking", true), ("Changed", false)] {
        let mut listed = drift.changed.iter().filter(|one| one.breaking == breaking).peekable();
        if listed.peek().is_some() {
            text.push_str(&format!("\n## {title}\n"));
        }
        for one in listed {
            text.push_str(&format!("\n`{}`\n\n", one.operation));
            for change in &one.changes {
                let mark = if change.breaking { "**breaking** " } else { "" };
                text.push_str(&format!("- {mark}{}: {}", change.at, change.kind));
                text.push_str(&match (&change.old, &change.new) {
                    (Value::Null, Value::Null) => "\n".to_owned(),
                    (Value::Null, new) => format!(" `{new}`\n"),
                    (old, Value::Null) => format!(" `{old}`\n"),
                    (old, new) => format!(" `{old}` to `{new}`\n"),
                });
            }
        }
    }
    text
}

/// Method and path without names of parameters.
type Key = (String, &'static str);

struct Operation<'a> {
    path: &'a str,
    method: &'static str,
    value: &'a Value,
}

impl Operation<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }
}

fn operations(spec: &Value) -> BTreeMap<Key, Operation<'_>> {
    let mut found = BTreeMap::new();
    for (path, item) in members(&spec["paths"]) {
        for method in METHODS {
            if let Some(value) = item.get(method) {
                let place = |segment: &str| match segment.starts_with('{') {
                    true => "{}".to_owned(),
                    false => segment.to_owned(),
                };
                let key = path.split('/').map(place).collect::<Vec<_>>().join("/");
                found.insert((key, method), Operation { path, method, value });
            }
        }
    }
    found
}

fn extensions(operations: &BTreeMap<Key, Operation<'_>>) -> BTreeSet<String> {
    let facts = operations.values().flat_map(|operation| members(operation.value));
    facts.map(|(name, _)| name.clone()).filter(|name| name.starts_with("x-")).collect()
}

/// Which way a value travels: what breaks is different.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Asked,
    Answered,
}

struct Found<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Extensions of operations that both documents know: a capture of a viewer may lack one as a
    /// whole, which says nothing about the server.
    comparable: &'a BTreeSet<String>,
    changes: Vec<Change>,
}

impl Found<'_> {
    fn add(&mut self, at: &str, kind: &str, values: (&Value, &Value), breaking: bool) {
        let (old, new) = (values.0.clone(), values.1.clone());
        self.changes.push(Change { at: at.to_owned(), kind: kind.to_owned(), old, new, breaking });
    }

    fn operation(&mut self, old: &Operation<'_>, new: &Operation<'_>) {
        let names = |operation: &Operation<'_>| -> Vec<String> {
            operation.path.split('/').filter(|s| s.starts_with('{')).map(str::to_owned).collect()
        };
        if names(old) != names(new) {
            self.add("path", "parameter renamed", (&json!(old.path), &json!(new.path)), false);
        }
        // By position: a new name changes nothing on the wire.
        for ((_, before), (name, after)) in of_path(old.value).iter().zip(of_path(new.value)) {
            self.schema(&format!("parameter {name}"), before, after, Way::Asked, 0);
        }
        self.parameters(&parameters(old.value), &parameters(new.value));
        let (body_old, body_new) = (follow(old.value, JSON_BODY), follow(new.value, JSON_BODY));
        match (body_old.is_null(), body_new.is_null()) {
            (false, false) => self.schema("body", body_old, body_new, Way::Asked, 0),
            (true, false) => self.add("body", "added", (&Value::Null, &Value::Null), false),
            (false, true) => self.add("body", "removed", (&Value::Null, &Value::Null), true),
            (true, true) => {}
        }
        let (answer_old, answer_new) = (answer(old.value), answer(new.value));
        self.schema("answer", answer_old, answer_new, Way::Answered, 0);
        let facts = |value: &Value| -> Map<String, Value> {
            members(value)
                .filter(|(name, _)| self.comparable.contains(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let (facts_old, facts_new) = (facts(old.value), facts(new.value));
        let all: BTreeSet<&String> = facts_old.keys().chain(facts_new.keys()).collect();
        for name in all {
            let pair = (&facts_old.get(name), &facts_new.get(name));
            if pair.0 != pair.1 {
                let (old, new) = (pair.0.unwrap_or(&Value::Null), pair.1.unwrap_or(&Value::Null));
                let kind = name.trim_start_matches("x-").trim_start_matches("proxmox-");
                self.add("operation", kind, (old, new), false);
            }
        }
    }

    fn parameters(
        &mut self,
        old: &BTreeMap<&str, (&Value, bool)>,
        new: &BTreeMap<&str, (&Value, bool)>,
    ) {
        for (name, (schema, required)) in new {
            let at = format!("parameter {name}");
            match old.get(name) {
                None if *required => {
                    self.add(&at, "required parameter added", (&Value::Null, &Value::Null), true);
                }
                None => self.add(&at, "parameter added", (&Value::Null, &Value::Null), false),
                Some((before, was_required)) => {
                    if was_required != required {
                        let kind = if *required { "became required" } else { "became optional" };
                        self.add(&at, kind, (&Value::Null, &Value::Null), *required);
                    }
                    self.schema(&at, before, schema, Way::Asked, 0);
                }
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            let at = format!("parameter {name}");
            self.add(&at, "parameter removed", (&Value::Null, &Value::Null), true);
        }
    }

    fn schema(&mut self, at: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        // NetBox's objects mention each other: what is further away is compared where it is nearer.
        if depth > 6 {
            return;
        }
        let (old, new) = (resolve(old, self.old), resolve(new, self.new));
        let keywords: BTreeSet<&String> =
            members(old).chain(members(new)).map(|(name, _)| name).collect();
        for keyword in keywords {
            let (before, after) = (&old[keyword.as_str()], &new[keyword.as_str()]);
            if before == after && !holds_references(keyword) {
                continue;
            }
            match keyword.as_str() {
                "properties" => self.members(at, (old, new), way, depth),
                "items" => self.schema(&format!("{at} []"), before, after, way, depth + 1),
                "x-proxmox-property" if before.is_null() || after.is_null() => {
                    self.add(at, "property string", (&Value::Null, &Value::Null), false);
                }
                "x-proxmox-property" => {
                    self.schema(&format!("{at} key"), before, after, way, depth + 1);
                }
                "enum" => self.values(at, before, after, way),
                // A list whose elements nobody described says no less than before.
                "type" if before.is_null() && at.ends_with(" []") => {
                    self.add(at, "type described", (before, after), false);
                }
                "type" => self.add(at, "type changed", (before, after), true),
                "allOf" | "oneOf" | "anyOf" | "x-proxmox-one-of" => {
                    self.branches(&format!("{at} {keyword}"), before, after, way, depth);
                }
                // Said of each member, and by the unit's own rules rather than upstream.
                "required" | "x-unit" => {}
                other => {
                    let kind = other.trim_start_matches("x-").trim_start_matches("proxmox-");
                    self.add(at, kind, (before, after), false);
                }
            }
        }
    }

    fn branches(&mut self, at: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        let (old, new): (Vec<_>, Vec<_>) = (list(old).collect(), list(new).collect());
        if old.len() != new.len() {
            let counts = (json!(old.len()), json!(new.len()));
            self.add(at, "branches", (&counts.0, &counts.1), false);
        }
        for (before, after) in old.iter().zip(&new) {
            self.schema(at, before, after, way, depth + 1);
        }
    }

    fn members(&mut self, at: &str, schemas: (&Value, &Value), way: Way, depth: usize) {
        let (old, new) = schemas;
        let (before, after) = (&old["properties"], &new["properties"]);
        let is_required =
            |schema: &Value, name: &str| list(&schema["required"]).any(|required| required == name);
        let (what, asked) = match (at.ends_with(" key"), way) {
            (true, _) => ("key", false),
            (false, Way::Asked) => ("member", true),
            (false, Way::Answered) => ("field", false),
        };
        let nothing = (&Value::Null, &Value::Null);
        for (name, schema) in members(after) {
            let place = format!("{at} {name}");
            let Some(was) = before.get(name) else {
                let must = asked && is_required(new, name);
                self.add(&place, &format!("{what} added"), nothing, must);
                continue;
            };
            let (was_required, required) = (is_required(old, name), is_required(new, name));
            if was_required != required && what != "key" {
                let kind = if required { "became required" } else { "became optional" };
                // A field that may be missing breaks a reader; one that must be given a writer.
                self.add(&place, kind, nothing, required == asked);
            }
            self.schema(&place, was, schema, way, depth + 1);
        }
        for (name, _) in members(before).filter(|(name, _)| after.get(name.as_str()).is_none()) {
            self.add(&format!("{at} {name}"), &format!("{what} removed"), nothing, true);
        }
    }

    fn values(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let set = |value: &Value| -> BTreeSet<String> {
            list(value).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
        };
        if old.is_null() || new.is_null() {
            let (kind, breaking) = match new.is_null() {
                true => ("enum lifted", way == Way::Answered),
                false => ("enum introduced", way == Way::Asked),
            };
            return self.add(at, kind, (&Value::Null, &Value::Null), breaking);
        }
        let (old, new) = (set(old), set(new));
        for value in new.difference(&old) {
            let breaking = way == Way::Answered;
            self.add(at, "enum value added", (&Value::Null, &json!(value)), breaking);
        }
        for value in old.difference(&new) {
            let breaking = way == Way::Asked;
            self.add(at, "enum value removed", (&json!(value), &Value::Null), breaking);
        }
    }
}

const JSON_BODY: &[&str] = &["requestBody", "content", "application/json", "schema"];
const FORM: &[&str] = &["requestBody", "content", "application/x-www-form-urlencoded", "schema"];

fn holds_references(keyword: &str) -> bool {
    matches!(keyword, "properties" | "items" | "allOf" | "oneOf" | "anyOf")
}

fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/components/schemas/"));
    target.map_or(schema, |name| &document["components"]["schemas"][name])
}

/// Parameters of query and form by name; those of the path are compared by position.
fn parameters(operation: &Value) -> BTreeMap<&str, (&Value, bool)> {
    let mut found = BTreeMap::new();
    for parameter in list(&operation["parameters"]) {
        if let Some(name) = parameter["name"].as_str() {
            if parameter["in"] == "path" {
                continue;
            }
            found.insert(name, (&parameter["schema"], parameter["required"] == true));
        }
    }
    let form = follow(operation, FORM);
    for (name, schema) in members(&form["properties"]) {
        let required = list(&form["required"]).any(|one| one == name.as_str());
        found.insert(name, (schema, required));
    }
    found
}

/// Parameters of the path, in its order.
fn of_path(operation: &Value) -> Vec<(&str, &Value)> {
    let listed = list(&operation["parameters"]).filter(|parameter| parameter["in"] == "path");
    listed.filter_map(|one| Some((one["name"].as_str()?, &one["schema"]))).collect()
}

fn answer(operation: &Value) -> &Value {
    let responses = &operation["responses"];
    let ok = ["200", "201", "202"].iter().find(|status| !responses[**status].is_null());
    &responses[*ok.unwrap_or(&"204")]["content"]["application/json"]["schema"]
}

fn follow<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().fold(value, |value, key| &value[*key])
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
