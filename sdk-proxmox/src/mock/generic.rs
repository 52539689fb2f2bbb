//! State for everything that looks like a collection, by the shape of the API alone.
//!
//! A path below which a POST creates and a GET, PUT or DELETE of `{id}` finds what was created is a
//! collection: users, roles, HA resources, firewall rules, SDN zones, datastores, remotes. A path with
//! PUT and GET is a setting. What is neither is answered from the description, and a call that
//! answers a text starts a task that does nothing; [`Cluster::strict`] refuses both instead.

use std::collections::BTreeMap;

use proxbox_runtime::{FieldFlags, Kind, Method, Op};
use serde_json::{Map, Value};

use super::answer::{Outcome, Refusal, data, failed, refuse};
use super::call::Call;
use super::{Cluster, filled, route, shape, words};
use crate::Product;

/// What was created, by the path of the collection, in the order of creation.
pub(crate) type Stored = BTreeMap<Vec<String>, Vec<Map<String, Value>>>;

/// Parameters that say how to change and are no part of what is stored.
const NOT_STORED: &[&str] =
    &["delete", "digest", "force", "moveto", "password", "purge", "keep-refs"];

/// Answers a call that no handler is written for.
pub(crate) fn answer(cluster: &mut Cluster, call: &Call) -> Outcome {
    let path = &call.place();
    let shape = Shape::of(cluster.product, call.op, path);
    match (call.op.method, &shape) {
        (Method::Get, Shape::Collection { key }) => data(rows(cluster, call, path, key)),
        (Method::Get, Shape::Item { parent, key }) => {
            let found = find(cluster, call, parent, key, path)?;
            data(cluster.stored[parent][found].clone())
        }
        (Method::Get, Shape::Setting) => {
            let mut value = shape::defaults(&call.op.returns);
            if let Some(set) = cluster.stored.get(path).and_then(|set| set.first()) {
                value.extend(set.clone());
            }
            data(value)
        }
        (Method::Post, Shape::Collection { key }) => create(cluster, call, path, key),
        (Method::Post, Shape::Item { parent, key }) => {
            let mut item = stored_part(call);
            item.insert(key.clone(), last(path));
            insert(cluster, call, parent, key, item)?;
            done(cluster, call)
        }
        (Method::Put, Shape::Item { parent, key }) => {
            let found = find(cluster, call, parent, key, path)?;
            let all = cluster.stored.entry(parent.clone()).or_default();
            change(&mut all[found], call);
            let last = all.len() - 1;
            if let Some(to) = call.number("moveto").and_then(|to| usize::try_from(to).ok()) {
                let moved = all.remove(found);
                all.insert(to.min(last), moved);
            }
            done(cluster, call)
        }
        (Method::Put, Shape::Setting) => {
            let all = cluster.stored.entry(path.clone()).or_default();
            if all.is_empty() {
                all.push(Map::new());
            }
            change(&mut all[0], call);
            done(cluster, call)
        }
        (Method::Delete, Shape::Item { parent, key }) => {
            let found = find(cluster, call, parent, key, path)?;
            is_empty(cluster, call, path)?;
            cluster.stored.entry(parent.clone()).or_default().remove(found);
            cluster.stored.remove(path);
            done(cluster, call)
        }
        _ if cluster.strict => Err(refuse(
            501,
            format!("Method '{} /{}' not implemented", call.op.method, path.join("/")),
        )),
        (Method::Get, _) => data(shape::sample(&call.op.returns, cluster.product)),
        _ => done(cluster, call),
    }
}

/// What a path is, judged by the operations around it.
enum Shape {
    /// Something is created below it; `key` tells one from another.
    Collection { key: String },
    /// One of a collection.
    Item { parent: Vec<String>, key: String },
    /// Read and set as a whole.
    Setting,
    /// None of these.
    Other,
}

impl Shape {
    fn of(product: Product, op: &Op, path: &[String]) -> Self {
        let has = |method, template: &str| route::op(product, method, template).is_some();
        let item = route::child(product, op.path);
        let listed = op.method != Method::Get || matches!(op.returns, Kind::List(_));
        if let Some((child, key)) = &item
            && !matches!(op.method, Method::Put | Method::Delete)
            && names(product, op.path, key)
            && [Method::Get, Method::Put, Method::Delete].iter().any(|m| has(*m, child))
            && listed
        {
            return Self::Collection { key: (*key).to_owned() };
        }
        // Tokens are created at a path of their own, and listed at the one above.
        if let Some((child, key)) = &item
            && op.method == Method::Get
            && listed
            && has(Method::Post, child)
            && has(Method::Delete, child)
        {
            return Self::Collection { key: (*key).to_owned() };
        }
        let is_one = op.method != Method::Get || is_object(&op.returns);
        if let Some((parent, _)) = op.path.rsplit_once('/')
            && let Some(key) = parameter(op.path)
            && match op.method {
                // Beside a POST that creates by name, one at the item does something with it.
                Method::Post => !has(Method::Post, parent) && item.is_none(),
                _ => {
                    names(product, parent, key)
                        || (has(Method::Post, op.path) && !has(Method::Post, parent))
                }
            }
            && [Method::Put, Method::Delete].iter().any(|m| has(*m, op.path))
            && is_one
        {
            let parent = path[..path.len().saturating_sub(1)].to_vec();
            return Self::Item { parent, key: key.to_owned() };
        }
        let is_setting = route::op(product, Method::Get, op.path)
            .is_some_and(|read| is_object(&read.returns))
            && has(Method::Put, op.path);
        if is_setting { Self::Setting } else { Self::Other }
    }
}

/// The parameter that a path ends in.
fn parameter(template: &str) -> Option<&str> {
    template.rsplit('/').next()?.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a POST there creates something that is told apart by `key`.
fn names(product: Product, template: &str, key: &str) -> bool {
    let post = route::op(product, Method::Post, template);
    post.is_some_and(|post| {
        is_place(key) || post.params.field(key).is_some_and(|f| !matches!(f.kind, Kind::List(_)))
    })
}

fn is_object(returns: &Kind) -> bool {
    matches!(returns, Kind::Record(_) | Kind::Map | Kind::Any)
}

fn last(path: &[String]) -> Value {
    Value::from(path.last().cloned().unwrap_or_default())
}

/// Rules of a firewall have a place instead of a name.
fn is_place(key: &str) -> bool {
    key == "pos"
}

fn rows(cluster: &Cluster, call: &Call, path: &[String], key: &str) -> Vec<Value> {
    let stored = cluster.stored.get(path).map(Vec::as_slice).unwrap_or_default();
    let row = |(place, item): (usize, &Map<String, Value>)| {
        let mut row = item.clone();
        if is_place(key) {
            row.insert(key.to_owned(), place.into());
            row.insert("digest".to_owned(), cluster.digest().into());
        }
        // The key has another name in some lists.
        if let Some(identity) = identity(&call.op.returns)
            && !row.contains_key(identity)
            && let Some(value) = row.get(key).cloned()
        {
            row.insert(identity.to_owned(), value);
        }
        Value::from(row)
    };
    stored.iter().enumerate().map(row).collect()
}

/// The field that tells a list's rows apart.
fn identity(returns: &Kind) -> Option<&'static str> {
    let Kind::List(Kind::Record(schema)) = returns else { return None };
    schema.fields.iter().find(|field| field.flags.has(FieldFlags::IDENTITY)).map(|field| field.name)
}

fn find(
    cluster: &Cluster,
    call: &Call,
    parent: &[String],
    key: &str,
    path: &[String],
) -> Result<usize, Refusal> {
    let wanted = plain(&last(path));
    let all = cluster.stored.get(parent).map(Vec::as_slice).unwrap_or_default();
    let found = match is_place(key) {
        true => wanted.parse().ok().filter(|place| *place < all.len()),
        false => all.iter().position(|item| item.get(key).is_some_and(|id| plain(id) == wanted)),
    };
    found.ok_or_else(|| {
        let what = named(parent);
        let collection = call.op.path.rsplit_once('/').map_or("", |(above, _)| above);
        match cluster.product {
            Product::Pve => words::missing(collection, &wanted)
                .unwrap_or_else(|| failed(format!("no such {what} '{wanted}'"))),
            Product::Pbs | Product::Pdm => refuse(404, format!("no such {what} '{wanted}'")),
        }
    })
}

/// What the members of a collection are called.
fn named(collection: &[String]) -> &str {
    let name = collection.last().map_or("entry", String::as_str);
    name.strip_suffix('s').unwrap_or(name)
}

/// Sets and groups of a firewall are removed when nothing is in them.
fn is_empty(cluster: &Cluster, call: &Call, path: &[String]) -> Result<(), Refusal> {
    let holds = cluster.stored.get(path).is_some_and(|entries| !entries.is_empty());
    let kind = match call.op.path {
        template if template.ends_with("/firewall/groups/{group}") => "Security group",
        template if template.ends_with("/firewall/ipset/{name}") => "IPSet",
        _ => return Ok(()),
    };
    let name = path.last().map_or("", String::as_str);
    match holds && !call.flag("force") {
        true => Err(failed(format!("{kind} '{name}' is not empty"))),
        false => Ok(()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn create(cluster: &mut Cluster, call: &Call, path: &[String], key: &str) -> Outcome {
    let mut item = stored_part(call);
    filled::fill(cluster, call, &mut item);
    if is_place(key) {
        let at = call.number("pos").and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        item.remove(key);
        let all = cluster.stored.entry(path.to_vec()).or_default();
        all.insert(at.min(all.len()), item);
        return done(cluster, call);
    }
    let id = item.get(key).cloned().unwrap_or_else(|| {
        let known = cluster.stored.get(path).map(Vec::as_slice).unwrap_or_default();
        let free = |id: &Value| known.iter().all(|row| row.get(key) != Some(id));
        let ids = (1..).map(|number| Value::from(format!("{}-{number}", named(path))));
        ids.into_iter().find(free).unwrap_or_default()
    });
    item.insert(key.to_owned(), id);
    insert(cluster, call, path, key, item)?;
    done(cluster, call)
}

fn insert(
    cluster: &mut Cluster,
    call: &Call,
    parent: &[String],
    key: &str,
    item: Map<String, Value>,
) -> Result<(), Refusal> {
    let all = cluster.stored.entry(parent.to_vec()).or_default();
    let id = item.get(key).map(plain).unwrap_or_default();
    if all.iter().any(|known| known.get(key).map(plain).as_ref() == Some(&id)) {
        let plain = || failed(format!("{} '{id}' already exists", named(parent)));
        return Err(words::taken(call.op.path, &id).unwrap_or_else(plain));
    }
    all.push(item);
    Ok(())
}

/// The parameters that are kept: all that the description knows and that are no path, no secret.
pub(crate) fn stored_part(call: &Call) -> Map<String, Value> {
    let keep = |(name, value): (&String, &Value)| {
        let field = call.op.params.field(name)?;
        let kept = !NOT_STORED.contains(&name.as_str())
            && !field.flags.has(FieldFlags::SECRET)
            && !field.flags.has(FieldFlags::PATH);
        kept.then(|| (name.clone(), as_kind(&field.kind, value)))
    };
    call.params.iter().filter_map(keep).collect()
}

/// A form's text as the number that it is.
fn as_kind(kind: &Kind, value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    match kind {
        Kind::Int => text.parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        Kind::Float => text.parse::<f64>().map_or_else(|_| value.clone(), Value::from),
        Kind::Bool => match value {
            Value::Bool(truth) => u8::from(*truth).into(),
            _ => text.parse::<u8>().map_or_else(|_| value.clone(), Value::from),
        },
        Kind::List(_) if !value.is_array() => Value::from(vec![value.clone()]),
        _ => value.clone(),
    }
}

fn change(item: &mut Map<String, Value>, call: &Call) {
    for name in crate::parse::split_list(&call.text("delete").unwrap_or_default()) {
        item.remove(name);
    }
    item.extend(stored_part(call));
}

/// What a change answers: nothing, a task, or what the description says.
fn done(cluster: &mut Cluster, call: &Call) -> Outcome {
    match call.op.returns {
        Kind::Text => {
            let node = call.path.get("node").cloned();
            let first = cluster.nodes.first().map(|node| node.name.clone());
            let node = node.filter(|node| node != "localhost").or(first);
            let mut words = call.op.path.rsplit('/').filter(|part| !part.starts_with('{'));
            let kind =
                words.next().unwrap_or("task").replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let id = call.path.get("vmid").cloned().unwrap_or_default();
            let node = node.unwrap_or_else(|| "localhost".to_owned());
            data(cluster.spawn(&node, (&kind, &id), &call.user, |_| {}))
        }
        ref kind => data(shape::sample(kind, cluster.product)),
    }
}

/// Fills a collection; gives the value back where the path is none, or a handler's own.
pub(crate) fn seed(cluster: &mut Cluster, path: &str, value: Value) -> Result<(), Value> {
    let Some(matched) = route::find(cluster.product, "GET", path) else { return Err(value) };
    let call =
        Call { op: matched.op, path: matched.values, params: Map::new(), user: String::new() };
    let place = call.place();
    let is_ours = super::api::handler(cluster.product, call.op).is_none();
    let shape = Shape::of(cluster.product, call.op, &place);
    let (true, Shape::Collection { .. }, Value::Array(rows)) = (is_ours, shape, &value) else {
        return Err(value);
    };
    let rows = rows.iter().filter_map(|row| row.as_object().cloned()).collect();
    cluster.stored.insert(place, rows);
    Ok(())
}

/// Calls below a guest that is not there fail by its configuration file.
pub(crate) fn guest_is_there(cluster: &Cluster, call: &Call) -> Result<(), Refusal> {
    let below = ["/nodes/{node}/qemu/{vmid}", "/nodes/{node}/lxc/{vmid}"];
    if cluster.product != Product::Pve || !below.iter().any(|path| call.op.path.starts_with(path)) {
        return Ok(());
    }
    let (vmid, kind) = (call.vmid(), call.kind());
    match cluster.guests.get(&vmid) {
        Some(guest) if guest.kind == kind && !guest.hidden => Ok(()),
        Some(guest) if guest.hidden => {
            Err(refuse(403, format!("Permission check failed (/vms/{vmid}, VM.Audit)")))
        }
        _ => {
            let file = super::Guest::config_file(call.at("node"), kind, vmid);
            Err(failed(format!("Configuration file '{file}' does not exist")))
        }
    }
}
