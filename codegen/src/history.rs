//! All releases of one product as one document: the newest surface, and since when and until when
//! each part of it is there.
//!
//! `x-since` and `x-until` hold the first and the last release that has an operation, a parameter
//! or a field, `x-after` and `x-before` the release before and behind that lacks it, and
//! `x-enum-since` and so on the same for values of an enum. What was there in the oldest release
//! known has no `x-since`; what is still there has no `x-until`. Of releases that nobody described
//! nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::spec::METHODS;

/// One release of a product.
pub struct Release<'a> {
    /// Its number: `9.1.3`.
    pub number: &'a str,
    /// Its normalised document.
    pub spec: &'a Value,
}

/// What one part of the API looked like in the releases that have it: (position, schema).
type Versions<'a> = Vec<(usize, &'a Value)>;

/// An operation in one release: (position, path, operation).
type Occurrence<'a> = (usize, &'a str, &'a Value);

/// Joins releases, oldest first.
///
/// An extension of operations that the newest document lacks as a whole (captures of a viewer are
/// poorer than its file) is taken from the release before.
pub fn join(releases: &[Release<'_>]) -> Value {
    let Some(newest) = releases.last() else {
        return json!({});
    };
    let history = History { releases };
    let mut joined = newest.spec.clone();
    joined["paths"] = history.paths();
    let schemas = history.components();
    if !schemas.is_empty() {
        joined["components"]["schemas"] = schemas.into();
    }
    joined
}

/// Adds the paths and schemas of a plugin to the document of the server that it runs in.
pub fn add_plugin(server: &mut Value, plugin: &Value) {
    let parts: [&[&str]; 2] = [&["paths"], &["components", "schemas"]];
    for part in parts {
        let from = part.iter().fold(plugin, |value, key| &value[*key]);
        let into = part.iter().fold(&mut *server, |value, key| &mut value[*key]);
        let (Some(from), Some(into)) = (from.as_object(), into.as_object_mut()) else { continue };
        for (name, value) in from {
            into.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

struct History<'a> {
    releases: &'a [Release<'a>],
}

impl<'a> History<'a> {
    fn newest(&self) -> usize {
        self.releases.len() - 1
    }

    /// Operations are the same when method and path are, whatever their parameters are called.
    fn paths(&self) -> Value {
        let mut found: BTreeMap<(String, &str), Vec<Occurrence<'_>>> = BTreeMap::new();
        for (index, release) in self.releases.iter().enumerate() {
            for (path, item) in members(&release.spec["paths"]) {
                for method in METHODS {
                    if let Some(operation) = item.get(method) {
                        let key = (without_names(path), method);
                        found.entry(key).or_default().push((index, path, operation));
                    }
                }
            }
        }
        let lost = self.lost_extensions();
        let mut paths: Map<String, Value> = Map::new();
        for ((_, method), versions) in found {
            let Some((last, path, operation)) = versions.last().copied() else { continue };
            let all: Versions<'_> = versions.iter().map(|(index, _, op)| (*index, *op)).collect();
            let mut joined = self.operation(operation, &all);
            for keyword in &lost {
                let before = all.iter().rev().find_map(|(_, op)| op.get(keyword));
                if last == self.newest()
                    && let Some(value) = before
                {
                    joined[keyword] = value.clone();
                }
            }
            let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
            item[method] = joined;
        }
        paths.into()
    }

    /// Extensions of operations that releases before the newest have and the newest lacks.
    fn lost_extensions(&self) -> BTreeSet<String> {
        let used = |index: usize| -> BTreeSet<String> {
            let items = members(&self.releases[index].spec["paths"]);
            let operations = items.flat_map(|(_, item)| members(item));
            let keywords = operations.flat_map(|(_, operation)| members(operation));
            keywords.map(|(name, _)| name.clone()).filter(|name| name.starts_with("x-")).collect()
        };
        let newest = self.newest();
        let before: BTreeSet<String> = (0..newest).flat_map(used).collect();
        before.difference(&used(newest)).cloned().collect()
    }

    fn operation(&self, newest: &Value, versions: &Versions<'a>) -> Value {
        let mut joined = newest.clone();
        let all: Vec<usize> = (0..self.releases.len()).collect();
        self.mark(&mut joined, versions, &all);
        let own: Vec<usize> = versions.iter().map(|(index, _)| *index).collect();
        let parameters = self.parameters(versions, &own);
        if !parameters.is_empty() || newest.get("parameters").is_some() {
            joined["parameters"] = parameters.into();
        }
        for body in [FORM, JSON_BODY, ANSWER] {
            let schemas: Versions<'_> =
                versions.iter().map(|(index, op)| (*index, follow(op, body))).collect();
            let described = schemas.iter().rev().find(|(_, schema)| !schema.is_null());
            if let Some((_, schema)) = described {
                let mut merged = self.schema(schema, &schemas);
                if body != ANSWER {
                    // An operation without a body takes no member of it.
                    self.members_of(&mut merged, &schemas, true);
                }
                put(&mut joined, body, merged);
            }
        }
        joined
    }

    /// Parameters by name; those of the path are by position and never come or go.
    fn parameters(&self, versions: &Versions<'a>, own: &[usize]) -> Vec<Value> {
        let mut found: BTreeMap<&str, Versions<'_>> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for (index, operation) in versions.iter().rev() {
            for parameter in list(&operation["parameters"]) {
                let name = parameter["name"].as_str().unwrap_or_default();
                let of_path = parameter["in"] == "path";
                if of_path && versions.last().is_some_and(|(last, _)| index != last) {
                    continue;
                }
                if !found.contains_key(name) {
                    order.push(name);
                }
                found.entry(name).or_default().insert(0, (*index, parameter));
            }
        }
        order
            .into_iter()
            .filter_map(|name| {
                let versions = found.get(name)?;
                let (_, newest) = versions.last()?;
                let mut joined = (*newest).clone();
                let schemas: Versions<'_> =
                    versions.iter().map(|(index, one)| (*index, &one["schema"])).collect();
                joined["schema"] = self.schema(&newest["schema"], &schemas);
                if newest["in"] != "path" {
                    let mut marks = json!({});
                    self.mark(&mut marks, versions, own);
                    for (keyword, value) in members(&marks) {
                        joined["schema"][keyword] = value.clone();
                    }
                }
                Some(joined)
            })
            .collect()
    }

    fn components(&self) -> Map<String, Value> {
        let mut found: BTreeMap<&String, Versions<'_>> = BTreeMap::new();
        for (index, release) in self.releases.iter().enumerate() {
            for (name, schema) in members(&release.spec["components"]["schemas"]) {
                found.entry(name).or_default().push((index, schema));
            }
        }
        // A schema that is gone is not needed: what is still there never mentions it, unless an
        // operation that is gone as well does.
        let joined = found.into_iter().filter_map(|(name, versions)| {
            let (_, newest) = versions.last()?;
            Some((name.clone(), self.schema(newest, &versions)))
        });
        joined.collect()
    }

    /// A schema with the members, branches and values of all releases.
    fn schema(&self, newest: &Value, versions: &Versions<'a>) -> Value {
        let mut joined = newest.clone();
        self.members_of(&mut joined, versions, false);
        self.values_of(&mut joined, versions);
        for keyword in ["items", "x-proxmox-property"] {
            let inner: Versions<'_> = versions
                .iter()
                .filter_map(|(index, schema)| Some((*index, schema.get(keyword)?)))
                .collect();
            if let (Some(newest), true) = (newest.get(keyword), inner.len() > 1) {
                joined[keyword] = self.schema(newest, &inner);
            }
        }
        joined
    }

    /// Properties, whether they stand in the schema or in branches of a union.
    fn members_of(&self, joined: &mut Value, versions: &Versions<'a>, none_is_told: bool) {
        // A release that described no members says nothing about when they came.
        let described: Vec<(usize, BTreeMap<&String, &Value>)> = versions
            .iter()
            .map(|(index, schema)| (*index, all_members(schema)))
            .filter(|(_, members)| none_is_told || !members.is_empty())
            .collect();
        let Some((_, newest)) = described.last() else { return };
        let newest: BTreeSet<String> = newest.keys().map(|name| (*name).clone()).collect();
        let could: Vec<usize> = described.iter().map(|(index, _)| *index).collect();
        let names: BTreeSet<&String> =
            described.iter().flat_map(|(_, members)| members.keys().copied()).collect();
        for name in names {
            let versions: Versions<'_> = described
                .iter()
                .filter_map(|(index, members)| Some((*index, *members.get(name)?)))
                .collect();
            let Some((_, last)) = versions.last() else { continue };
            let mut member = self.schema(last, &versions);
            self.mark(&mut member, &versions, &could);
            let in_properties = joined["properties"].get(name).is_some();
            if in_properties || !newest.contains(name) {
                joined["properties"][name] = member.clone();
            }
            let branches = joined.get_mut("x-proxmox-one-of").and_then(Value::as_array_mut);
            for branch in branches.into_iter().flatten() {
                let properties = branch.get_mut("properties");
                if let Some(place) = properties.and_then(|members| members.get_mut(name)) {
                    for keyword in MARKS {
                        if let Some(value) = member.get(keyword) {
                            place[keyword] = value.clone();
                        }
                    }
                }
            }
        }
    }

    fn values_of(&self, joined: &mut Value, versions: &Versions<'a>) {
        let listed: Vec<(usize, BTreeSet<&str>)> = versions
            .iter()
            .filter_map(|(index, schema)| {
                let values = schema["enum"].as_array()?;
                Some((*index, values.iter().filter_map(Value::as_str).collect()))
            })
            .collect();
        if listed.len() < 2 || joined["enum"].is_null() {
            return;
        }
        let could: Vec<usize> = listed.iter().map(|(index, _)| *index).collect();
        let all: BTreeSet<&str> = listed.iter().flat_map(|(_, values)| values).copied().collect();
        let mut marks = MARKS.map(|mark| (mark.replace("x-", "x-enum-"), Map::new()));
        for value in &all {
            let has = listed.iter().filter(|(_, values)| values.contains(value));
            let has: Vec<usize> = has.map(|(index, _)| *index).collect();
            for ((_, map), number) in marks.iter_mut().zip(self.bounds(&has, &could)) {
                if let Some(number) = number {
                    map.insert((*value).to_owned(), number.into());
                }
            }
        }
        // Null and numbers of the newest stay where they are; texts are those of all releases.
        let others = list(&joined["enum"]).filter(|value| !value.is_string()).cloned();
        let values: Vec<Value> = all.into_iter().map(Value::from).chain(others).collect();
        joined["enum"] = values.into();
        for (keyword, map) in marks {
            if !map.is_empty() {
                joined[&keyword] = map.into();
            }
        }
    }

    /// Notes when something came and went among the releases that `could` have it.
    fn mark(&self, value: &mut Value, versions: &Versions<'a>, could: &[usize]) {
        let has: Vec<usize> = versions.iter().map(|(index, _)| *index).collect();
        for (keyword, number) in MARKS.into_iter().zip(self.bounds(&has, could)) {
            if let Some(number) = number {
                value[keyword] = number.into();
            }
        }
    }

    /// The releases for [`MARKS`].
    fn bounds(&self, has: &[usize], could: &[usize]) -> [Option<&'a str>; 4] {
        let number = |index: &usize| self.releases.get(*index).map(|release| release.number);
        let (Some(first), Some(last)) = (has.first(), has.last()) else { return [None; 4] };
        let after = could.iter().rfind(|index| *index < first);
        let before = could.iter().find(|index| *index > last);
        [
            after.and_then(|_| number(first)),
            after.and_then(number),
            before.and_then(|_| number(last)),
            before.and_then(number),
        ]
    }
}

/// First release with something, the last before it without, last with, first behind it without.
const MARKS: [&str; 4] = ["x-since", "x-after", "x-until", "x-before"];

const FORM: &[&str] = &["requestBody", "content", "application/x-www-form-urlencoded", "schema"];
const JSON_BODY: &[&str] = &["requestBody", "content", "application/json", "schema"];
const ANSWER: &[&str] = &["responses", "200", "content", "application/json", "schema"];

fn follow<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().fold(value, |value, key| &value[*key])
}

fn put(value: &mut Value, keys: &[&str], new: Value) {
    // An operation whose last release has no body keeps none.
    if !follow(value, &keys[..keys.len() - 1]).is_null() {
        *keys.iter().fold(value, |value, key| &mut value[*key]) = new;
    }
}

/// `/nodes/{node}/x` without the names of its parameters.
fn without_names(path: &str) -> String {
    let place = |segment: &str| match segment.starts_with('{') {
        true => "{}".to_owned(),
        false => segment.to_owned(),
    };
    path.split('/').map(place).collect::<Vec<_>>().join("/")
}

fn all_members(schema: &Value) -> BTreeMap<&String, &Value> {
    let mut found: BTreeMap<&String, &Value> = members(&schema["properties"]).collect();
    for branch in list(&schema["x-proxmox-one-of"]) {
        for (name, member) in all_members(branch) {
            found.entry(name).or_insert(member);
        }
    }
    found
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Release, join};

    fn answer(properties: Value) -> Value {
        let schema = json!({"type": "object", "properties": properties});
        let content = json!({"application/json": {"schema": schema}});
        json!({"responses": {"200": {"content": content}}})
    }

    fn three() -> [Value; 3] {
        [
            json!({"paths": {
                "/a/{id}": {"get": answer(json!({"x": {"type": "string", "enum": ["p", "q"]}}))},
                "/old": {"get": {}},
            }}),
            json!({"paths": {"/a/{id}": {"get": answer(json!({
                "x": {"type": "string", "enum": ["p", "r"]}, "y": {"type": "integer"}}))}}}),
            json!({"paths": {"/a/{name}": {"get": answer(json!({
                "x": {"type": "string", "enum": ["p", "r"]}, "y": {"type": "integer"}}))},
                "/new": {"get": {}}}}),
        ]
    }

    fn joined() -> Value {
        let specs = three();
        let numbers = ["8.4", "9.0", "9.1"];
        let releases: Vec<_> =
            numbers.iter().zip(&specs).map(|(number, spec)| Release { number, spec }).collect();
        join(&releases)
    }

    #[test]
    fn operations_that_came_and_went_say_when() {
        let joined = joined();
        assert_eq!(joined["paths"]["/old"]["get"], json!({"x-until": "8.4", "x-before": "9.0"}));
        assert_eq!(joined["paths"]["/new"]["get"], json!({"x-since": "9.1", "x-after": "9.0"}));
    }

    #[test]
    fn a_renamed_path_parameter_makes_no_new_operation() {
        let joined = joined();
        assert_eq!(joined["paths"]["/a/{name}"]["get"]["x-since"], Value::Null);
        assert_eq!(joined["paths"]["/a/{id}"], Value::Null);
    }

    #[test]
    fn fields_and_values_that_came_and_went_say_when() {
        let joined = joined();
        let schema = &joined["paths"]["/a/{name}"]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"]["properties"];
        assert_eq!(schema["y"]["x-since"], "9.0");
        assert_eq!(schema["x"]["enum"], json!(["p", "q", "r"]));
        assert_eq!(schema["x"]["x-enum-since"], json!({"r": "9.0"}));
        assert_eq!(schema["x"]["x-enum-until"], json!({"q": "8.4"}));
    }

    #[test]
    fn extensions_that_a_whole_capture_lacks_come_from_the_release_before() {
        let old = json!({"paths": {"/a": {"get": {"x-proxmox-proxyto": "node", "x-a": 1}}}});
        let new = json!({"paths": {"/a": {"get": {"x-a": 1}}}});
        let releases = [Release { number: "1", spec: &old }, Release { number: "2", spec: &new }];
        assert_eq!(join(&releases)["paths"]["/a"]["get"]["x-proxmox-proxyto"], "node");
    }
}
