//! What a node tells about itself: services, time, packages, hardware, statistics.

use serde_json::{Map, Value, json};

use super::tasks::page;
use super::{need, node_name};
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, generic, route};

const SERVICES: &[(&str, &str)] = &[
    ("chrony", "chrony, an NTP client/server"),
    ("corosync", "Corosync Cluster Engine"),
    ("cron", "Regular background program processing daemon"),
    ("ksmtuned", "Kernel Samepage Merging (KSM) Tuning Daemon"),
    ("postfix", "Postfix Mail Transport Agent (main/default instance)"),
    ("proxmox-firewall", "Proxmox nftables firewall"),
    ("pve-cluster", "The Proxmox VE cluster filesystem"),
    ("pve-firewall", "Proxmox VE firewall"),
    ("pve-ha-crm", "PVE Cluster HA Resource Manager Daemon"),
    ("pve-ha-lrm", "PVE Local HA Resource Manager Daemon"),
    ("pvedaemon", "PVE API Daemon"),
    ("pvefw-logger", "Proxmox VE firewall logger"),
    ("pveproxy", "PVE API Proxy Server"),
    ("pvescheduler", "Proxmox VE scheduler"),
    ("pvestatd", "PVE Status Daemon"),
    ("qmeventd", "PVE Qemu Event Daemon"),
    ("spiceproxy", "PVE SPICE Proxy Server"),
    ("sshd", "OpenBSD Secure Shell server"),
    ("syslog", "Journal Service"),
    ("systemd-journald", "Journal Service"),
    ("systemd-timesyncd", "Network Time Synchronization"),
];

/// The names of what is below a folder of the API.
pub(crate) fn index(cluster: &mut Cluster, call: &Call) -> Outcome {
    let names = route::names_below(cluster.product, call.op.path);
    // Those of guests have a key of their own.
    let key = if call.path.contains_key("vmid") { "subdir" } else { "name" };
    data(names.into_iter().map(|name| json!({ key: name })).collect::<Vec<_>>())
}

pub(crate) fn services(_: &mut Cluster, _: &Call) -> Outcome {
    data(SERVICES.iter().map(service_row).collect::<Vec<_>>())
}

fn service_row((name, text): &(&str, &str)) -> Value {
    json!({
        "service": name, "name": name, "desc": text, "state": "running",
        "active-state": "active", "unit-state": "enabled",
    })
}

pub(crate) fn service(_: &mut Cluster, call: &Call) -> Outcome {
    data(service_row(find_service(call)?))
}

fn find_service(call: &Call) -> Result<&'static (&'static str, &'static str), Refusal> {
    let found = SERVICES.iter().find(|(name, _)| *name == call.at("service"));
    found.ok_or_else(|| bad_param("service", "value does not have a value in the enumeration"))
}

/// Starts, stops, reloads or restarts a service.
pub(crate) fn switch_service(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (name, _) = find_service(call)?;
    let node = node_name(cluster, call);
    let verb = call.op.path.rsplit('/').next().unwrap_or_default();
    data(cluster.spawn(&node, (&format!("srv{verb}"), name), &call.user, |_| {}))
}

pub(crate) fn time(cluster: &mut Cluster, call: &Call) -> Outcome {
    let set = cluster.stored.get(&call.place()).and_then(|rows| rows.first());
    let zone = set.and_then(|row| row.get("timezone")?.as_str()).unwrap_or("UTC");
    data(json!({ "timezone": zone, "time": cluster.clock, "localtime": cluster.clock }))
}

pub(crate) fn hosts(cluster: &mut Cluster, call: &Call) -> Outcome {
    let set = cluster.stored.get(&call.place()).and_then(|rows| rows.first());
    let text = set.and_then(|row| row.get("data")?.as_str()).unwrap_or("127.0.0.1 localhost\n");
    data(json!({ "data": text, "digest": cluster.digest() }))
}

pub(crate) fn set_hosts(cluster: &mut Cluster, call: &Call) -> Outcome {
    let row = generic::stored_part(call);
    cluster.stored.insert(call.place(), vec![row]);
    data(Value::Null)
}

pub(crate) fn cluster_options(cluster: &mut Cluster, call: &Call) -> Outcome {
    let set = cluster.stored.get(&call.place()).and_then(|rows| rows.first());
    let mut options = set.cloned().unwrap_or_default();
    options.entry("keyboard").or_insert_with(|| "en-us".into());
    options.insert("allowed-tags".into(), json!([]));
    data(options)
}

/// What happened last: the tasks.
pub(crate) fn cluster_log(cluster: &mut Cluster, call: &Call) -> Outcome {
    let limit = call.number("max").and_then(|max| usize::try_from(max).ok()).unwrap_or(50);
    let rows = cluster.tasks.iter().rev().take(limit).enumerate().map(|(index, task)| {
        let user = task.user.split('!').next().unwrap_or_default();
        json!({
            "id": index + 1, "uid": index + 1, "time": task.started, "user": user,
            "node": task.node, "tag": "pvedaemon", "pri": 6, "pid": task.pid,
            "msg": format!("starting task {}", task.upid),
        })
    });
    data(rows.collect::<Vec<_>>())
}

/// Lines of the log, the oldest first.
pub(crate) fn syslog(cluster: &mut Cluster, call: &Call) -> Outcome {
    let lines = log_lines(cluster, call);
    let unit = call.text("service");
    let of_unit = |line: &&String| unit.as_ref().is_none_or(|unit| line.contains(unit.as_str()));
    let mut lines: Vec<&str> = lines.iter().filter(of_unit).map(String::as_str).collect();
    if lines.is_empty() {
        // journalctl says so, and Proxmox takes it for a line.
        lines.push("-- No entries --");
    }
    let rows = lines.iter().enumerate();
    let rows = rows.map(|(index, text)| json!({ "n": index + 1, "t": text })).collect();
    page(rows, call)
}

/// Between two places: the latest lines, or those behind the first one.
pub(crate) fn journal(cluster: &mut Cluster, call: &Call) -> Outcome {
    let number = |name| call.number(name).and_then(|last| usize::try_from(last).ok());
    let lines = log_lines(cluster, call);
    let place = call.text("startcursor");
    let from = match place.as_deref().and_then(|place| place.strip_prefix("s=mock;i=")) {
        Some(index) => usize::from_str_radix(index, 16).unwrap_or(0).min(lines.len()),
        None => lines.len().saturating_sub(number("lastentries").unwrap_or(lines.len())),
    };
    let mut answer = vec![format!("s=mock;i={from:x}")];
    answer.extend_from_slice(&lines[from..]);
    answer.push(format!("s=mock;i={:x}", lines.len()));
    data(answer)
}

fn log_lines(cluster: &Cluster, call: &Call) -> Vec<String> {
    let node = node_name(cluster, call);
    let begin = format!("Jan 01 00:00:00 {node} systemd[1]: Started pveproxy.service - PVE API.");
    let tasks = cluster.tasks.iter().filter(|task| task.node == node);
    let line = |task: &crate::mock::task::Task| {
        format!(
            "Jan 01 00:00:01 {node} pvedaemon[{}]: <{}> starting task {}",
            task.pid, task.user, task.upid
        )
    };
    [begin].into_iter().chain(tasks.map(line)).collect()
}

pub(crate) fn report(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    data(format!("\n==== general system info ====\n\n# hostname\n{node}\n"))
}

pub(crate) fn packages(cluster: &mut Cluster, _: &Call) -> Outcome {
    let release = cluster.release.clone();
    let row = |(name, version): (&str, &str)| {
        json!({
            "Package": name, "Version": version, "OldVersion": version, "Title": name,
            "CurrentState": "Installed", "Arch": "all", "Section": "admin", "Priority": "optional",
            "Origin": "Proxmox",
        })
    };
    let known =
        [("proxmox-ve", "9.1.0"), ("pve-manager", release.as_str()), ("qemu-server", "9.1.2")];
    data(known.into_iter().map(row).collect::<Vec<_>>())
}

pub(crate) fn updates(_: &mut Cluster, _: &Call) -> Outcome {
    data(json!([]))
}

pub(crate) fn refresh_packages(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    data(cluster.spawn(&node, ("aptupdate", ""), &call.user, |_| {}))
}

pub(crate) fn subscription(_: &mut Cluster, _: &Call) -> Outcome {
    data(json!({
        "status": "notfound", "message": "There is no subscription key", "serverid": "0123456789ABCDEF",
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    }))
}

pub(crate) fn cpu_models(_: &mut Cluster, _: &Call) -> Outcome {
    let models = [("host", "unknown"), ("kvm64", "default"), ("x86-64-v2-AES", "default")];
    let row = |(name, vendor): (&str, &str)| json!({ "name": name, "vendor": vendor, "custom": 0 });
    data(models.into_iter().map(row).collect::<Vec<_>>())
}

/// A row a minute, for the last hour.
pub(crate) fn statistics(cluster: &mut Cluster, call: &Call) -> Outcome {
    let step = match call.text("timeframe").as_deref() {
        Some("day") => 1800,
        Some("week") => 10_800,
        Some("month") => 43_200,
        Some("year") => 604_800,
        _ => 60,
    };
    let now = cluster.clock / step * step;
    let row = |index: u64| {
        let time = now - (69 - index) * step;
        json!({ "time": time, "cpu": 0.05, "maxcpu": 4, "mem": 1_073_741_824_u64, "maxmem": 4_294_967_296_u64 })
    };
    let only_time = call.op.path.contains("/storage/");
    let rows = (0..70).map(row).map(|row| match only_time {
        true => json!({ "time": row["time"], "used": 274_877_906_944_u64, "total": 1_099_511_627_776_u64 }),
        false => row,
    });
    data(rows.collect::<Vec<_>>())
}

/// Ceph, by the shape of its calls alone, where it is set up.
pub(crate) fn ceph(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/", "Sys.Audit")?;
    match cluster.ceph {
        true => generic::answer(cluster, call),
        false => Err(failed("binary not installed: /usr/bin/ceph-mon")),
    }
}

/// Templates for containers that a node can fetch.
pub(crate) fn appliances(_: &mut Cluster, _: &Call) -> Outcome {
    let row = |(name, os, version): (&str, &str, &str)| {
        json!({
            "template": format!("{name}_{version}_amd64.tar.zst"), "package": name, "os": os,
            "version": version, "section": "system", "type": "lxc", "architecture": "amd64",
            "headline": name, "source": "https://download.example.com", "infopage": "https://www.example.com",
        })
    };
    let known = [
        ("debian-13-standard", "debian-13", "13.1-2"),
        ("alpine-3.22-default", "alpine", "20250617"),
    ];
    data(known.into_iter().map(row).collect::<Vec<_>>())
}

/// Where notifications can go: to the administrator, and what was made.
pub(crate) fn notification_targets(cluster: &mut Cluster, _: &Call) -> Outcome {
    let mut rows = vec![json!({
        "name": "mail-to-root", "type": "sendmail", "origin": "builtin",
        "comment": "Send mails to root@pam's email address",
    })];
    let folder = ["cluster", "notifications", "endpoints"];
    for (place, entries) in &cluster.stored {
        let [first @ .., kind] = place.as_slice() else { continue };
        if first != folder {
            continue;
        }
        rows.extend(entries.iter().map(|entry| {
            let mut row =
                json!({ "name": entry.get("name"), "type": kind, "origin": "user-created" });
            for key in ["comment", "disable"] {
                if let Some(value) = entry.get(key) {
                    row[key] = value.clone();
                }
            }
            row
        }));
    }
    data(rows)
}

pub(crate) fn create_interface(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, &format!("/nodes/{}", node_name(cluster, call)), "Sys.Modify")?;
    let name = call.text("iface").unwrap_or_default();
    let known = interfaces(cluster, call)?;
    if known.iter().any(|row| row["iface"] == name.as_str()) {
        return Err(bad_param("iface", "interface already exists"));
    }
    known.push(interface_row(call, Map::new()));
    data(Value::Null)
}

fn interfaces<'a>(cluster: &'a mut Cluster, call: &Call) -> Result<&'a mut Vec<Value>, Refusal> {
    let name = node_name(cluster, call);
    let node = cluster.nodes.iter_mut().find(|node| node.name == name);
    node.map(|node| &mut node.network).ok_or_else(|| failed(format!("no such node '{name}'")))
}

/// What was sent, and what a node derives from it.
fn interface_row(call: &Call, mut row: Map<String, Value>) -> Value {
    for key in crate::parse::split_list(&call.text("delete").unwrap_or_default()) {
        row.remove(key);
    }
    row.extend(generic::stored_part(call));
    for (cidr, address, mask) in [("cidr", "address", "netmask"), ("cidr6", "address6", "netmask6")]
    {
        let text = row.get(cidr).and_then(Value::as_str).map(str::to_owned);
        if let Some((ip, bits)) = text.as_deref().and_then(|text| text.split_once('/')) {
            row.insert(address.into(), ip.into());
            row.insert(mask.into(), bits.into());
        }
    }
    let method = |set: bool| Value::from(if set { "static" } else { "manual" });
    let (four, six) = (row.contains_key("cidr"), row.contains_key("cidr6"));
    row.insert("method".into(), method(four));
    row.insert("method6".into(), method(six));
    row.insert("families".into(), if six { json!(["inet", "inet6"]) } else { json!(["inet"]) });
    row.entry("priority").or_insert_with(|| 20.into());
    if let Some(Value::String(text)) = row.get_mut("comments")
        && !text.ends_with('\n')
    {
        text.push('\n');
    }
    row.into()
}

pub(crate) fn update_interface(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.at("iface").to_owned();
    let rows = interfaces(cluster, call)?;
    let found = rows.iter_mut().find(|row| row["iface"] == name.as_str());
    let row = found.ok_or_else(|| bad_param("iface", "interface does not exist"))?;
    *row = interface_row(call, row.as_object().cloned().unwrap_or_default());
    data(Value::Null)
}

pub(crate) fn remove_interface(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.at("iface").to_owned();
    let rows = interfaces(cluster, call)?;
    let before = rows.len();
    rows.retain(|row| row["iface"] != name.as_str());
    match rows.len() < before {
        true => data(Value::Null),
        false => Err(bad_param("iface", "interface does not exist")),
    }
}

pub(crate) fn reload_network(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    data(cluster.spawn(&node, ("srvreload", "networking"), &call.user, |_| {}))
}
