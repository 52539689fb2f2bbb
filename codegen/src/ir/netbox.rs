//! The model of NetBox's API, from its OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::arena::{Arena, Place};
use super::{Api, Availability, Field, Filter, Op, Presence, Rules, Type, is_secret};
use crate::spec::METHODS;

/// Sets of operators that occur together, with the runtime's type for each.
const LOOKUPS: [(&str, &[&str]); 8] = [
    ("Exact", &[]),
    ("Match", &["n"]),
    ("Member", &["any", "n"]),
    ("Ordered", &["empty", "gt", "gte", "lt", "lte", "n"]),
    (
        "Text",
        &["empty", "ic", "ie", "iew", "iregex", "isw", "n", "nic", "nie", "niew", "nisw", "regex"],
    ),
    ("Filled", &["ic", "ie", "iew", "iregex", "isw", "n", "nic", "nie", "niew", "nisw", "regex"]),
    ("Between", &["gte", "lte"]),
    ("Window", &["after", "before"]),
];

/// Lowers a normalised NetBox document.
pub fn lower_netbox(spec: &Value) -> Api {
    let mut lowering = Lowering {
        schemas: &spec["components"]["schemas"],
        requests: request_components(spec),
        groups: component_groups(spec),
        arena: Arena::default(),
        done: BTreeMap::new(),
    };
    let mut ops = Vec::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                ops.push(lowering.op(path, method, operation));
            }
        }
    }
    for name in lowering.schemas.as_object().into_iter().flatten().map(|(name, _)| name) {
        lowering.component(name);
    }
    lowering.finish(ops)
}

struct Lowering<'a> {
    schemas: &'a Value,
    requests: BTreeSet<String>,
    groups: BTreeMap<String, String>,
    arena: Arena,
    done: BTreeMap<String, Type>,
}

impl Lowering<'_> {
    fn finish(self, mut ops: Vec<Op>) -> Api {
        let finished = self.arena.finish(&BTreeSet::new());
        ops.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        for op in &mut ops {
            op.params.iter_mut().for_each(|field| finished.resolve(&mut field.ty));
            op.returns.iter_mut().for_each(|ty| finished.resolve(ty));
            op.body.iter_mut().for_each(|ty| finished.resolve(ty));
        }
        let taken: BTreeSet<&str> = finished
            .records
            .iter()
            .map(|record| record.name.as_str())
            .chain(finished.enums.iter().map(|one| one.name.as_str()))
            .collect();
        let mut aliases = Vec::new();
        for (component, ty) in &self.done {
            let Type::Record(id) = ty else { continue };
            let Some(name) = finished.name(id) else {
                continue;
            };
            let alias = crate::names::type_name(component);
            if alias != name && !taken.contains(alias.as_str()) {
                aliases.push((alias, name.to_owned()));
            }
        }
        let mut api = Api { ops, records: finished.records, enums: finished.enums, aliases };
        super::groups::assign(&mut api, |op| op.group.replace('_', "-"));
        api
    }

    fn op(&mut self, path: &str, method: &str, operation: &Value) -> Op {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let group = group_of(path);
        let place = Place {
            names: vec![crate::names::type_name(&id)],
            group: group.clone(),
            origin: path.to_owned(),
        };
        let parameters = || operation["parameters"].as_array().into_iter().flatten();
        let mut params = Vec::new();
        for parameter in parameters().filter(|parameter| parameter["in"] == "path") {
            let name = parameter["name"].as_str().unwrap_or_default();
            let mut field = self.field(name, &parameter["schema"], &place, false);
            field.flags = vec!["PATH", "REQUIRED"];
            field.presence = Presence::Plain;
            params.push(field);
        }
        super::finish_fields(&mut params);
        let queries = parameters().filter(|parameter| parameter["in"] == "query");
        let queries = queries.filter_map(|parameter| {
            Some((parameter["name"].as_str()?, Availability::of(&parameter["schema"])))
        });
        let filters = filters_of(queries.collect());
        let (body, bulk) = self.body(operation, &place);
        let mut flags = Vec::new();
        if bulk {
            flags.push("BULK");
        }
        let ok =
            ["200", "201", "202"].iter().find(|status| !operation["responses"][status].is_null());
        let answer = &operation["responses"][*ok.unwrap_or(&"204")]["content"];
        let returns = match &answer["application/json"]["schema"] {
            Value::Null if answer.is_null() => None,
            Value::Null => Some(Type::Any),
            schema => Some(self.ty(schema, &place, false)),
        };
        let path = path.to_owned();
        Op {
            id,
            method: method.to_uppercase(),
            path,
            group,
            feature: String::new(),
            params,
            filters,
            body,
            returns,
            flags,
            availability: Availability::of(operation),
            permission: None,
        }
    }

    /// The body's type, and whether one object or a list of them is taken.
    fn body(&mut self, operation: &Value, place: &Place) -> (Option<Type>, bool) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            return (None, false);
        }
        match schema["oneOf"].as_array().map(Vec::as_slice) {
            Some([one, many]) if many["type"] == "array" => (Some(self.ty(one, place, true)), true),
            _ => (Some(self.ty(schema, place, true)), false),
        }
    }

    fn component(&mut self, name: &str) -> Type {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let schema = &self.schemas[name];
        let place = Place {
            names: vec![crate::names::type_name(name)],
            group: self.groups.get(name).cloned().unwrap_or_else(|| "shared".to_owned()),
            origin: format!("`{name}`"),
        };
        let ty = match page_item(schema) {
            Some(item) => Type::Page(Box::new(self.ty(item, &place, false))),
            None => self.ty(schema, &place, self.requests.contains(name)),
        };
        self.done.insert(name.to_owned(), ty.clone());
        ty
    }

    fn ty(&mut self, schema: &Value, place: &Place, request: bool) -> Type {
        if let Some(name) = reference(schema) {
            return match self.component(name) {
                // The name that the operation knows it by, though others have the same members.
                Type::Record(id) => Type::Record(format!("{id}={}", crate::names::type_name(name))),
                ty => ty,
            };
        }
        if let [one] = schema["allOf"].as_array().map_or(&[][..], Vec::as_slice) {
            return self.ty(one, place, request);
        }
        if let Some(branches) = schema["oneOf"].as_array() {
            return self.one_of(branches, place, request);
        }
        match schema["type"].as_str() {
            Some("boolean") => Type::Bool,
            Some("integer") => Type::Int,
            Some("number") => Type::Float,
            Some("string") => self.text(schema, place),
            Some("array") => Type::List(Box::new(self.ty(&schema["items"], place, request))),
            Some("object") => self.object(schema, place, request),
            // Some choices have no type beside their values.
            None if schema["x-enum-labels"].is_object() => self.text(schema, place),
            _ => Type::Any,
        }
    }

    fn text(&mut self, schema: &Value, place: &Place) -> Type {
        let values: Vec<String> = schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        let labels = schema["x-enum-labels"].as_object().into_iter().flatten();
        self.arena.label(
            &values,
            labels.filter_map(|(value, label)| Some((value.clone(), label.as_str()?.to_owned()))),
        );
        let named = base_name(&place.names[0]);
        self.arena
            .text(&values, &Place { names: vec![named, place.names[0].clone()], ..place.clone() })
    }

    fn one_of(&mut self, branches: &[Value], place: &Place, request: bool) -> Type {
        let texts = branches.iter().all(|branch| branch["type"] == "string");
        if texts {
            return Type::Text;
        }
        let number = branches.iter().any(|branch| branch["type"] == "integer");
        let object = branches.iter().find(|branch| branch["type"] != "integer");
        match (number, object) {
            (true, Some(object)) => match self.ty(object, place, request) {
                Type::Record(record) => Type::Reference(record),
                Type::Reference(record) => Type::Reference(record),
                _ => Type::Any,
            },
            _ => Type::Any,
        }
    }

    fn object(&mut self, schema: &Value, place: &Place, request: bool) -> Type {
        let Some(properties) = schema["properties"].as_object() else {
            return Type::Map;
        };
        if properties.len() == 2
            && let (Some(value), Some(_)) = (properties.get("value"), properties.get("label"))
        {
            let inner = self.ty(value, place, request);
            // Those of texts are with the enum.
            let labels = value["x-enum-labels"].as_object().filter(|_| inner == Type::Int);
            let labels = labels.into_iter().flatten();
            let labels = labels
                .filter_map(|(value, label)| Some((value.clone(), label.as_str()?.to_owned())));
            return Type::Choice(Box::new(inner), labels.collect());
        }
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = Vec::new();
        for (name, property) in properties {
            let mut field = self.field(name, property, place, request);
            if required.contains(name.as_str()) {
                if name == "id" {
                    field.presence = Presence::Plain;
                    field.flags.push("IDENTITY");
                }
                if request {
                    field.flags.push("REQUIRED");
                }
            }
            field.flags.sort_unstable();
            fields.push(field);
        }
        Type::Record(self.arena.record(fields, None, place))
    }

    fn field(&mut self, name: &str, schema: &Value, place: &Place, request: bool) -> Field {
        let ty = self.ty(schema, &place.inner(name), request);
        let nullable = schema["nullable"] == true;
        let mut flags = Vec::new();
        if nullable {
            flags.push("NULLABLE");
        }
        if schema["readOnly"] == true {
            flags.push("READ_ONLY");
        }
        if is_secret(name) || (schema["writeOnly"] == true && name.contains("password")) {
            flags.push("SECRET");
        }
        let presence = match (request, nullable) {
            (true, true) => Presence::Patch,
            _ => Presence::Optional,
        };
        let rules = Rules::of(schema);
        Field { wire: name.to_owned(), rust: String::new(), ty, presence, flags, rules }
    }
}

/// A component's name without the words for its use: an enum of a field is the same whichever
/// variant of the object it is met in first.
fn base_name(name: &str) -> String {
    let mut base = name;
    for prefix in ["Patched", "Writable", "Bulk", "Brief", "Nested"] {
        base = base.strip_prefix(prefix).unwrap_or(base);
    }
    base.replace("WithConfigContext", "").replace("Request", "")
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// The row type of a page.
fn page_item(schema: &Value) -> Option<&Value> {
    let properties = schema["properties"].as_object()?;
    let paged =
        ["count", "next", "previous", "results"].iter().all(|k| properties.contains_key(*k));
    paged.then(|| &properties["results"]["items"])
}

/// The app an operation belongs to: `/api/dcim/devices/` is of `dcim`.
fn group_of(path: &str) -> String {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let app = segments.nth(1).unwrap_or("api");
    let rest = segments.next();
    match (app, rest) {
        ("plugins", Some(plugin)) if segments.next().is_some() => {
            format!("plugins_{}", plugin.replace('-', "_"))
        }
        (_, Some(_)) => app.replace('-', "_"),
        (_, None) => "root".to_owned(),
    }
}

/// Components that are met in request bodies, directly or inside of others.
fn request_components(spec: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in spec["paths"].as_object().into_iter().flatten().map(|(_, item)| item) {
        for method in METHODS {
            let mut names = BTreeSet::new();
            references(&item[method]["requestBody"], &mut names);
            let mut open: Vec<String> = names.into_iter().collect();
            while let Some(name) = open.pop() {
                if found.insert(name.clone()) {
                    let mut inner = BTreeSet::new();
                    references(&spec["components"]["schemas"][&name], &mut inner);
                    open.extend(inner);
                }
            }
        }
    }
    found
}

/// The file of each component: its app's, if only one app's operations mention it.
fn component_groups(spec: &Value) -> BTreeMap<String, String> {
    let mut apps: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        let mut open = BTreeSet::new();
        references(item, &mut open);
        for name in open {
            apps.entry(name).or_default().insert(group_of(path));
        }
    }
    let single = |apps: BTreeSet<String>| {
        let mut apps = apps.into_iter();
        apps.next().filter(|_| apps.next().is_none())
    };
    let mut groups: BTreeMap<String, String> =
        apps.into_iter().filter_map(|(name, apps)| Some((name, single(apps)?))).collect();
    // A page's rows belong where the page does.
    let pages: Vec<(String, String)> = groups
        .iter()
        .filter_map(|(name, group)| {
            let item = page_item(&spec["components"]["schemas"][name]).and_then(reference)?;
            Some((item.to_owned(), group.clone()))
        })
        .collect();
    for (item, group) in pages {
        groups.entry(item).or_insert(group);
    }
    groups
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = reference(value) {
                found.insert(name.to_owned());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn is_lookup(suffix: &str) -> bool {
    LOOKUPS.iter().any(|(_, suffixes)| suffixes.contains(&suffix))
}

/// Query parameters as base names with their operators.
fn filters_of(names: BTreeMap<&str, Availability>) -> Vec<Filter> {
    let mut by_base: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in names.keys() {
        match name.rsplit_once("__") {
            // `cluster__name` is a filter of its own beside `cluster`.
            Some((base, lookup)) if names.contains_key(base) && is_lookup(lookup) => {
                by_base.entry(base).or_default().insert(lookup);
            }
            _ => {
                by_base.entry(name).or_default();
            }
        }
    }
    let mut filters = Vec::new();
    for (base, lookups) in by_base {
        let availability = names.get(base).cloned().unwrap_or_default();
        let filter = |name: String, lookups| {
            let availability = availability.clone();
            Filter { name, lookups, availability, limited: Vec::new() }
        };
        let known = LOOKUPS.iter().find(|(_, set)| set.iter().copied().eq(lookups.iter().copied()));
        match known {
            Some((kind, _)) => {
                let own = |lookup: &&str| names.get(format!("{base}__{lookup}").as_str()).cloned();
                let limited = lookups
                    .iter()
                    .filter_map(|lookup| Some(((*lookup).to_owned(), own(lookup)?)))
                    .filter(|(_, own)| *own != availability)
                    .collect();
                filters.push(Filter { limited, ..filter(base.to_owned(), kind) });
            }
            // A set of operators nobody has seen: each parameter stands for itself.
            None => {
                filters.push(filter(base.to_owned(), "Exact"));
                let each =
                    lookups.iter().map(|lookup| filter(format!("{base}__{lookup}"), "Exact"));
                filters.extend(each);
            }
        }
    }
    filters
}
