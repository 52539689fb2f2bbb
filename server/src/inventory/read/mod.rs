//! Asks one endpoint: what a list gives in one call, and per guest only what a list cannot give.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetAccessPermissions, GetClusterResources,
    GetClusterStatus, GetNodesNodeLxcVmidConfig, GetNodesNodeLxcVmidInterfaces,
    GetNodesNodeNetwork, GetNodesNodeQemuVmidAgentNetworkGetInterfaces, GetNodesNodeQemuVmidConfig,
};
use sdk_proxmox::{Client, Error, Operation, Rows, Value};

use super::answers::{Answers, Config, GuestAnswers, Interfaces};
use super::build::{Endpoint, build};
use super::{Inventory, Problem};

/// An endpoint that could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("Proxmox endpoint {endpoint} cannot be read: {source}")]
pub struct ReadError {
    /// The endpoint's name.
    pub endpoint: String,
    /// Why; its text says where to look.
    #[source]
    pub source: Error,
}

/// Reads everything that an endpoint shows, with at most `concurrency` calls at the same time.
///
/// Fails only where the list of resources or the cluster's name cannot be had. A node that does not answer or a guest
/// that may not be read is a gap or a problem of the inventory.
pub async fn read(
    client: &Client,
    endpoint: &Endpoint,
    concurrency: usize,
) -> Result<Inventory, ReadError> {
    let fail = |source| ReadError { endpoint: endpoint.name.clone(), source };
    let drift_before = client.counters().drift;
    let mut answers = Answers::default();
    answers.resources = resources(client, &mut answers).await.map_err(fail)?;
    read_status(client, &mut answers).await.map_err(fail)?;
    read_permissions(client, &mut answers).await;
    let calls = concurrency.max(1);
    read_networks(client, &mut answers, calls).await;
    read_guests(client, &mut answers, calls).await;
    answers.drift = client.counters().drift.saturating_sub(drift_before);
    Ok(build(endpoint, &answers))
}

async fn ask<O: Operation>(client: &Client, operation: O) -> Result<O::Output, Error> {
    Ok(client.send(&operation).await?.value)
}

/// Plain rows; those that did not decode are a gap.
fn rows<T>(rows: Rows<T>, of: &str, answers: &mut Answers) -> Vec<T> {
    let rejected = rows.rejected().len();
    if rejected > 0 {
        answers.gaps.push(format!("{rejected} rows of {of} cannot be read"));
    }
    rows.into_vec()
}

async fn resources(
    client: &Client,
    answers: &mut Answers,
) -> Result<Vec<ClusterResourcesRow>, Error> {
    let found = ask(client, GetClusterResources::new()).await?;
    Ok(rows(found, "/cluster/resources", answers))
}

/// The cluster's name tells its guests from those of other clusters, so without it nothing can be
/// done: under a stand-in every guest would be made a second time.
async fn read_status(client: &Client, answers: &mut Answers) -> Result<(), Error> {
    let status = ask(client, GetClusterStatus::new()).await?;
    answers.status = rows(status, "/cluster/status", answers);
    if answers.status.iter().any(|row| row.quorate == Some(false)) {
        answers.gaps.push("the cluster has no quorum".into());
    }
    Ok(())
}

/// Guests that a token may not see are left out of lists without a word.
async fn read_permissions(client: &Client, answers: &mut Answers) {
    match ask(client, GetAccessPermissions::new()).await {
        Ok(permissions) => {
            let mut missing = |why: &str| {
                let object = "permissions".to_owned();
                answers.problems.push(Problem { object, why: why.into() });
            };
            if !holds(&permissions, "VM.Audit", ["/", "/vms"]) {
                let gap =
                    "the token has VM.Audit neither on / nor on /vms: some guests may be hidden";
                missing(gap);
                answers.gaps.push(gap.into());
            }
            if !holds(&permissions, "SDN.Audit", ["/", "/sdn"]) {
                missing("the token has SDN.Audit neither on / nor on /sdn: bridges are hidden");
            }
        }
        Err(error) => answers.gaps.push(format!("the token's rights cannot be read: {error}")),
    }
}

/// Whether a privilege is granted on one of these paths and all below it.
fn holds(permissions: &Value, privilege: &str, paths: [&str; 2]) -> bool {
    paths.iter().any(|path| {
        let privileges = permissions.get(path);
        match privileges.and_then(|privileges| privileges.get(privilege)) {
            // The value says whether it holds for what lies below.
            Some(Value::Bool(inherited)) => *inherited,
            Some(Value::Number(inherited)) => inherited.as_i64() != Some(0),
            Some(Value::String(inherited)) => inherited != "0",
            _ => false,
        }
    })
}

async fn read_networks(client: &Client, answers: &mut Answers, calls: usize) {
    let is_node = |row: &&ClusterResourcesRow| {
        row.kind == Some(ClusterResourcesRowType::Node) && row.status.as_deref() != Some("offline")
    };
    let down = silent(answers);
    let names: Vec<String> = answers
        .resources
        .iter()
        .filter(is_node)
        .filter_map(|row| row.node.clone())
        .filter(|node| !down.contains(node))
        .collect();
    let one = |node: String| async move {
        let answer = ask(client, GetNodesNodeNetwork::new(node.as_str())).await;
        (node, answer)
    };
    let found: Vec<_> = stream::iter(names).map(one).buffered(calls).collect().await;
    for (node, answer) in found {
        match answer {
            Ok(network) => {
                let network = rows(network, "the network list", answers);
                answers.networks.insert(node, network);
            }
            Err(error) => {
                if error.is_node_unreachable() {
                    answers.gaps.push(format!("node {node} does not answer"));
                    answers.silent.insert(node.clone());
                }
                let object = format!("node {node}");
                problem(answers, &object, &error, "its bridges are left as they are");
            }
        }
    }
}

/// Nodes that the cluster knows to be down, or that did not answer.
fn silent(answers: &Answers) -> BTreeSet<String> {
    let down = answers.status.iter().filter(|row| row.online == Some(false));
    down.filter_map(|row| row.name.clone()).chain(answers.silent.iter().cloned()).collect()
}

async fn read_guests(client: &Client, answers: &mut Answers, calls: usize) {
    let down = silent(answers);
    let wanted: Vec<Wanted> = answers
        .resources
        .iter()
        .filter_map(Wanted::of)
        .filter(|wanted| !down.contains(&wanted.node))
        .collect();
    let one = |wanted: Wanted| async move {
        let read = read_guest(client, &wanted).await;
        (wanted, read)
    };
    let mut found = stream::iter(wanted).map(one).buffer_unordered(calls);
    let mut read = Vec::new();
    while let Some(one) = found.next().await {
        read.push(one);
    }
    // In the order of numbers, so that messages are too.
    read.sort_by_key(|(wanted, _)| wanted.vmid);
    for (wanted, (guest, errors)) in read {
        for (what, error) in errors {
            if error.is_node_unreachable() {
                let gap = format!("node {} does not answer", wanted.node);
                if !answers.gaps.contains(&gap) {
                    answers.gaps.push(gap);
                }
            }
            problem(answers, &format!("guest {}", wanted.vmid), &error, what);
        }
        answers.guests.insert(wanted.vmid, guest);
    }
}

/// What has to be known to ask for a guest.
struct Wanted {
    vmid: i64,
    node: String,
    container: bool,
    running: bool,
}

impl Wanted {
    fn of(row: &ClusterResourcesRow) -> Option<Self> {
        let container = match row.kind {
            Some(ClusterResourcesRowType::Qemu) => false,
            Some(ClusterResourcesRowType::Lxc) => true,
            _ => return None,
        };
        let running = row.status.as_deref() == Some("running");
        Some(Self { vmid: row.vmid?, node: row.node.clone()?, container, running })
    }
}

type Errors = Vec<(&'static str, Error)>;

async fn read_guest(client: &Client, wanted: &Wanted) -> (GuestAnswers, Errors) {
    let mut guest = GuestAnswers::default();
    let mut errors = Errors::new();
    match read_config(client, wanted).await {
        Ok(config) => guest.config = Some(config),
        Err(error) => {
            errors.push(("its parts are left as they are", error));
            return (guest, errors);
        }
    }
    let has_agent = guest.config.as_ref().is_some_and(Config::has_agent);
    if wanted.running && (wanted.container || has_agent) {
        match read_interfaces(client, wanted).await {
            Ok(interfaces) => guest.interfaces = Some(interfaces),
            // An agent that does not run is how most guests are.
            Err(error) if error.status() == Some(500) || error.is_not_implemented() => {
                tracing::debug!(vmid = wanted.vmid, %error, "no addresses from the guest");
            }
            Err(error) => errors.push(("its addresses are taken from its configuration", error)),
        }
    }
    (guest, errors)
}

async fn read_config(client: &Client, wanted: &Wanted) -> Result<Config, Error> {
    let node = wanted.node.as_str();
    // What runs, not what will be after the next start.
    if wanted.container {
        let mut operation = GetNodesNodeLxcVmidConfig::new(node, wanted.vmid);
        operation.current = Some(true);
        Ok(Config::Lxc(Box::new(ask(client, operation).await?)))
    } else {
        let mut operation = GetNodesNodeQemuVmidConfig::new(node, wanted.vmid);
        operation.current = Some(true);
        Ok(Config::Qemu(Box::new(ask(client, operation).await?)))
    }
}

async fn read_interfaces(client: &Client, wanted: &Wanted) -> Result<Interfaces, Error> {
    let node = wanted.node.as_str();
    if wanted.container {
        let operation = GetNodesNodeLxcVmidInterfaces::new(node, wanted.vmid);
        Ok(Interfaces::Container(ask(client, operation).await?.into_vec()))
    } else {
        let operation = GetNodesNodeQemuVmidAgentNetworkGetInterfaces::new(node, wanted.vmid);
        Ok(Interfaces::Agent(ask(client, operation).await?))
    }
}

fn problem(answers: &mut Answers, object: &str, error: &Error, consequence: &str) {
    let why = format!("{error}; {consequence}");
    answers.problems.push(Problem { object: object.to_owned(), why });
}
