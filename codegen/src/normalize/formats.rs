//! Property strings that upstream names without publishing their keys.
//!
//! Some twenty formats (`pve-qm-watchdog`, `prune-backups`) are maps of keys inside the server, and
//! only a usage line at one of their parameters tells which. What one place tells holds wherever the
//! format is named: answers have no usage lines.

use std::collections::BTreeMap;

use serde_json::Value;

/// Gives every schema that names such a format the keys that are known of it.
pub(super) fn share(spec: &mut Value) {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    collect(spec, &mut known);
    apply(spec, &known);
}

fn collect(value: &Value, known: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            if let (Some(Value::String(format)), Some(property)) =
                (members.get("format"), members.get("x-proxmox-property"))
            {
                let size =
                    |property: &Value| property["properties"].as_object().map_or(0, |m| m.len());
                let better = known.get(format).is_none_or(|old| {
                    (size(property), property.to_string()) > (size(old), old.to_string())
                });
                if better {
                    known.insert(format.clone(), property.clone());
                }
            }
            members.values().for_each(|member| collect(member, known));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, known)),
        _ => {}
    }
}

fn apply(value: &mut Value, known: &BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            let format = members.get("format").and_then(Value::as_str);
            if let Some(property) = format.and_then(|format| known.get(format))
                && members.get("type").is_some_and(|ty| ty == "string")
                && !members.contains_key("x-proxmox-property")
            {
                members.insert("x-proxmox-property".into(), property.clone());
            }
            members.values_mut().for_each(|member| apply(member, known));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| apply(item, known)),
        _ => {}
    }
}
