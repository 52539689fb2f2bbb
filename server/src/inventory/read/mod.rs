//! Asks one endpoint: what a list gives in one call, and per guest only what a list cannot give.

mod cluster;
mod guests;
mod nodes;
mod storages;

use std::collections::BTreeSet;

use sdk_proxmox::{Client, Error, Operation, Rows};

use super::answers::Answers;
use super::build::{Endpoint, build};
use super::{Inventory, Problem, Scope};

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

/// Reads what the scope needs of an endpoint.
///
/// Fails only where the list of resources or the cluster's name cannot be had. A node that does
/// not answer or a guest that may not be read is a gap or a problem of the inventory.
pub async fn read(
    client: &Client,
    endpoint: &Endpoint,
    scope: &Scope,
) -> Result<Inventory, ReadError> {
    let fail = |source| ReadError { endpoint: endpoint.name.clone(), source };
    let drift_before = client.counters().drift;
    let mut answers = Answers::default();
    cluster::resources(client, &mut answers).await.map_err(fail)?;
    cluster::status(client, &mut answers).await.map_err(fail)?;
    cluster::permissions(client, &mut answers).await;
    cluster::jobs(client, scope, &mut answers).await;
    nodes::read(client, scope, &mut answers).await;
    storages::read(client, scope, &mut answers).await;
    guests::read(client, scope, &mut answers).await;
    answers.drift = client.counters().drift.saturating_sub(drift_before);
    Ok(build(endpoint, scope, answers))
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

/// Nodes that the cluster knows to be down, or that did not answer.
fn silent(answers: &Answers) -> BTreeSet<String> {
    let down = answers.status.iter().filter(|row| row.online == Some(false));
    down.filter_map(|row| row.name.clone()).chain(answers.silent.iter().cloned()).collect()
}

/// Writes down that a node does not answer, if that is what the error says.
fn note_silence(answers: &mut Answers, node: &str, error: &Error) {
    if !error.is_node_unreachable() {
        return;
    }
    let gap = format!("node {node} does not answer");
    if !answers.gaps.contains(&gap) {
        answers.gaps.push(gap);
    }
    answers.silent.insert(node.to_owned());
}

fn problem(answers: &mut Answers, object: &str, error: &Error, consequence: &str) {
    let why = format!("{error}; {consequence}");
    answers.problems.push(Problem { object: object.to_owned(), why });
}
