//! Tasks, running and ended.

use serde_json::{Value, json};

use super::node_name;
use crate::mock::Cluster;
use crate::mock::answer::{Answer, Outcome, Refusal, bad_param, data};
use crate::mock::call::Call;
use crate::mock::task::Task;
use crate::parse::split_list;

pub(crate) fn of_cluster(cluster: &mut Cluster, _: &Call) -> Outcome {
    let row = |task: &Task| {
        let mut row = task.row();
        if let Some(members) = row.as_object_mut() {
            members.remove("pid");
            members.remove("pstart");
            if task.ended.is_some() {
                members.insert("saved".into(), "1".into());
            }
        }
        row
    };
    data(cluster.tasks.iter().rev().map(row).collect::<Vec<Value>>())
}

/// Newest first; only ended ones unless `source` says otherwise.
pub(crate) fn of_node(cluster: &mut Cluster, call: &Call) -> Outcome {
    let node = node_name(cluster, call);
    let source = call.text("source").unwrap_or_else(|| "archive".into());
    let (vmid, kind) = (call.text("vmid"), call.text("typefilter"));
    let failed_only = call.flag("errors");
    let by = (call.number("since"), call.number("until"), call.text("userfilter"));
    let states = call.text("statusfilter");
    let wanted = |task: &&Task| {
        let state = match source.as_str() {
            "all" => true,
            "active" => task.ended.is_none(),
            _ => task.ended.is_some(),
        };
        task.node == node
            && state
            && vmid.as_ref().is_none_or(|vmid| task.id == *vmid)
            && kind.as_ref().is_none_or(|kind| task.kind == *kind)
            && (!failed_only || (task.exit != "OK" && task.ended.is_some()))
            && by.0.is_none_or(|since| task.started >= since)
            && by.1.is_none_or(|until| task.started <= until)
            && by.2.as_ref().is_none_or(|user| task.user.contains(user.as_str()))
            && states.as_ref().is_none_or(|states| split_list(states).contains(&task.sort()))
    };
    let row = |task: &Task| {
        let mut row = task.row();
        if task.ended.is_none() {
            row["status"] = "RUNNING".into();
        }
        row
    };
    let all: Vec<Value> = cluster.tasks.iter().rev().filter(wanted).map(row).collect();
    page(all, call)
}

pub(crate) fn status(cluster: &mut Cluster, call: &Call) -> Outcome {
    data(find(cluster, call)?.status())
}

pub(crate) fn log(cluster: &mut Cluster, call: &Call) -> Outcome {
    let lines = find(cluster, call)?.log.iter().enumerate();
    page(lines.map(|(index, text)| json!({ "n": index + 1, "t": text })).collect(), call)
}

/// Stops a running task; it ends without effect.
pub(crate) fn stop(cluster: &mut Cluster, call: &Call) -> Outcome {
    find(cluster, call)?;
    let upid = call.at("upid");
    if let Some(task) = cluster.tasks.iter_mut().find(|task| task.upid == upid)
        && task.ended.is_none()
    {
        task.effect = None;
        task.exit = "interrupted by signal".into();
        task.ends = tokio::time::Instant::now();
    }
    data(Value::Null)
}

fn find<'a>(cluster: &'a Cluster, call: &Call) -> Result<&'a Task, Refusal> {
    let upid = call.at("upid");
    if upid.parse::<crate::Upid>().is_err() {
        return Err(bad_param("upid", "unable to parse worker upid"));
    }
    let found = cluster.tasks.iter().find(|task| task.upid == upid);
    found.ok_or_else(|| bad_param("upid", "no such task"))
}

/// A part of a list by `start` and `limit`, 50 unless told, with the total beside it.
pub(crate) fn page(all: Vec<Value>, call: &Call) -> Outcome {
    let number = |name| call.number(name).and_then(|number| usize::try_from(number).ok());
    let total = all.len();
    let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(50);
    let part = all.into_iter().skip(number("start").unwrap_or(0)).take(limit);
    let mut answer = Answer::from(Value::from(part.collect::<Vec<_>>()));
    if total > 0 {
        answer.beside.insert("total".into(), total.into());
    }
    Ok(answer)
}
