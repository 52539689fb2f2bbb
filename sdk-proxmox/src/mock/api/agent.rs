//! What runs inside of a guest says about it.

use serde_json::{Map, Value, json};

use super::guest;
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, Guest, property};

/// Programs are numbered from here on.
const FIRST_PID: usize = 1000;

/// Whether the agent of a virtual machine can be asked.
fn answers(guest: &Guest) -> Result<(), Refusal> {
    if !guest.agent_enabled() {
        return Err(failed("No QEMU guest agent configured"));
    }
    if !guest.running {
        return Err(failed(format!("VM {} is not running", guest.vmid)));
    }
    match guest.agent_answers {
        true => Ok(()),
        false => Err(failed("QEMU guest agent is not running")),
    }
}

/// Any other command to the agent.
pub(crate) fn ask(cluster: &mut Cluster, call: &Call) -> Outcome {
    if call.op.path.ends_with("/agent/network-get-interfaces") {
        return interfaces(cluster, call);
    }
    let guest = guest(cluster, call, "VM.GuestAgent.Audit")?.clone();
    answers(&guest)?;
    let last = call.op.path.rsplit('/').next().unwrap_or_default();
    let command = if last == "agent" { call.text("command") } else { Some(last.to_owned()) };
    let name = guest.name().unwrap_or_default();
    let result = match command.as_deref().unwrap_or_default() {
        "exec" => return data(json!({ "pid": start(cluster, call, &name) })),
        "exec-status" => return status(cluster, call),
        "file-read" => return data(json!({ "content": format!("{name}\n") })),
        "file-write" => return data(Value::Null),
        "get-osinfo" => json!({
            "id": "debian", "name": "Debian GNU/Linux", "version": "13 (trixie)", "version-id": "13",
            "pretty-name": "Debian GNU/Linux 13 (trixie)", "kernel-release": "6.12.43+deb13-amd64",
            "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1", "machine": "x86_64",
        }),
        "get-host-name" => json!({ "host-name": name }),
        "get-fsinfo" => json!([{
            "name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": 8_220_835_840_u64,
            "used-bytes": 2_147_483_648_u64, "disk": [],
        }]),
        "get-time" => json!(cluster.clock * 1_000_000_000),
        "get-timezone" => json!({ "zone": "UTC", "offset": 0 }),
        "get-users" => json!([{ "user": "root", "login-time": 1_767_225_600.5 }]),
        "get-vcpus" => json!([{ "logical-id": 0, "online": true, "can-offline": false }]),
        "network-get-interfaces" => return interfaces(cluster, call),
        "fsfreeze-status" => json!("thawed"),
        _ => json!({}),
    };
    data(json!({ "result": result }))
}

/// Starts a program in a guest; what it does is known at once.
fn start(cluster: &mut Cluster, call: &Call, host: &str) -> usize {
    let argv: Vec<String> = match call.params.get("command") {
        Some(Value::Array(words)) => {
            words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        }
        Some(Value::String(word)) => vec![word.clone()],
        _ => Vec::new(),
    };
    let done = cluster.run_program(host, &argv);
    cluster.programs.push(done);
    FIRST_PID + cluster.programs.len() - 1
}

fn status(cluster: &Cluster, call: &Call) -> Outcome {
    let pid = call.number("pid").and_then(|pid| usize::try_from(pid).ok()).unwrap_or(0);
    let done = pid.checked_sub(FIRST_PID).and_then(|index| cluster.programs.get(index));
    let Some(done) = done else {
        return Err(failed(format!("Agent error: PID {pid} does not exist")));
    };
    let mut told = json!({ "exited": 1, "exitcode": done.code });
    for (name, text) in [("out-data", &done.printed), ("err-data", &done.complained)] {
        if !text.is_empty() {
            told[name] = text.as_str().into();
        }
    }
    data(told)
}

/// Of a virtual machine, through its agent.
pub(crate) fn interfaces(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.GuestAgent.Audit")?;
    answers(guest)?;
    if let Some(odd) = &guest.interfaces {
        return data(json!({ "result": odd }));
    }
    let mut rows = vec![json!({
        "name": "lo",
        "hardware-address": "00:00:00:00:00:00",
        "ip-addresses": [
            { "ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8 },
            { "ip-address": "::1", "ip-address-type": "ipv6", "prefix": 128 },
        ],
    })];
    rows.extend(nics(guest).map(|(index, mac)| {
        let mut row = json!({
            "name": format!("ens{}", 18 + index),
            "statistics": { "rx-bytes": 1_048_576, "tx-bytes": 524_288, "rx-errs": 0, "tx-errs": 0 },
        });
        if let Some(mac) = mac {
            row["hardware-address"] = mac.to_lowercase().into();
        }
        let addresses = addresses(guest, index, |v4| if v4 { "ipv4" } else { "ipv6" });
        // An interface without an address has no list at all.
        if !addresses.is_empty() {
            row["ip-addresses"] = addresses.into();
        }
        row
    }));
    data(json!({ "result": rows }))
}

/// Of a container, read by the node itself.
pub(crate) fn container_interfaces(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    if !guest.running {
        return data(Value::Null);
    }
    if let Some(odd) = &guest.interfaces {
        return data(odd.clone());
    }
    let mut rows = vec![json!({
        "name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128",
    })];
    rows.extend(nics(guest).map(|(index, mac)| {
        let mac = mac.unwrap_or_default().to_lowercase();
        let name = guest.text(&format!("net{index}"));
        let name = name.as_deref().and_then(|net| property::value(net, "name"));
        let mut row = json!({ "hwaddr": mac, "hardware-address": mac });
        row["name"] = name.map_or_else(|| format!("eth{index}"), str::to_owned).into();
        for cidr in guest.addresses.get(&index).into_iter().flatten() {
            row[if cidr.contains(':') { "inet6" } else { "inet" }] = cidr.as_str().into();
        }
        row["ip-addresses"] =
            addresses(guest, index, |v4| if v4 { "inet" } else { "inet6" }).into();
        row
    }));
    data(rows)
}

/// Numbers and MAC addresses of the configured interfaces.
fn nics(guest: &Guest) -> impl Iterator<Item = (u16, Option<String>)> {
    let config: &Map<String, Value> = &guest.config;
    (0..32).filter_map(move |index: u16| {
        let text = config.get(&format!("net{index}"))?.as_str()?;
        Some((index, property::mac(text).map(str::to_owned)))
    })
}

fn addresses(guest: &Guest, index: u16, kind: impl Fn(bool) -> &'static str) -> Vec<Value> {
    let all = guest.addresses.get(&index).into_iter().flatten();
    all.map(|cidr| {
        let (address, prefix) = cidr.split_once('/').unwrap_or((cidr, "32"));
        json!({
            "ip-address": address,
            "ip-address-type": kind(!address.contains(':')),
            "prefix": prefix.parse::<u8>().unwrap_or(32),
        })
    })
    .collect()
}
