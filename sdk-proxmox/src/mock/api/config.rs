//! Configurations of guests: what is stored for what was sent, and what waits for the next start.

use serde_json::{Map, Value, json};

use super::guest;
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed, refuse};
use crate::mock::call::Call;
use crate::mock::volumes::{is_disk_key, own_disks, size_text, volid};
use crate::mock::{Cluster, Guest, GuestKind, property};
use crate::parse::{disk_size, split_list};

/// Parameters that say how to create or change, and are no part of the configuration.
const NOT_CONFIG: &[&str] = &[
    "vmid",
    "node",
    "start",
    "pool",
    "force",
    "unique",
    "bwlimit",
    "storage",
    "archive",
    "restore",
    "ostemplate",
    "password",
    "ssh-public-keys",
    "delete",
    "digest",
    "revert",
    "skiplock",
    "background_delay",
    "ignore-unpack-errors",
    "live-restore",
    "import-working-storage",
    "ha-managed",
    "skip-net-mac",
];

/// What a running virtual machine takes at once.
const AT_ONCE: &[&str] = &[
    "name",
    "description",
    "tags",
    "onboot",
    "shares",
    "startup",
    "protection",
    "vmstatestorage",
    "hookscript",
    "agent",
    "ciuser",
    "cipassword",
    "sshkeys",
    "nameserver",
    "searchdomain",
];

pub(crate) fn read(cluster: &mut Cluster, call: &Call) -> Outcome {
    let now = call.flag("current");
    let guest = guest(cluster, call, "VM.Audit")?;
    let name = match call.text("snapshot") {
        None => return data(guest.read_config(now)),
        Some(name) => name,
    };
    let snapshot = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
    let missing = || failed(format!("snapshot '{name}' does not exist"));
    data(snapshot.ok_or_else(missing)?.config.clone())
}

pub(crate) fn pending(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    let mut keys: Vec<&String> = guest.config.keys().chain(guest.pending.keys()).collect();
    keys.sort();
    keys.dedup();
    let row = |key: &String| {
        let mut row = json!({ "key": key });
        if let Some(value) = guest.config.get(key) {
            row["value"] = value.clone();
        }
        match guest.pending.get(key) {
            Some(Some(value)) => row["pending"] = value.clone(),
            Some(None) => row["delete"] = 1.into(),
            None => {}
        }
        row
    };
    data(keys.into_iter().map(row).collect::<Vec<Value>>())
}

/// Changes the configuration at once, or at the next start.
pub(crate) fn update(cluster: &mut Cluster, call: &Call) -> Outcome {
    let before = guest(cluster, call, "VM.Config.Options")?.clone();
    only_root(call, &before)?;
    check_digest(&before, call)?;
    let delete = call.text("delete").unwrap_or_default();
    let delete = split_list(&delete);
    let revert = call.text("revert").unwrap_or_default();
    let changes: Map<String, Value> = settings(&call.params).collect();
    if changes.is_empty() && delete.is_empty() && revert.is_empty() {
        return Err(failed("no options specified"));
    }
    if let Some(key) = delete.iter().find(|key| !is_known(call, key)) {
        return Err(bad_param("delete", format!("unknown option '{key}'")));
    }
    let mut after = before.clone();
    for key in split_list(&revert) {
        after.pending.remove(key);
    }
    for key in delete {
        unset(cluster, &mut after, key);
    }
    store(cluster, &mut after, &changes)?;
    if before.running && before.kind == GuestKind::Qemu {
        wait_for_start(&before, &mut after);
    }
    cluster.guests.insert(after.vmid, after);
    data(Value::Null)
}

/// Changes the configuration and answers a task, for virtual machines only.
pub(crate) fn update_later(cluster: &mut Cluster, call: &Call) -> Outcome {
    update(cluster, call)?;
    data(super::task(cluster, call, "config", |_| {}))
}

fn is_known(call: &Call, key: &str) -> bool {
    call.op.params.field(key).is_some() || key.starts_with("unused")
}

/// What only the administrator may set, whatever the privileges.
pub(crate) fn only_root(call: &Call, guest: &Guest) -> Result<(), Refusal> {
    if call.user == "root@pam" {
        return Ok(());
    }
    if call.flag("skiplock") {
        return Err(bad_param("skiplock", "Only root may use this option."));
    }
    if guest.kind == GuestKind::Qemu {
        let guarded = ["args", "hookscript"].into_iter().find(|key| call.params.contains_key(*key));
        return guarded
            .map_or(Ok(()), |key| Err(failed(format!("only root can set '{key}' config"))));
    }
    let mounts = call.params.iter().filter(|(key, _)| key.starts_with("mp"));
    if mounts.filter_map(|(_, value)| value.as_str()).any(|value| value.starts_with('/')) {
        return Err(refuse(403, "mount point type bind is only allowed for root@pam"));
    }
    let features = call.text("features").unwrap_or_default();
    if features.split(',').any(|part| !part.is_empty() && !part.starts_with("nesting=")) {
        let text = "changing feature flags (except nesting) is only allowed for root@pam";
        return Err(refuse(403, text));
    }
    Ok(())
}

pub(crate) fn check_digest(guest: &Guest, call: &Call) -> Result<(), Refusal> {
    match call.text("digest") {
        Some(digest) if digest != guest.digest() => {
            Err(failed("detected modified configuration - file changed by other user? Try again."))
        }
        _ => Ok(()),
    }
}

/// The parameters that are part of a configuration.
pub(crate) fn settings(params: &Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    let is_part = |(key, _): &(&String, &Value)| !NOT_CONFIG.contains(&key.as_str());
    params.iter().filter(is_part).map(|(key, value)| (key.clone(), value.clone()))
}

/// Takes a value away; a disk stays as an unused one, and one that is unused is removed.
fn unset(cluster: &mut Cluster, guest: &mut Guest, key: &str) {
    let disk = own_disks(guest).into_iter().find(|(known, _)| known == key);
    guest.config.remove(key);
    guest.pending.remove(key);
    match disk {
        Some((_, volid)) if key.starts_with("unused") => cluster.free_volume(&volid),
        Some((_, volid)) => keep_unused(cluster, guest, &volid),
        None => {}
    }
}

/// Keeps a disk that is no longer attached.
pub(crate) fn keep_unused(cluster: &mut Cluster, guest: &mut Guest, volid: &str) {
    let size = cluster.volume_size(volid);
    if size.is_some()
        && !cluster.volumes.iter().any(|row| row.get("volid").is_some_and(|v| v == volid))
    {
        // Known from the configuration alone until now.
        let storage = volid.split(':').next().unwrap_or_default();
        let content = if guest.kind == GuestKind::Lxc { "rootdir" } else { "images" };
        let mut row = json!({
            "storage": storage, "volid": volid, "vmid": guest.vmid, "content": content,
            "format": "raw", "size": size, "ctime": cluster.clock,
        });
        if !cluster.is_on_shared_storage(volid) {
            row["node"] = guest.node.as_str().into();
        }
        cluster.volumes.extend(row.as_object().cloned());
    }
    let slot = (0..).map(|n| format!("unused{n}")).find(|key| !guest.config.contains_key(key));
    guest.config.insert(slot.unwrap_or_default(), volid.into());
}

/// Stores values as Proxmox does: disks are allocated, interfaces get an address, whole numbers are
/// numbers.
pub(crate) fn store(
    cluster: &mut Cluster,
    guest: &mut Guest,
    changes: &Map<String, Value>,
) -> Result<(), Refusal> {
    for (key, value) in changes {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(truth) => u8::from(*truth).to_string(),
            other => other.to_string(),
        };
        let text = match is_disk_key(key) {
            true => disk(cluster, guest, key, &text)?,
            false => plain(guest, key, text),
        };
        guest.config.insert(key.clone(), typed(guest.kind, key, text));
        guest.pending.remove(key);
    }
    Ok(())
}

fn typed(kind: GuestKind, key: &str, text: String) -> Value {
    let is_text = match kind {
        GuestKind::Qemu => matches!(key, "memory" | "name" | "tags" | "agent"),
        GuestKind::Lxc => matches!(key, "hostname" | "tags" | "description"),
    };
    let is_text = is_text || matches!(key, "cpulimit" | "description" | "startup");
    match text.parse::<i64>() {
        Ok(number) if !is_text => Value::from(number),
        _ => Value::from(text),
    }
}

fn plain(guest: &Guest, key: &str, text: String) -> String {
    match key {
        "cipassword" => "**********".to_owned(),
        "tags" => {
            let lower = text.to_lowercase();
            let mut tags = split_list(&lower);
            tags.sort_unstable();
            tags.dedup();
            tags.join(";")
        }
        _ => property::stored(guest.kind, guest.vmid, key, &text),
    }
}

/// What is stored for a disk: a new volume, one that was there, or an image that is mounted.
fn disk(
    cluster: &mut Cluster,
    guest: &mut Guest,
    key: &str,
    text: &str,
) -> Result<String, Refusal> {
    let Some(id) = volid(text).map(str::to_owned) else { return Ok(text.to_owned()) };
    let (storage, name) = id.split_once(':').unwrap_or_default();
    let rest: Vec<&str> = text.split(',').skip(1).collect();
    if name == "cloudinit" {
        let name = format!("vm-{}-cloudinit", guest.vmid);
        let id = cluster.allocate(storage, guest, 4 << 20, Some(&name))?;
        return Ok(format!("{id},media=cdrom"));
    }
    if let Ok(gib) = name.parse::<f64>() {
        let source = rest.iter().find_map(|part| part.strip_prefix("import-from="));
        let bytes = match (key.trim_end_matches(|c: char| c.is_ascii_digit()), source) {
            ("efidisk" | "tpmstate", _) => 4 << 20,
            (_, Some(source)) => cluster.volume_size(source).unwrap_or(1 << 30),
            (_, None) => (gib * f64::from(1 << 30)) as u64,
        };
        let id = cluster.allocate(storage, guest, bytes, None)?;
        let kept = rest.iter().filter(|part| !part.starts_with("import-from="));
        let mut parts = vec![id];
        parts.extend(kept.map(|part| (*part).to_owned()));
        parts.push(format!("size={}", size_text(bytes)));
        return Ok(parts.join(","));
    }
    let was_unused = |(key, value): (&String, &Value)| {
        (key.starts_with("unused") && *value == id.as_str()).then(|| key.clone())
    };
    if let Some(slot) = guest.config.iter().find_map(was_unused).filter(|slot| slot != key) {
        guest.config.remove(&slot);
    }
    let has_size = rest.iter().any(|part| part.starts_with("size=") || *part == "media=cdrom");
    Ok(match cluster.volume_size(&id).filter(|_| !has_size) {
        Some(bytes) => format!("{text},size={}", size_text(bytes)),
        None => text.to_owned(),
    })
}

/// Puts back what a running machine does not take at once.
fn wait_for_start(before: &Guest, after: &mut Guest) {
    let waits = |key: &str| {
        let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
        !AT_ONCE.contains(&key)
            && !is_disk_key(key)
            && !matches!(family, "net" | "usb" | "ipconfig")
    };
    let keys: Vec<String> =
        before.config.keys().chain(after.config.keys()).filter(|key| waits(key)).cloned().collect();
    for key in keys {
        let (old, new) = (before.config.get(&key), after.config.get(&key).cloned());
        if old == new.as_ref() {
            continue;
        }
        match old {
            Some(old) => after.config.insert(key.clone(), old.clone()),
            None => after.config.remove(&key),
        };
        after.pending.insert(key, new);
    }
}

/// Bytes of a size as a parameter has it: `4G`, or more of it, `+2G`.
pub(crate) fn wanted_size(now: u64, text: &str) -> Option<u64> {
    match text.strip_prefix('+') {
        Some(more) => disk_size(more).and_then(|more| now.checked_add(more)),
        None => disk_size(text),
    }
}
