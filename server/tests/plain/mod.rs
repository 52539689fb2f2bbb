//! A NetBox with the plugin, and what is in it as people see it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses its part")]

use std::collections::BTreeMap;

use proxbox::plan::Kind;
use sdk_netbox::mock::Mock as NetBox;
use serde_json::{Value, json};

/// The objects of each kind, without numbers and times.
pub type State = BTreeMap<&'static str, Vec<String>>;

/// A NetBox with the plugin.
pub async fn netbox() -> NetBox {
    let netbox = NetBox::start().await.unwrap();
    netbox.install_proxbox();
    let endpoint = json!({
        "id": 1, "name": "lab", "domain": "pve.example.com", "port": 8006,
        "username": "root@pam", "verify_ssl": false, "mode": "cluster", "enabled": true,
    });
    netbox.keep("plugins/proxbox/endpoints/proxmox", &endpoint).unwrap();
    for (path, row) in [
        ("plugins/proxbox/proxmox-clusters", json!({ "id": 1, "name": "demo", "endpoint": 1 })),
        ("plugins/proxbox/proxmox-nodes", json!({ "id": 1, "name": "pve01", "endpoint": 1 })),
        ("plugins/proxbox/proxmox-nodes", json!({ "id": 2, "name": "pve02", "endpoint": 1 })),
    ] {
        netbox.keep(path, &row).unwrap();
    }
    netbox
}

/// All objects as people see them: without numbers and times, references by name.
pub fn state(netbox: &NetBox) -> State {
    let mut state = BTreeMap::new();
    for kind in Kind::ALL {
        let path = kind.path().trim_start_matches("/api/").trim_end_matches('/');
        let objects = netbox.objects(path).into_iter();
        let mut texts: Vec<String> = objects.map(|one| plain(one, true).to_string()).collect();
        texts.sort();
        state.insert(kind.model(), texts);
    }
    state
}

fn plain(value: Value, top: bool) -> Value {
    match value {
        Value::Object(members) => {
            if let (false, Some(display)) = (top, members.get("display")) {
                return display.clone();
            }
            const PASSING: [&str; 11] = [
                "id",
                "url",
                "display",
                "display_url",
                "created",
                "last_updated",
                "last_synced",
                "last_run_id",
                "proxmox_last_updated",
                "assigned_object_id",
                "scope_id",
            ];
            let lasting = members.into_iter().filter(|(name, _)| !PASSING.contains(&name.as_str()));
            lasting.map(|(name, value)| (name, plain(value, false))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| plain(item, false)).collect(),
        other => other,
    }
}

/// What is missing and what is too much; nothing where both are equal.
pub fn difference(expected: &State, now: &State) -> Option<String> {
    let (model, wanted) = expected.iter().find(|(model, wanted)| now[*model] != **wanted)?;
    let lost: Vec<&String> = wanted.iter().filter(|one| !now[model].contains(one)).collect();
    let odd: Vec<&String> = now[model].iter().filter(|one| !wanted.contains(one)).collect();
    let counts = (wanted.len(), now[model].len());
    Some(format!("{model} {counts:?}: lost {lost:?}, odd {odd:?}"))
}
