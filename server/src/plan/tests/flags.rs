//! What each flag of the operator decides about.

use serde_json::json;

use super::world::*;
use crate::inventory::*;
use crate::plan::*;

/// A cluster in which each flagged field has a value.
fn lab() -> Inventory {
    let mut web =
        Guest { tags: vec!["prod".into()], hostname: Some("web.lab".into()), ..guest(100, "web") };
    web.cloud_init = Some(CloudInit {
        user: Some("admin".into()),
        ssh_keys: Some("ssh-ed25519 AAAA".into()),
        addresses: [(0, "ip=10.0.0.101/24,gw=10.0.0.1".to_owned())].into(),
        name_servers: Some("10.0.0.1".into()),
    });
    web.search_domain = Some("lab".into());
    let settings = json!({ "storage": "nas", "type": "nfs", "content": "backup" });
    let settings = settings.as_object().unwrap().clone();
    let storages = Some(vec![Storage { name: "nas".into(), settings }]);
    Inventory { storages, ..inventory("lab", vec![web]) }
}

fn policy(flag: Overwrite, on: bool) -> Policy {
    let mut policy = Policy { custom_fields: true, ..Policy::default() };
    policy.overwrite = Overwrite::ALL.iter().copied().collect();
    if !on {
        policy.overwrite.remove(&flag);
    }
    policy
}

/// Another value than ours, that nobody knows to be an edit.
fn other(rule: &FieldRule, have: &Value) -> Value {
    match (have, rule.mode) {
        (Value::Text(_), Mode::Marked(mark)) => format!("{mark}something else").into(),
        (Value::Text(_), _) => "something-else".into(),
        (Value::Bool(value), _) => Value::Bool(!value),
        (Value::Int(value), _) => Value::Int(value + 1),
        (Value::Ref(_), _) => Ref::Id(9999).into(),
        (Value::Set(_), _) => tags(&[]),
        (Value::Custom(values), _) => {
            Value::Custom(values.keys().map(|name| (name.clone(), json!("other"))).collect())
        }
        (value, _) => panic!("{}: {value}", rule.name),
    }
}

/// Fields of this flag that the sync after somebody's changes would write.
fn written(flag: Overwrite, on: bool) -> Vec<(Kind, &'static str)> {
    let mut world = World::with_plugin();
    let policy = policy(flag, on);
    world.sync_with(&[lab()], &policy);
    world.base = Base::default();
    let mut flagged = Vec::new();
    for kind in Kind::ALL {
        for rule in kind.fields().iter().filter(|rule| rule.flag == Some(flag)) {
            flagged.push((*kind, rule.name));
            for object in world.mirror.clone().all(*kind) {
                let Some(have) = object.fields.get(rule.name) else { continue };
                // The number of a guest is what it is known by.
                if matches!(have, Value::Custom(_)) && *kind == Kind::VirtualMachine {
                    let Value::Custom(mut values) = have.clone() else { continue };
                    values.insert("proxmox_node".into(), json!("other"));
                    let fields = Fields::from([(rule.name, Value::Custom(values))]);
                    world.change(*kind, object.id, fields);
                    continue;
                }
                let fields = Fields::from([(rule.name, other(rule, have))]);
                world.change(*kind, object.id, fields);
            }
        }
    }
    let plan = plan(&[lab()], &world.mirror, &world.base, &policy);
    flagged.retain(|(kind, field)| {
        let writes = |one: &Operation| one.key.kind == *kind && one.after.contains_key(field);
        plan.operations.iter().any(writes)
    });
    flagged
}

#[test]
fn every_overwrite_flag_decides_about_its_fields() {
    let mut without_effect = Vec::new();
    for flag in Overwrite::ALL.iter().copied().filter(|flag| *flag != Overwrite::VmProxmoxTags) {
        let (on, off) = (written(flag, true), written(flag, false));
        assert!(off.is_empty(), "{} is off, and these change: {off:?}", flag.name());
        if on.is_empty() {
            without_effect.push(flag.name());
        }
    }
    // What those hold is found out over SSH, which there is none of here: only stamps are left.
    assert_eq!(without_effect, ["overwrite_node_interface_custom_fields"]);
}

#[test]
fn tags_of_proxmox_are_added_to_a_machine_that_is_there_only_where_they_may() {
    for on in [true, false] {
        let mut world = World::default();
        let policy = policy(Overwrite::VmProxmoxTags, on);
        world.sync_with(&[inventory("lab", vec![guest(100, "web")])], &policy);
        world.sync_with(&[lab()], &policy);
        assert_eq!(world.machine(100).has_tag("prod"), on);
    }
}
