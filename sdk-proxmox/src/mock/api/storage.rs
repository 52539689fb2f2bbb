//! Storages and what is on them.

use serde_json::{Map, Value, json};

use super::{need, node_name};
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed};
use crate::mock::call::Call;
use crate::mock::upload::SIZE;
use crate::mock::volumes::{is_shared, own_disks};
use crate::mock::{Cluster, Guest, generic, property};
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
    let mut row = find(cluster, call)?.clone();
    row.insert("digest".into(), cluster.digest().into());
    data(row)
}

pub(crate) fn create(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/storage", "Datastore.Allocate")?;
    let name = call.text("storage").unwrap_or_default();
    if cluster.storages.contains_key(&name) {
        return Err(failed(format!("create storage failed: storage ID '{name}' already defined")));
    }
    let kind = call.text("type").unwrap_or_default();
    cluster.storages.insert(name.clone(), generic::stored_part(call));
    data(json!({ "storage": name, "type": kind }))
}

pub(crate) fn update(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/storage", "Datastore.Allocate")?;
    let kind = find(cluster, call)?.get("type").cloned().unwrap_or_default();
    if let Some(storage) = cluster.storages.get_mut(call.at("storage")) {
        for key in split_list(&call.text("delete").unwrap_or_default()) {
            storage.remove(key);
        }
        storage.extend(generic::stored_part(call));
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
    if is_disabled(storage) {
        return Err(failed(format!("storage '{name}' is disabled")));
    }
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
        "active": u8::from(!is_disabled(storage)),
        "enabled": u8::from(!is_disabled(storage)),
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

fn is_disabled(storage: &Map<String, Value>) -> bool {
    storage.get("disable").is_some_and(|flag| *flag == 1)
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
    if let Some(error) = wrong_checksum(call) {
        return data(cluster.spawn_failing(&node, ("imgcopy", ""), &call.user, error));
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

/// What is wrong with a file whose checksum was sent with it.
fn wrong_checksum(call: &Call) -> Option<String> {
    let wanted = call.text("checksum")?;
    let came = call.text(&format!("({})", call.text("checksum-algorithm")?))?;
    (came != wanted).then(|| format!("checksum mismatch: got '{came}' != expect '{wanted}'"))
}

/// Lets the node fetch a file, which is there when the task ends.
pub(crate) fn download(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, name) = (node_name(cluster, call), call.at("storage").to_owned());
    find(cluster, call)?;
    let (content, file) = (call.text("content"), call.text("filename").unwrap_or_default());
    let content = content.unwrap_or_else(|| "iso".to_owned());
    let mut volume = json!({
        "storage": name, "volid": format!("{name}:{content}/{file}"), "content": content,
        "size": 1_048_576, "ctime": cluster.clock,
        "format": if content == "iso" { "iso" } else { "raw" },
    });
    if !is_shared(find(cluster, call)?) {
        volume["node"] = node.as_str().into();
    }
    data(cluster.spawn(&node, ("download", &file), &call.user, add(volume)))
}

/// Makes a volume of a guest by name.
pub(crate) fn allocate(cluster: &mut Cluster, call: &Call) -> Outcome {
    find(cluster, call)?;
    let (name, file) = (call.at("storage").to_owned(), call.text("filename").unwrap_or_default());
    let vmid = call.number("vmid").and_then(|vmid| u32::try_from(vmid).ok()).unwrap_or(0);
    let size = call.text("size").unwrap_or_default();
    // A number alone is KiB.
    let bytes = match size.parse::<u64>() {
        Ok(kib) => kib.saturating_mul(1024),
        Err(_) => disk_size(&size).unwrap_or(0),
    };
    let node = node_name(cluster, call);
    let owner = match cluster.guests.get(&vmid) {
        Some(guest) => guest.clone(),
        None => Guest::new(vmid, crate::mock::GuestKind::Qemu, &node),
    };
    data(cluster.allocate(&name, &owner, bytes, Some(&file))?)
}

/// A volume: what can be said of it without opening it.
pub(crate) fn volume(cluster: &mut Cluster, call: &Call) -> Outcome {
    let volid = volume_of(call);
    let found = cluster.volumes.iter().find(|volume| text(volume, "volid") == volid);
    let size = cluster.volume_size(&volid);
    let missing = || failed(format!("volume '{volid}' does not exist"));
    let size = size.ok_or_else(missing)?;
    let (storage, name) = volid.split_once(':').unwrap_or_default();
    let base =
        cluster.storages.get(storage).map(|storage| text(storage, "path")).unwrap_or("/dev/pve");
    let folder = if name.starts_with("iso/") { "template/iso" } else { "dump" };
    let file = name.rsplit('/').next().unwrap_or_default();
    let format = found.map_or("raw", |volume| text(volume, "format"));
    let mut answer = json!({
        "path": format!("{base}/{folder}/{file}"), "size": size, "used": size, "format": format,
    });
    for key in ["notes", "protected"] {
        if let Some(value) = found.and_then(|volume| volume.get(key)) {
            answer[key] = value.clone();
        }
    }
    data(answer)
}

/// Changes the notes and the protection of a backup.
pub(crate) fn describe_volume(cluster: &mut Cluster, call: &Call) -> Outcome {
    let volid = volume_of(call);
    cluster
        .volume_size(&volid)
        .ok_or_else(|| failed(format!("volume '{volid}' does not exist")))?;
    let changes = generic::stored_part(call);
    cluster.change_volume(&volid, |volume| {
        volume.extend(changes);
        if volume.get("protected").is_some_and(|protected| *protected == 0) {
            volume.remove("protected");
        }
    });
    data(Value::Null)
}

/// Removes a file, or a disk, when the task ends.
pub(crate) fn remove_volume(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, volid) = (node_name(cluster, call), volume_of(call));
    let storage = call.at("storage").to_owned();
    cluster
        .volume_size(&volid)
        .ok_or_else(|| failed(format!("volume '{volid}' does not exist")))?;
    let found = cluster.volumes.iter().find(|volume| text(volume, "volid") == volid);
    let id = match found.and_then(|volume| volume.get("vmid")) {
        Some(vmid) => format!("{vmid}@{storage}"),
        None => storage.clone(),
    };
    if found.is_some_and(|volume| volume.get("protected").is_some_and(|protected| *protected == 1))
    {
        let name = volid.split_once(':').map_or(volid.as_str(), |(_, name)| name);
        let error = format!("cannot remove protected volume '{name}' on '{storage}'");
        return data(cluster.spawn_failing(&node, ("imgdel", &id), &call.user, error));
    }
    data(cluster.spawn(&node, ("imgdel", &id), &call.user, move |cluster| {
        cluster.free_volume(&volid);
    }))
}
