//! What only the guest itself, or its node, can tell of it.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetNodesNodeLxcVmidConfig,
    GetNodesNodeLxcVmidInterfaces, GetNodesNodeLxcVmidSnapshot,
    GetNodesNodeQemuVmidAgentGetHostName, GetNodesNodeQemuVmidAgentNetworkGetInterfaces,
    GetNodesNodeQemuVmidConfig, GetNodesNodeQemuVmidSnapshot,
};
use sdk_proxmox::{Client, Error, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::addresses::{from_agent, from_container};
use super::super::answers::{Answers, Config, GuestAnswers};
use super::super::{Scope, Seen, Snapshot};
use super::{ask, note_silence, problem, silent};
use crate::part::Part;

/// Questions to agents at the same time: each keeps a worker of its node busy while it waits.
const AGENTS: usize = 4;

/// An agent that has not answered by then is taken for dead.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// What could not be read, and what follows from it.
type Errors = Vec<(&'static str, Error)>;

pub(super) async fn read(client: &Client, scope: &Scope, answers: &mut Answers) {
    if !scope.wants_configs() && !scope.any(&[Part::Snapshots]) {
        return;
    }
    let down = silent(answers);
    let wanted = answers.resources.iter().filter_map(Wanted::of);
    let wanted = wanted.filter(|one| scope.has_guest(one.vmid) && !down.contains(&one.node));
    let wanted: Vec<Wanted> = wanted.collect();
    let asker = Asker { client, scope, agents: Semaphore::new(AGENTS) };
    let one = |wanted: Wanted| {
        let asker = &asker;
        async move {
            let read = asker.read(&wanted).await;
            (wanted, read)
        }
    };
    let mut read: Vec<_> =
        stream::iter(wanted).map(one).buffer_unordered(scope.calls.max(1)).collect().await;
    // In the order of numbers, so that messages are too.
    read.sort_by_key(|(wanted, _)| wanted.vmid);
    for (wanted, (guest, errors)) in read {
        for (what, error) in errors {
            note_silence(answers, &wanted.node, &error);
            problem(answers, &format!("guest {}", wanted.vmid), &error, what);
        }
        answers.guests.insert(wanted.vmid, guest);
    }
}

/// Asks for guests one by one.
struct Asker<'a> {
    client: &'a Client,
    scope: &'a Scope,
    agents: Semaphore,
}

impl Asker<'_> {
    async fn read(&self, wanted: &Wanted) -> (GuestAnswers, Errors) {
        let mut guest = GuestAnswers::default();
        let mut errors = Errors::new();
        if self.scope.wants_configs() {
            match self.config(wanted).await {
                Ok(config) => guest.config = Some(config),
                Err(error) => {
                    errors.push(("its parts are left as they are", error));
                    return (guest, errors);
                }
            }
        }
        if self.scope.any(&[Part::Snapshots]) {
            match self.snapshots(wanted).await {
                Ok(snapshots) => guest.snapshots = Some(snapshots),
                Err(error) => errors.push(("its snapshots are left as they are", error)),
            }
        }
        let has_agent = guest.config.as_ref().is_some_and(Config::has_agent);
        if self.scope.wants_addresses() && wanted.running && (wanted.container || has_agent) {
            match self.interfaces(wanted).await {
                Ok(interfaces) => {
                    guest.interfaces = interfaces;
                    if !wanted.container && guest.interfaces.is_some() {
                        guest.hostname = self.hostname(wanted).await;
                    }
                }
                // An agent that does not run is how most guests are.
                Err(error) if error.status() == Some(500) || error.is_not_implemented() => {
                    tracing::debug!(vmid = wanted.vmid, %error, "no addresses from the guest");
                }
                Err(error) => {
                    errors.push(("its addresses are taken from its configuration", error));
                }
            }
        }
        (guest, errors)
    }

    /// What runs, not what will be after the next start.
    async fn config(&self, wanted: &Wanted) -> Result<Config, Error> {
        let node = wanted.node.as_str();
        if wanted.container {
            let mut operation = GetNodesNodeLxcVmidConfig::new(node, wanted.vmid);
            operation.current = Some(true);
            Ok(Config::Lxc(Box::new(ask(self.client, operation).await?)))
        } else {
            let mut operation = GetNodesNodeQemuVmidConfig::new(node, wanted.vmid);
            operation.current = Some(true);
            Ok(Config::Qemu(Box::new(ask(self.client, operation).await?)))
        }
    }

    /// None when the agent keeps silent for too long.
    async fn interfaces(&self, wanted: &Wanted) -> Result<Option<Seen>, Error> {
        let node = wanted.node.as_str();
        if wanted.container {
            let operation = GetNodesNodeLxcVmidInterfaces::new(node, wanted.vmid);
            let rows = ask(self.client, operation).await?.into_vec();
            return Ok(from_container(&rows));
        }
        let operation = GetNodesNodeQemuVmidAgentNetworkGetInterfaces::new(node, wanted.vmid);
        let answer = self.of_agent(wanted, ask(self.client, operation)).await;
        Ok(answer.transpose()?.as_ref().and_then(from_agent))
    }

    async fn hostname(&self, wanted: &Wanted) -> Option<String> {
        let operation =
            GetNodesNodeQemuVmidAgentGetHostName::new(wanted.node.as_str(), wanted.vmid);
        let answer = self.of_agent(wanted, ask(self.client, operation)).await?.ok()?;
        let name = answer.get("result").unwrap_or(&answer).get("host-name")?.as_str()?;
        Some(name.to_owned())
    }

    async fn of_agent(
        &self,
        wanted: &Wanted,
        question: impl Future<Output = Result<Value, Error>>,
    ) -> Option<Result<Value, Error>> {
        // Never closed.
        let _turn = self.agents.acquire().await.ok()?;
        let answer = timeout(PATIENCE, question).await.ok();
        if answer.is_none() {
            tracing::debug!(vmid = wanted.vmid, "the agent does not answer in time");
        }
        answer
    }

    async fn snapshots(&self, wanted: &Wanted) -> Result<Vec<Snapshot>, Error> {
        let node = wanted.node.as_str();
        let mut found = Vec::new();
        if wanted.container {
            let operation = GetNodesNodeLxcVmidSnapshot::new(node, wanted.vmid);
            for row in ask(self.client, operation).await?.into_vec() {
                let (name, description) = (row.name, row.description);
                found.push(Snapshot { name, description, taken: row.snaptime, parent: row.parent });
            }
        } else {
            let operation = GetNodesNodeQemuVmidSnapshot::new(node, wanted.vmid);
            for row in ask(self.client, operation).await?.into_vec() {
                let (name, description) = (row.name, row.description);
                found.push(Snapshot { name, description, taken: row.snaptime, parent: row.parent });
            }
        }
        // The state that the guest is in now, which Proxmox lists with its snapshots.
        found.retain(|snapshot| snapshot.name != "current");
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}
