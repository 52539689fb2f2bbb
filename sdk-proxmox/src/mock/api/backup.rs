//! Backups of guests: made by a task, restored as new guests, thinned out.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{need, node_name};
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed};
use crate::mock::api::disks::copy_disks;
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, GuestKind, property};
use crate::parse::split_list;

/// Backs up the named guests, or all of the node, or of a pool.
pub(crate) fn make(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    let storage = call.text("storage").unwrap_or_else(|| "local".to_owned());
    let takes = cluster.storages.get(&storage);
    let takes = takes.ok_or_else(|| failed(format!("storage '{storage}' does not exist")))?;
    let content = takes.get("content").and_then(Value::as_str).unwrap_or_default();
    if !split_list(content).contains(&"backup") {
        let text = format!("storage '{storage}' does not support backups");
        return Err(bad_param("storage", text));
    }
    let named = call.text("vmid").unwrap_or_default();
    let named: Vec<u32> = split_list(&named).iter().filter_map(|id| id.parse().ok()).collect();
    let (all, pool) = (call.flag("all"), call.text("pool"));
    if named.is_empty() && !all && pool.is_none() {
        return Err(failed("no guests selected: you have to specify VMIDs, a pool or all"));
    }
    let wanted = |guest: &&Guest| {
        guest.node == node
            && (all || named.contains(&guest.vmid) || (pool.is_some() && guest.pool == pool))
    };
    let guests: Vec<Guest> = cluster.guests.values().filter(wanted).cloned().collect();
    let missing = named.iter().find(|id| !cluster.guests.contains_key(id));
    let id = if let [only] = named.as_slice() { only.to_string() } else { String::new() };
    if let Some(missing) = missing {
        let error = format!("unable to find VM '{missing}'");
        return data(cluster.spawn_failing(&node, ("vzdump", &id), &call.user, error));
    }
    for guest in &guests {
        need(cluster, &format!("/vms/{}", guest.vmid), "VM.Backup")?;
    }
    let archives: Vec<Archive> =
        guests.into_iter().map(|guest| Archive::of(cluster, call, &storage, guest)).collect();
    data(cluster.spawn(&node, ("vzdump", &id), &call.user, move |cluster| {
        for archive in &archives {
            cluster.volumes.push(archive.row.clone());
            cluster.archives.insert(archive.volid.clone(), archive.guest.clone());
        }
    }))
}

struct Archive {
    volid: String,
    row: Map<String, Value>,
    guest: Guest,
}

impl Archive {
    fn of(cluster: &mut Cluster, call: &Call, storage: &str, guest: Guest) -> Self {
        // Two backups of one guest never have the same second.
        cluster.clock += 1;
        let at = Timestamp::from_second(i64::try_from(cluster.clock).unwrap_or(0));
        let at = at.unwrap_or_default().strftime("%Y_%m_%d-%H_%M_%S");
        let (vmid, kind) = (guest.vmid, guest.kind.as_str());
        let packed = match call.text("compress").as_deref() {
            Some("zstd") => ".zst",
            Some("gzip" | "1") => ".gz",
            Some("lzo") => ".lzo",
            _ => "",
        };
        let format = match guest.kind {
            GuestKind::Qemu => format!("vma{packed}"),
            GuestKind::Lxc => format!("tar{packed}"),
        };
        let volid = format!("{storage}:backup/vzdump-{kind}-{vmid}-{at}.{format}");
        let name = guest.name().unwrap_or_default();
        let notes = call.text("notes-template").unwrap_or_default();
        let values = [
            ("{{guestname}}", name.as_str()),
            ("{{node}}", &guest.node),
            ("{{vmid}}", &vmid.to_string()),
            ("{{cluster}}", cluster.name.as_deref().unwrap_or_default()),
        ];
        let notes = values.iter().fold(notes, |notes, (word, value)| notes.replace(word, value));
        let mut row = json!({
            "storage": storage, "volid": volid, "content": "backup", "vmid": vmid,
            "format": format, "subtype": kind, "size": 1_073_741_824_u64 + u64::from(vmid) * 4096,
            "ctime": cluster.clock,
        });
        if !notes.is_empty() {
            row["notes"] = notes.into();
        }
        if call.flag("protected") {
            row["protected"] = 1.into();
        }
        if !cluster.is_on_shared_storage(&volid) {
            row["node"] = guest.node.as_str().into();
        }
        Self { row: row.as_object().cloned().unwrap_or_default(), volid, guest }
    }
}

/// Fills a new guest with what a backup holds.
pub(crate) fn restore(
    cluster: &mut Cluster,
    call: &Call,
    mut source: Guest,
    guest: &mut Guest,
) -> Result<(), Refusal> {
    let storage = call.text("storage");
    guest.config = source.config.clone();
    for key in ["lock", "parent", "template", "digest"] {
        guest.config.remove(key);
    }
    // Sizes are in the backup, volumes may be gone.
    source.node.clone_from(&guest.node);
    copy_disks_of_archive(cluster, &source, guest, storage.as_deref())?;
    if call.flag("unique") {
        property::renew(cluster.clock, guest);
    }
    Ok(())
}

fn copy_disks_of_archive(
    cluster: &mut Cluster,
    source: &Guest,
    guest: &mut Guest,
    storage: Option<&str>,
) -> Result<(), Refusal> {
    // The disks are measured in the configuration while the guest they were of may be gone.
    let present = cluster.guests.insert(0, source.clone());
    let copied = copy_disks(cluster, source, guest, storage);
    cluster.guests.remove(&0);
    cluster.guests.extend(present.map(|guest| (0, guest)));
    copied
}

/// The guest that a backup was made of, as it was.
pub(crate) fn find(cluster: &Cluster, volid: &str) -> Result<Guest, Refusal> {
    let row = cluster.volumes.iter().find(|row| row.get("volid").is_some_and(|v| v == volid));
    let row = row.ok_or_else(|| failed(format!("volume '{volid}' does not exist")))?;
    // Those of a demonstration were made before it began: of the guests as they are.
    let vmid = row.get("vmid").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let found = cluster.archives.get(volid).or_else(|| cluster.guests.get(&vmid?));
    found.cloned().ok_or_else(|| failed(format!("unable to read the backup '{volid}'")))
}

/// The configuration in a backup, as the text of its file.
pub(crate) fn extract_config(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = find(cluster, &call.text("volume").unwrap_or_default())?;
    let line = |(key, _): (&String, &Value)| {
        format!("{key}: {}\n", guest.text(key).unwrap_or_default().replace('\n', "%0A"))
    };
    data(guest.config.iter().map(line).collect::<String>())
}

/// Which backups would be kept.
pub(crate) fn prune_list(cluster: &mut Cluster, call: &Call) -> Outcome {
    data(marked(cluster, call)?)
}

/// Removes the others.
pub(crate) fn prune(cluster: &mut Cluster, call: &Call) -> Outcome {
    let gone: Vec<String> = marked(cluster, call)?
        .iter()
        .filter(|row| row["mark"] == "remove")
        .filter_map(|row| row["volid"].as_str().map(str::to_owned))
        .collect();
    let node = node_name(cluster, call);
    let id = call.text("vmid").unwrap_or_default();
    data(cluster.spawn(&node, ("prunebackups", &id), &call.user, move |cluster| {
        gone.iter().for_each(|volid| cluster.free_volume(volid));
    }))
}

fn marked(cluster: &Cluster, call: &Call) -> Result<Vec<Value>, Refusal> {
    let storage = call.at("storage");
    let place = cluster.storages.get(storage);
    let place = place.ok_or_else(|| failed(format!("storage '{storage}' does not exist")))?;
    let rule = call.text("prune-backups");
    let rule = rule.or_else(|| Some(place.get("prune-backups")?.as_str()?.to_owned()));
    let rule = rule.unwrap_or_else(|| "keep-all=1".to_owned());
    // Other rules than the newest ones keep all here.
    let last = property::value(&rule, "keep-last").and_then(|last| last.parse::<usize>().ok());
    let (vmid, kind) = (call.number("vmid"), call.text("type"));
    let wanted = |row: &&Map<String, Value>| {
        row.get("storage").is_some_and(|name| name == storage)
            && row.get("content").is_some_and(|content| content == "backup")
            && vmid.is_none_or(|vmid| row.get("vmid").is_some_and(|found| *found == vmid))
            && kind.as_ref().is_none_or(|kind| row.get("subtype").is_some_and(|k| k == kind))
    };
    let mut rows: Vec<&Map<String, Value>> = cluster.volumes.iter().filter(wanted).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.get("ctime").and_then(Value::as_u64)));
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    Ok(rows
        .into_iter()
        .map(|row| {
            let count = seen.entry(row.get("vmid").map(Value::to_string).unwrap_or_default());
            let count = count.and_modify(|count| *count += 1).or_insert(1);
            let mark = match row.get("protected").is_some_and(|protected| *protected == 1) {
                true => "protected",
                false if last.is_none_or(|last| *count <= last) => "keep",
                false => "remove",
            };
            json!({
                "volid": row.get("volid"), "ctime": row.get("ctime"), "vmid": row.get("vmid"),
                "type": row.get("subtype"), "mark": mark,
            })
        })
        .collect())
}
