//! Pools of guests and storages.

use serde_json::{Value, json};

use super::need;
use crate::mock::answer::{Outcome, Refusal, data, failed};
use crate::mock::call::Call;
use crate::mock::{Cluster, Pool};

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    if !cluster.may("Pool.Audit") {
        return data(json!([]));
    }
    if let Some(name) = call.text("poolid") {
        return data(vec![with_members(cluster, &name)?]);
    }
    let row = |(name, pool): (&String, &Pool)| {
        let mut row = json!({ "poolid": name });
        if let Some(comment) = &pool.comment {
            row["comment"] = comment.as_str().into();
        }
        row
    };
    data(cluster.pools.iter().map(row).collect::<Vec<Value>>())
}

pub(crate) fn get(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, &format!("/pool/{}", call.at("poolid")), "Pool.Audit")?;
    let mut pool = with_members(cluster, call.at("poolid"))?;
    if let Some(members) = pool.as_object_mut() {
        members.remove("poolid");
    }
    data(pool)
}

fn with_members(cluster: &Cluster, name: &str) -> Result<Value, Refusal> {
    let pool = cluster.pools.get(name);
    let pool = pool.ok_or_else(|| failed(format!("pool '{name}' does not exist")))?;
    let guests = cluster.visible().filter(|guest| guest.pool.as_deref() == Some(name));
    let mut members: Vec<Value> =
        guests.map(|guest| guest.resource(cluster.is_online(&guest.node))).collect();
    // One row for each storage, of the first node that has it.
    for name in &pool.storages {
        let rows = super::storage::resources(cluster).into_iter();
        members.extend(rows.filter(|row| row["storage"] == name.as_str()).take(1));
    }
    let mut row = json!({ "poolid": name, "members": members });
    if let Some(comment) = &pool.comment {
        row["comment"] = comment.as_str().into();
    }
    Ok(row)
}

pub(crate) fn create(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.text("poolid").unwrap_or_default();
    need(cluster, &format!("/pool/{name}"), "Pool.Allocate")?;
    if cluster.pools.contains_key(&name) {
        return Err(failed(format!("create pool failed: pool '{name}' already exists")));
    }
    let pool = Pool { comment: call.text("comment"), ..Pool::default() };
    cluster.pools.insert(name, pool);
    data(Value::Null)
}

pub(crate) fn remove(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.at("poolid");
    need(cluster, &format!("/pool/{name}"), "Pool.Allocate")?;
    with_members(cluster, name)?;
    let not_empty = |what: String| {
        failed(format!("delete pool failed: pool '{name}' is not empty (contains {what})"))
    };
    let guest = cluster.guests.values().find(|guest| guest.pool.as_deref() == Some(name));
    if let Some(guest) = guest {
        return Err(not_empty(format!("VM {}", guest.vmid)));
    }
    let storage = cluster.pools.get(name).and_then(|pool| pool.storages.first());
    if let Some(storage) = storage {
        return Err(not_empty(format!("storage '{storage}'")));
    }
    if let Some(below) = cluster.pools.keys().find(|pool| pool.starts_with(&format!("{name}/"))) {
        return Err(not_empty(format!("pool '{below}'")));
    }
    cluster.pools.remove(name);
    data(Value::Null)
}

fn update_failed(why: String) -> Refusal {
    failed(format!("update pools failed: {why}"))
}

/// Adds or removes members, or changes the comment; all of it or nothing.
pub(crate) fn update(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.text("poolid").unwrap_or_else(|| call.at("poolid").to_owned());
    need(cluster, &format!("/pool/{name}"), "Pool.Allocate")?;
    with_members(cluster, &name)?;
    let remove = call.flag("delete");
    let listed = |key: &str| call.text(key).unwrap_or_default();
    let guests: Vec<u32> = crate::parse::split_list(&listed("vms"))
        .into_iter()
        .filter_map(|vmid| vmid.parse().ok())
        .collect();
    for vmid in &guests {
        let guest = cluster.guests.get(vmid);
        let guest = guest.ok_or_else(|| update_failed(format!("VM {vmid} does not exist")))?;
        match (&guest.pool, remove) {
            (Some(pool), true) if *pool == name => {}
            (_, true) => return Err(update_failed(format!("VM {vmid} is not a pool member"))),
            (Some(pool), false) if *pool == name => {
                return Err(update_failed(format!("VM {vmid} is already a pool member")));
            }
            (Some(pool), false) if !call.flag("allow-move") => {
                let text = format!(
                    "VM {vmid} belongs already to pool '{pool}' and 'allow-move' is not set"
                );
                return Err(update_failed(text));
            }
            _ => {}
        }
    }
    for vmid in guests {
        if let Some(guest) = cluster.guests.get_mut(&vmid) {
            guest.pool = (!remove).then(|| name.clone());
        }
    }
    if let Some(pool) = cluster.pools.get_mut(&name) {
        for storage in crate::parse::split_list(&listed("storage")) {
            match remove {
                true => pool.storages.remove(storage),
                false => pool.storages.insert(storage.to_owned()),
            };
        }
        pool.comment = call.text("comment").or(pool.comment.take());
    }
    data(Value::Null)
}
