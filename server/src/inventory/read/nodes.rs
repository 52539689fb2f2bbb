//! What each node answers about itself.

use futures_util::{StreamExt, stream};
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetNodesNodeNetwork, GetNodesNodeStatus,
    GetNodesNodeTasks, NodesNetworkRow, NodesStatus, NodesTasksRow, NodesTasksSource,
};
use sdk_proxmox::{Client, Error, Rows};

use super::super::Scope;
use super::super::answers::Answers;
use super::{ask, note_silence, problem, rows, silent};
use crate::part::Part;

/// What one node answered; none of what was not asked.
struct Found {
    network: Option<Result<Rows<NodesNetworkRow>, Error>>,
    status: Option<Result<NodesStatus, Error>>,
    tasks: Option<Result<Rows<NodesTasksRow>, Error>>,
}

pub(super) async fn read(client: &Client, scope: &Scope, answers: &mut Answers) {
    if !scope.any(&[Part::Devices, Part::NodeInterfaces, Part::TaskHistory]) {
        return;
    }
    let names = online(answers).into_iter().filter(|name| scope.has_node(name));
    let names: Vec<String> = names.collect();
    let one = |node: String| async move {
        let found = read_node(client, scope, &node).await;
        (node, found)
    };
    let found: Vec<_> = stream::iter(names).map(one).buffered(scope.calls.max(1)).collect().await;
    for (node, found) in found {
        enter(answers, &node, found);
    }
}

/// Nodes that can be asked.
pub(super) fn online(answers: &Answers) -> Vec<String> {
    let is_up = |row: &&ClusterResourcesRow| {
        row.kind == Some(ClusterResourcesRowType::Node) && row.status.as_deref() != Some("offline")
    };
    let down = silent(answers);
    let names = answers.resources.iter().filter(is_up).filter_map(|row| row.node.clone());
    names.filter(|node| !down.contains(node)).collect()
}

/// One after another: a node that does not answer must not be waited for three times over.
async fn read_node(client: &Client, scope: &Scope, node: &str) -> Found {
    let mut found = Found { network: None, status: None, tasks: None };
    if scope.any(&[Part::NodeInterfaces]) {
        let answer = ask(client, GetNodesNodeNetwork::new(node)).await;
        let gone = answer.as_ref().is_err_and(Error::is_node_unreachable);
        found.network = Some(answer);
        if gone {
            return found;
        }
    }
    if scope.any(&[Part::Devices]) {
        let answer = ask(client, GetNodesNodeStatus::new(node)).await;
        let gone = answer.as_ref().is_err_and(Error::is_node_unreachable);
        found.status = Some(answer);
        if gone {
            return found;
        }
    }
    if scope.any(&[Part::TaskHistory]) {
        found.tasks = Some(ask(client, tasks(scope, node)).await);
    }
    found
}

/// Finished tasks, the newest first.
fn tasks(scope: &Scope, node: &str) -> GetNodesNodeTasks {
    let mut operation = GetNodesNodeTasks::new(node);
    operation.source = Some(NodesTasksSource::Archive);
    operation.limit = Some(scope.tasks_per_node);
    operation.since = scope.tasks_since;
    operation.vmid = match scope.guests.as_ref().map(|guests| guests.iter().collect::<Vec<_>>()) {
        Some(guests) if guests.len() == 1 => guests.first().map(|vmid| **vmid),
        _ => None,
    };
    operation
}

fn enter(answers: &mut Answers, node: &str, found: Found) {
    let object = format!("node {node}");
    let mut entered = super::super::answers::NodeAnswers::default();
    match found.network {
        Some(Ok(network)) => entered.network = Some(rows(network, "the network list", answers)),
        Some(Err(error)) => {
            note_silence(answers, node, &error);
            problem(answers, &object, &error, "its interfaces are left as they are");
        }
        None => {}
    }
    match found.status {
        Some(Ok(status)) => entered.status = Some(status),
        Some(Err(error)) => {
            note_silence(answers, node, &error);
            problem(answers, &object, &error, "what it is made of stays unknown");
        }
        None => {}
    }
    match found.tasks {
        Some(Ok(tasks)) => entered.tasks = Some(rows(tasks, "the task list", answers)),
        Some(Err(error)) => {
            note_silence(answers, node, &error);
            problem(answers, &object, &error, "its tasks are left out");
        }
        None => {}
    }
    answers.nodes.insert(node.to_owned(), entered);
}
