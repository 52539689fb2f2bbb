//! The model of a Proxmox API, from its OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::arena::{Arena, Place};
use super::{Api, Availability, Field, Op, Permission, Presence, Property, Rules, Type, is_secret};
use crate::names::type_name;
use crate::spec::METHODS;

/// Lowers a normalised Proxmox document.
pub fn lower_proxmox(spec: &Value) -> Api {
    let mut arena = Arena::default();
    let mut ops = Vec::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                ops.push(lower_op(path, method, operation, &mut arena));
            }
        }
    }
    ops.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    let reserved = ops.iter().map(|op| type_name(&op.id)).collect();
    let finished = arena.finish(&reserved);
    for op in &mut ops {
        op.params.iter_mut().for_each(|field| finished.resolve(&mut field.ty));
        op.returns.iter_mut().for_each(|ty| finished.resolve(ty));
    }
    let mut api =
        Api { ops, records: finished.records, enums: finished.enums, aliases: Vec::new() };
    let features = features(&api);
    super::groups::assign(&mut api, |op| feature_of(&op.path, &features));
    api
}

/// A feature per subtree below the root. Of subtrees with more operations than this, each large
/// subtree is one of its own.
const LARGE: (usize, usize) = (150, 12);

/// The subtrees that are features, by their fixed segments.
fn features(api: &Api) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for op in &api.ops {
        let fixed = fixed_segments(&op.path);
        *counts.entry(fixed.first().copied().unwrap_or_default().to_owned()).or_default() += 1;
        if let [first, second, ..] = fixed[..] {
            *counts.entry(format!("{first}-{second}")).or_default() += 1;
        }
    }
    let large = |name: &str| {
        let parent = name.split_once('-').map(|(parent, _)| counts.get(parent).copied());
        parent.flatten().is_some_and(|count| count > LARGE.0)
            && counts.get(name).is_some_and(|count| *count >= LARGE.1)
    };
    counts.keys().filter(|name| large(name)).cloned().collect()
}

fn feature_of(path: &str, features: &BTreeSet<String>) -> String {
    let fixed = fixed_segments(path);
    let two = fixed.iter().take(2).copied().collect::<Vec<_>>().join("-");
    match (features.contains(&two), fixed.first()) {
        (true, _) => two.replace('_', "-"),
        (false, Some(first)) => first.trim_matches('_').replace('_', "-"),
        (false, None) => "root".to_owned(),
    }
}

fn fixed_segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|s| !s.is_empty() && !s.starts_with('{')).collect()
}

fn permission_of(operation: &Value) -> Permission {
    match operation.get("x-proxmox-permissions") {
        Some(facts) => permission(facts),
        None => Permission::Root,
    }
}

fn permission(facts: &Value) -> Permission {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(text).collect()
    };
    let parts = |value: &Value| -> Vec<Permission> {
        value.as_array().into_iter().flatten().map(permission).collect()
    };
    let mut found = Vec::new();
    for (keyword, value) in facts.as_object().into_iter().flatten() {
        found.push(match keyword.as_str() {
            "user" if value == "world" => Permission::World,
            "user" => Permission::User,
            "path" => Permission::Privileges {
                path: text(value),
                privileges: texts(&facts["privileges"]),
                one: facts["one"] == true,
            },
            "privileges" | "one" => continue,
            "self" => Permission::Itself,
            "group" => Permission::Group(texts(value)),
            "realm" => Permission::Realm(text(value)),
            "modify" => Permission::Modify(text(value)),
            "all" => Permission::All(parts(value)),
            "any" => Permission::Any(parts(value)),
            // A rule of a newer release: what it means is upstream's text.
            _ => Permission::Told,
        });
    }
    match found.len() {
        0 => Permission::Told,
        1 => found.remove(0),
        _ => Permission::All(found),
    }
}

fn lower_op(path: &str, method: &str, operation: &Value, arena: &mut Arena) -> Op {
    let place = place_of(path, method);
    let mut params: Vec<Field> = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let in_path = parameter["in"] == "path";
        let mut field = lower_field(name, &parameter["schema"], &place, arena);
        mark_parameter(&mut field, in_path, parameter["required"] == true);
        params.push(field);
    }
    let body = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    let required = required_of(body);
    for (name, schema) in body["properties"].as_object().into_iter().flatten() {
        let mut field = lower_field(name, schema, &place, arena);
        mark_parameter(&mut field, false, required.contains(name.as_str()));
        params.push(field);
    }
    super::finish_fields(&mut params);
    let returns = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    Op {
        id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        group: place.group.clone(),
        feature: String::new(),
        flags: flags_of(operation, &params),
        params,
        filters: Vec::new(),
        body: None,
        returns: lower_returns(returns, &place, arena),
        availability: Availability::of(operation),
        permission: Some(permission_of(operation)),
    }
}

fn mark_parameter(field: &mut Field, in_path: bool, required: bool) {
    if required {
        field.flags.push("REQUIRED");
    }
    if in_path {
        field.flags.push("PATH");
        field.presence = Presence::Plain;
        // A value that the path cannot carry as it is would be a different path.
        if !matches!(field.ty, Type::Int | Type::Text) {
            field.ty = Type::Text;
        }
    }
    field.flags.sort_unstable();
}

fn flags_of(operation: &Value, params: &[Field]) -> Vec<&'static str> {
    let has = |name: &str| params.iter().any(|field| field.wire == name);
    let mut flags = Vec::new();
    for (keyword, flag) in [
        ("x-proxmox-download", "DOWNLOAD"),
        ("x-proxmox-no-token", "NO_TOKEN"),
        ("x-proxmox-protected", "PROTECTED"),
        ("x-proxmox-proxyto", "PROXIED"),
        ("x-proxmox-unstable", "UNSTABLE"),
    ] {
        if !operation[keyword].is_null() {
            flags.push(flag);
        }
    }
    // Nothing says that a file is expected but the name of the server's temporary copy.
    if has("tmpfilename") {
        flags.push("UPLOAD");
    }
    flags
}

fn lower_returns(schema: &Value, place: &Place, arena: &mut Arena) -> Option<Type> {
    if schema["x-proxmox-null"] == true {
        return None;
    }
    let identity = schema["x-proxmox-identity"].as_str();
    Some(match schema["type"].as_str() {
        Some("array") => {
            let row = row_place(place);
            Type::List(Box::new(lower_object(&schema["items"], identity, &row, arena)))
        }
        _ => lower_object(schema, None, place, arena),
    })
}

fn row_place(place: &Place) -> Place {
    let names = place.names.iter().map(|name| format!("{name}Row")).collect();
    Place { names, ..place.clone() }
}

/// An object with the field that tells it from others, or whatever else the schema says.
fn lower_object(schema: &Value, identity: Option<&str>, place: &Place, arena: &mut Arena) -> Type {
    let mut properties: BTreeMap<&String, &Value> = BTreeMap::new();
    add_members(schema, &mut properties);
    if properties.is_empty() {
        return lower_type(schema, place, arena);
    }
    let fields = properties.into_iter().map(|(name, schema)| {
        let mut field = lower_field(name, schema, place, arena);
        if identity == Some(name.as_str()) && matches!(field.ty, Type::Int | Type::Text) {
            field.presence = Presence::Plain;
            field.flags.push("IDENTITY");
        }
        field
    });
    let mut fields: Vec<Field> = fields.collect();
    // The answer to whoever makes a token: its name, and the secret as a mere `value`.
    if fields.iter().any(|field| matches!(field.wire.as_str(), "full-tokenid" | "tokenid")) {
        for field in fields.iter_mut().filter(|field| field.wire == "value") {
            field.flags.push("SECRET");
        }
    }
    Type::Record(arena.record(fields, None, place))
}

/// Members of the object and of the branches of a union, which are told apart at run time: here
/// their fields are all optional.
fn add_members<'a>(schema: &'a Value, found: &mut BTreeMap<&'a String, &'a Value>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        found.entry(name).or_insert(schema);
    }
    for branch in schema["x-proxmox-one-of"].as_array().into_iter().flatten() {
        add_members(branch, found);
    }
}

fn lower_field(name: &str, schema: &Value, place: &Place, arena: &mut Arena) -> Field {
    let ty = lower_type(schema, &place.inner(name), arena);
    let (ty, wire) = match name.strip_suffix("[n]") {
        Some(_) => (Type::Indexed(Box::new(ty)), name),
        None => (ty, name),
    };
    // A property string is a secret as a whole if one of its keys is.
    let keys = schema["x-proxmox-property"]["properties"].as_object().into_iter().flatten();
    let secret = is_secret(wire)
        || keys.into_iter().any(|(key, rules)| is_secret(key) && rules["enum"].is_null());
    let flags = if secret { vec!["SECRET"] } else { Vec::new() };
    let presence = match ty {
        Type::Indexed(_) => Presence::Plain,
        _ => Presence::Optional,
    };
    let rules = Rules::of(schema);
    Field { wire: wire.to_owned(), rust: String::new(), ty, presence, flags, rules }
}

fn lower_type(schema: &Value, place: &Place, arena: &mut Arena) -> Type {
    match schema["type"].as_str() {
        Some("boolean") => Type::Bool,
        Some("integer") => Type::Int,
        Some("number") => Type::Float,
        Some("string") => lower_text(schema, place, arena),
        Some("array") => Type::List(Box::new(lower_object(&schema["items"], None, place, arena))),
        Some("object") | None if has_members(schema) => lower_object(schema, None, place, arena),
        _ => Type::Any,
    }
}

/// Whether the object's members are described, if only in the branches of a union.
fn has_members(schema: &Value) -> bool {
    let properties = schema["properties"].as_object().is_some_and(|members| !members.is_empty());
    let branches = schema["x-proxmox-one-of"].as_array().into_iter().flatten();
    properties || branches.into_iter().any(has_members)
}

fn lower_text(schema: &Value, place: &Place, arena: &mut Arena) -> Type {
    if let Some(property) = schema["x-proxmox-property"].as_object() {
        let property = Value::Object(property.clone());
        return Type::Property(lower_property(&property, place, arena));
    }
    let values: Vec<String> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    arena.text(&values, place)
}

fn lower_property(schema: &Value, place: &Place, arena: &mut Arena) -> String {
    let required = required_of(schema);
    let mut fields = Vec::new();
    let mut aliases = Vec::new();
    let mut key_aliases = Vec::new();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let alias = schema["x-proxmox-alias"].as_str();
        match (alias, schema["x-proxmox-key-alias"].as_str()) {
            (Some(value), Some(key)) => {
                key_aliases.push((name.clone(), key.to_owned(), value.to_owned()));
            }
            (Some(target), None) => aliases.push((name.clone(), target.to_owned())),
            (None, _) => {
                let mut field = lower_field(name, schema, place, arena);
                if required.contains(name.as_str()) {
                    field.flags.push("REQUIRED");
                    field.flags.sort_unstable();
                }
                fields.push(field);
            }
        }
    }
    aliases.sort();
    key_aliases.sort();
    let default_key = schema["x-proxmox-default-key"].as_str().map(str::to_owned);
    arena.record(fields, Some(Property { default_key, aliases, key_aliases }), place)
}

fn required_of(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Names for what an operation returns, and its file: one per subtree of the API.
fn place_of(path: &str, method: &str) -> Place {
    let fixed = fixed_segments(path);
    let all: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let short = match fixed[..] {
        ["nodes", _, _, ..] => &fixed[1..],
        _ => &fixed[..],
    };
    let short = type_name(&short.join("_"));
    let fixed_name = type_name(&fixed.join("_"));
    let long = type_name(&all.join("_"));
    let verb = type_name(&method.to_lowercase());
    let mut names = vec![short, fixed_name, long.clone(), format!("{long}{verb}")];
    if method != "get" {
        // What a GET answers has the better claim to the plain name.
        names.iter_mut().for_each(|name| *name = format!("{name}{verb}"));
    }
    // A name needs a first letter.
    for name in &mut names {
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            name.insert_str(0, if name.is_empty() { "Root" } else { "N" });
        }
    }
    names.dedup();
    let group = fixed
        .iter()
        .take(3)
        .map(|s| s.replace(|c: char| !c.is_alphanumeric(), "_").trim_matches('_').to_owned());
    let group = group.collect::<Vec<_>>().join("_");
    Place {
        names,
        group: match group.as_str() {
            "" => "root".to_owned(),
            _ => crate::names::field_name(&group),
        },
        origin: format!("{} {path}", method.to_uppercase()),
    }
}
