//! Guests: lists, state, and what can be done with them.

use serde_json::{Value, json};

use super::{guest, node_name};
use crate::mock::answer::{Outcome, data};
use crate::mock::call::Call;
use crate::mock::{Cluster, GuestKind, old};

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, kind) = (node_name(cluster, call), call.kind());
    let here = cluster.visible().filter(|guest| guest.node == node && guest.kind == kind);
    data(here.map(|guest| old::guest(cluster, guest.row())).collect::<Vec<Value>>())
}

pub(crate) fn current(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?.clone();
    let mut row = guest.current();
    if let Some(state) = cluster.ha_state(&guest) {
        row["ha"] = json!({ "managed": 1, "state": state });
    }
    data(old::guest(cluster, row))
}

/// Whether a guest can be copied or saved as it is.
pub(crate) fn feature(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?.clone();
    let can = match call.text("feature").as_deref() {
        Some("snapshot") => !guest.is_template(),
        _ => true,
    };
    let nodes: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    match guest.kind {
        GuestKind::Qemu => data(json!({ "hasFeature": u8::from(can), "nodes": nodes })),
        GuestKind::Lxc => data(json!({ "hasFeature": u8::from(can) })),
    }
}

fn is_cloudinit(key: &str) -> bool {
    let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(key, "ciuser" | "cipassword" | "sshkeys" | "nameserver" | "searchdomain" | "citype")
        || family == "ipconfig"
}

/// The values that cloud-init is told.
pub(crate) fn cloudinit(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Config.Options")?;
    let rows = guest.config.iter().filter(|(key, _)| is_cloudinit(key));
    data(rows.map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>())
}

pub(crate) fn cloudinit_dump(cluster: &mut Cluster, call: &Call) -> Outcome {
    let guest = guest(cluster, call, "VM.Audit")?;
    let name = guest.name().unwrap_or_else(|| format!("VM{}", guest.vmid));
    data(match call.text("type").as_deref() {
        Some("user") => {
            let user = guest.text("ciuser").map(|user| format!("user: {user}\n"));
            let user = user.unwrap_or_default();
            format!("#cloud-config\nhostname: {name}\nmanage_etc_hosts: true\n{user}")
        }
        Some("network") => "version: 1\nconfig:\n".to_owned(),
        _ => format!("instance-id: {}\n", guest.digest()),
    })
}

/// Takes a call whose effect nobody can see.
pub(crate) fn nothing(cluster: &mut Cluster, call: &Call) -> Outcome {
    guest(cluster, call, "VM.Audit")?;
    data(Value::Null)
}
