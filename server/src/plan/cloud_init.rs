//! What cloud-init gives guests, in the plugin's table.

use std::collections::HashMap;

use super::draft::{Draft, Wanted};
use super::{Fields, Key, Kind, Ref, Value};
use crate::inventory::Guest;

/// Longest list of keys that is kept.
const KEYS: usize = 64 * 1024;

pub(super) fn plan(
    draft: &mut Draft<'_>,
    rows: &HashMap<i64, i64>,
    guest: &Guest,
    path: &str,
    machine: &Ref,
) {
    let Some(found) = &guest.cloud_init else { return };
    let existing = machine.id().and_then(|id| rows.get(&id));
    let existing = existing.and_then(|id| draft.mirror.get(Kind::CloudInit, *id));
    // What people plan for a machine is theirs.
    if existing.is_some_and(|row| row.fields.get("is_intent") == Some(&Value::Bool(true))) {
        return;
    }
    let keys = found.ssh_keys.as_deref().unwrap_or_default();
    let kept: String = keys.chars().take(KEYS).collect();
    let addresses = found.addresses.get(&0).map_or("", String::as_str);
    let part = |name: &str| {
        let mut pairs = addresses.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let nic = guest.nics.iter().find(|nic| nic.name == "net0");
    let fields = Fields::from([
        ("virtual_machine", machine.clone().into()),
        ("ciuser", found.user.as_deref().into()),
        ("sshkeys_truncated", (kept.len() < keys.len()).into()),
        ("sshkeys", kept.into()),
        ("ipconfig0", addresses.into()),
        ("hostname", guest.name.as_deref().into()),
        ("search_domain", guest.search_domain.as_deref().into()),
        ("dns_servers", found.name_servers.as_deref().into()),
        ("bridge", nic.and_then(|nic| nic.bridge.as_deref()).into()),
        ("vlan_tag", nic.and_then(|nic| nic.vlan).into()),
        ("gateway", part("gw").into()),
        ("ip_cidr", part("ip").into()),
        ("enable_agent", guest.agent.into()),
    ]);
    draft.settle(Wanted::new(Key::new(Kind::CloudInit, path), existing.map(|row| row.id), fields));
}
