//! Storages and what is on them.

use serde_json::{Map, Value, json};

use super::{need, node_name};
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed};
use crate::mock::call::Call;
use crate::mock::upload::SIZE;
use crate::mock::volumes::{is_shared, own_disks};
use crate::mock::{Cluster, Guest, property};
use crate::parse::{disk_size, split_list};

const TIB: u64 = 1 << 40;

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    if !cluster.may("Datastore.Audit") {
        return data(json!([]));
    }
    let kind = call.text("type");
    let wanted = |row: &&Map<String, Value>| {
        kind.as_deref().is_none_or(|kind| row.get("type").is_some_and(|found| found == kind))
    };
    data(cluster.storages.values().filter(wanted).cloned().collect::<Vec<_>>())
}

pub(crate) fn get(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, &format!("/storage/{}", call.at("storage")), "Datastore.Allocate")?;
    data(find(cluster, call)?.clone())
}

pub(crate) fn create(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/storage", "Datastore.Allocate")?;
    let name = call.text("storage").unwrap_or_default();
    if cluster.storages.contains_key(&name) {
        return Err(failed(format!("create storage failed: storage ID '{name}' already defined")));
    }
    let kind = call.text("type").unwrap_or_default();
    cluster.storages.insert(name.clone(), call.params.clone());
    data(json!({ "storage": name, "type": kind }))
}

pub(crate) fn update(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/storage", "Datastore.Allocate")?;
    let kind = find(cluster, call)?.get("type").cloned().unwrap_or_default();
    if let Some(storage) = cluster.storages.get_mut(call.at("storage")) {
        for key in split_list(&call.text("delete").unwrap_or_default()) {
            storage.remove(key);
        }
        let params =
            call.params.iter().filter(|(key, _)| !matches!(key.as_str(), "delete" | "digest"));
        storage.extend(params.map(|(key, value)| (key.clone(), value.clone())));
    }
    data(json!({ "storage": call.at("storage"), "type": kind }))
}

pub(crate) fn remove(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/storage", "Datastore.Allocate")?;
    find(cluster, call)?;
    cluster.storages.remove(call.at("storage"));
    data(Value::Null)
}

pub(crate) fn of_node(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    if !cluster.may("Datastore.Audit") {
        return data(json!([]));
    }
    let wanted = call.text("content");
    let here = cluster.storages.iter().filter(|(_, storage)| {
        let content = text(storage, "content");
        is_on(storage, &node)
            && wanted.as_deref().is_none_or(|wanted| split_list(content).contains(&wanted))
    });
    data(here.map(|(name, storage)| node_row(name, storage)).collect::<Vec<Value>>())
}

pub(crate) fn status(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut row = node_row(call.at("storage"), find(cluster, call)?);
    if let Some(row) = row.as_object_mut() {
        row.remove("storage");
    }
    data(row)
}

pub(crate) fn content(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    let name = call.at("storage");
    let storage = find(cluster, call)?;
    if !is_on(storage, &node) {
        return Err(failed(format!("storage '{name}' is not available on node '{node}'")));
    }
    let shared = is_shared(storage);
    let here = |place: &str| shared || place == node;
    let mut rows: Vec<Value> = Vec::new();
    for guest in cluster.visible().filter(|guest| here(&guest.node)) {
        rows.extend(disks(cluster, guest, name));
    }
    for volume in cluster.volumes.iter().filter(|volume| text(volume, "storage") == name) {
        if volume.get("node").and_then(Value::as_str).is_none_or(here) {
            let mut volume = volume.clone();
            volume.remove("storage");
            volume.remove("node");
            rows.push(volume.into());
        }
    }
    let wanted = call.text("content");
    let vmid = call.number("vmid");
    rows.retain(|row| {
        wanted.as_deref().is_none_or(|wanted| row["content"] == wanted)
            && vmid.is_none_or(|vmid| row["vmid"] == vmid)
    });
    data(rows)
}

/// Volumes of a guest on a storage that only its configuration tells of.
fn disks(cluster: &Cluster, guest: &Guest, storage: &str) -> Vec<Value> {
    let known = |volid: &str| cluster.volumes.iter().any(|row| text(row, "volid") == volid);
    let row = |(key, volid): (String, String)| {
        if volid.split(':').next() != Some(storage) || known(&volid) {
            return None;
        }
        let value = guest.text(&key).unwrap_or_default();
        Some(json!({
            "volid": volid,
            "vmid": guest.vmid,
            "content": if guest.kind.as_str() == "lxc" { "rootdir" } else { "images" },
            "format": "raw",
            "size": property::value(&value, "size").and_then(disk_size).unwrap_or(0),
            // lvmthin writes its times as text.
            "ctime": "1606311524",
        }))
    };
    own_disks(guest).into_iter().filter_map(row).collect()
}

/// Rows of `/cluster/resources`: one per node, for shared storages too.
pub(crate) fn resources(cluster: &Cluster) -> Vec<Value> {
    if !cluster.may("Datastore.Audit") {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for node in &cluster.nodes {
        for (name, storage) in cluster.storages.iter().filter(|(_, s)| is_on(s, &node.name)) {
            let mut row = json!({
                "id": format!("storage/{}/{name}", node.name),
                "type": "storage",
                "storage": name,
                "node": node.name,
                "shared": u8::from(is_shared(storage)),
                "status": if node.online { "available" } else { "unknown" },
                "plugintype": text(storage, "type"),
                "content": text(storage, "content"),
            });
            if node.online {
                row["disk"] = (TIB / 4).into();
                row["maxdisk"] = TIB.into();
            }
            rows.push(row);
        }
    }
    rows
}

fn node_row(name: &str, storage: &Map<String, Value>) -> Value {
    json!({
        "storage": name,
        "type": text(storage, "type"),
        "content": text(storage, "content"),
        "active": 1,
        "enabled": 1,
        "shared": u8::from(is_shared(storage)),
        "total": TIB,
        "used": TIB / 4,
        "avail": TIB / 4 * 3,
        "used_fraction": 0.25,
    })
}

fn find<'a>(cluster: &'a Cluster, call: &Call) -> Result<&'a Map<String, Value>, Refusal> {
    let name = call.at("storage");
    let missing = || failed(format!("storage '{name}' does not exist"));
    cluster.storages.get(name).ok_or_else(missing)
}

fn text<'a>(storage: &'a Map<String, Value>, key: &str) -> &'a str {
    storage.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_on(storage: &Map<String, Value>, node: &str) -> bool {
    let nodes = split_list(text(storage, "nodes"));
    nodes.is_empty() || nodes.contains(&node)
}

/// Takes a file: its name and size become a volume when the task ends.
pub(crate) fn upload(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, name) = (node_name(cluster, call), call.at("storage").to_owned());
    let storage = find(cluster, call)?;
    let content = call.text("content").unwrap_or_default();
    if matches!(text(storage, "type"), "lvm" | "lvmthin" | "rbd" | "zfspool") {
        let kind = text(storage, "type");
        return Err(failed(format!("can't upload to storage type '{kind}'")));
    }
    if !text(storage, "content").split(',').any(|one| one == content) {
        return Err(failed(format!("storage '{name}' does not support '{content}' content")));
    }
    let file = call.text("filename").unwrap_or_default();
    let file = file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let fits = match content.as_str() {
        "iso" => file.ends_with(".iso") || file.ends_with(".img"),
        "vztmpl" => file.contains(".tar."),
        _ => true,
    };
    if !fits {
        return Err(bad_param("filename", "wrong file extension"));
    }
    let size = call.number(SIZE).unwrap_or(0);
    let volid = format!("{name}:{content}/{file}");
    let mut volume = json!({
        "storage": name, "volid": volid, "content": content, "size": size, "ctime": cluster.clock,
        "format": if content == "iso" { "iso" } else { "raw" },
    });
    if !is_shared(find(cluster, call)?) {
        volume["node"] = node.as_str().into();
    }
    data(cluster.spawn(&node, ("imgcopy", ""), &call.user, add(volume)))
}

/// Adds a volume, or puts it in the place of the one with its name.
fn add(volume: Value) -> impl Fn(&mut Cluster) + Send + Sync + 'static {
    move |cluster| {
        let Some(row) = volume.as_object() else { return };
        let same = |known: &Map<String, Value>| {
            known.get("volid") == row.get("volid") && known.get("node") == row.get("node")
        };
        cluster.volumes.retain(|known| !same(known));
        cluster.volumes.push(row.clone());
    }
}

/// The volume of the path; a name without its storage is of the storage of the path.
fn volume_of(call: &Call) -> String {
    let (storage, volume) = (call.at("storage"), call.at("volume"));
    if volume.contains(':') { volume.to_owned() } else { format!("{storage}:{volume}") }
}

/// Removes a file when the task ends; disks of guests are not touched.
pub(crate) fn remove_volume(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, volid) = (node_name(cluster, call), volume_of(call));
    let found = cluster.volumes.iter().find(|volume| text(volume, "volid") == volid);
    let found = found.ok_or_else(|| failed(format!("volume '{volid}' does not exist")))?;
    if found.get("protected").is_some_and(|protected| protected == 1) {
        return Err(failed(format!("cannot remove protected volume '{volid}'")));
    }
    let storage = call.at("storage").to_owned();
    let id = match found.get("vmid") {
        Some(vmid) => format!("{vmid}@{storage}"),
        None => storage,
    };
    data(cluster.spawn(&node, ("imgdel", &id), &call.user, move |cluster| {
        cluster.free_volume(&volid);
    }))
}
