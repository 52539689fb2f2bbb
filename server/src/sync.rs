//! One full run: read Proxmox and NetBox, plan, write, and tell what came of it.

mod account;
mod event;
mod outcome;
mod phase;

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::UnboundedSender;

pub use account::Account;
pub use event::Event;
pub use outcome::{Failure, Outcome, Requests};

use crate::apply::{Applier, Done};
use crate::inventory::{self, Completeness, Endpoint, Inventory};
use crate::mirror::{self, Mirror};
use crate::plan::{Action, Kind, Operation, Plan, Stage, plan};
pub use crate::plan::{Family, Overwrite, Policy, SyncMode};
use account::Ledger;
use event::Tally;
use phase::Phase;

/// Endpoints that are read at the same time.
const ENDPOINTS: usize = 4;

/// A Proxmox endpoint to read.
#[derive(Clone)]
pub struct Target {
    /// Id of the endpoint.
    pub endpoint_id: i64,
    /// Its name, for messages.
    pub name: String,
    /// How to talk to it.
    pub client: sdk_proxmox::Client,
    /// NetBox id of the site for its cluster; a site of its own is made if there is none.
    pub site: Option<i64>,
    /// NetBox id of the tenant for new objects.
    pub tenant: Option<i64>,
}

/// Brings NetBox in step with all targets.
///
/// Never fails as such: the outcome says what happened, and lists what did not. Frames are sent to
/// `events` as the run goes; nobody has to listen.
pub async fn run(
    netbox: &sdk_netbox::Client,
    targets: &[Target],
    policy: &Policy,
    events: UnboundedSender<Event>,
) -> Outcome {
    let started = Instant::now();
    let before = netbox.counters();
    let proxmox = || targets.iter().map(|target| target.client.counters().requests).sum::<u64>();
    let proxmox_before = proxmox();
    let teller = Teller { events };
    let mut outcome = Outcome::default();
    if let Err(message) = go(netbox, targets, policy, &teller, &mut outcome).await {
        teller.tell(Event::bootstrap_failed(&message));
        teller.tell(Event::error("full-update", "run", "connection", &message));
        if outcome.failed.is_empty() {
            outcome.failed.push(Failure { object: "run".into(), message: message.clone() });
        }
        outcome.ok = false;
        outcome.message = message;
    }
    let asked = netbox.counters().since(&before);
    outcome.requests = Requests {
        netbox_reads: asked.reads,
        netbox_writes: asked.writes,
        proxmox: proxmox().saturating_sub(proxmox_before),
    };
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome
}

/// Sends frames; a listener that has gone away does not stop a run.
struct Teller {
    events: UnboundedSender<Event>,
}

impl Teller {
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

/// The run itself; its error is a run that could not begin.
async fn go(
    netbox: &sdk_netbox::Client,
    targets: &[Target],
    policy: &Policy,
    teller: &Teller,
    outcome: &mut Outcome,
) -> Result<(), String> {
    if targets.is_empty() {
        return Err("there is no enabled Proxmox endpoint; add one and start again".into());
    }
    let unusable =
        |error: sdk_netbox::Error| format!("NetBox at {} cannot be used: {error}", netbox.url());
    netbox.status().await.map_err(unusable)?;
    let reading = Instant::now();
    let (read, base) = tokio::join!(read_targets(targets, policy), mirror::read_base(netbox));
    let inventories = sort_out(read, outcome)?;
    let mut mirror = base.map_err(unusable)?;
    read_rest(netbox, &mut mirror, &inventories).await.map_err(unusable)?;
    let read_millis = reading.elapsed().as_millis();
    let made = plan(&inventories, &mirror, policy);
    tracing::info!(operations = made.operations.len(), read_millis, "planned");
    outcome.warnings.extend(warnings(&inventories, &made));
    carry_out(netbox, policy, &made, read_millis, teller, outcome).await;
    Ok(())
}

type Read = Result<Inventory, inventory::ReadError>;

async fn read_targets(targets: &[Target], policy: &Policy) -> Vec<(String, Read)> {
    let calls = policy.fetch_max_concurrency;
    let one = |target: Target| async move {
        let endpoint = Endpoint {
            id: target.endpoint_id,
            name: target.name.clone(),
            site: target.site,
            tenant: target.tenant,
        };
        (target.name, inventory::read(&target.client, &endpoint, calls).await)
    };
    stream::iter(targets.to_vec()).map(one).buffered(ENDPOINTS).collect().await
}

/// Inventories of the endpoints that answered; an error if none did.
fn sort_out(read: Vec<(String, Read)>, outcome: &mut Outcome) -> Result<Vec<Inventory>, String> {
    let mut inventories = Vec::new();
    for (name, read) in read {
        match read {
            Ok(inventory) => inventories.push(inventory),
            Err(error) => {
                let message = format!("{error}{}", hint(&error.source));
                outcome.failed.push(Failure { object: format!("endpoint {name}"), message });
            }
        }
    }
    match (inventories.is_empty(), outcome.failed.first()) {
        (true, Some(first)) => Err(first.message.clone()),
        _ => Ok(inventories),
    }
}

fn hint(error: &sdk_proxmox::Error) -> &'static str {
    if error.is_auth() {
        "; check the endpoint's token"
    } else if error.is_forbidden() {
        "; grant the endpoint's token Sys.Audit and VM.Audit on /"
    } else {
        ""
    }
}

async fn read_rest(
    netbox: &sdk_netbox::Client,
    mirror: &mut Mirror,
    inventories: &[Inventory],
) -> Result<(), sdk_netbox::Error> {
    let clusters: Vec<&str> =
        inventories.iter().map(|inventory| inventory.cluster.name.as_str()).collect();
    let nodes: BTreeSet<&str> = inventories
        .iter()
        .flat_map(|inventory| inventory.nodes.iter().map(|node| node.name.as_str()))
        .collect();
    let nodes: Vec<&str> = nodes.into_iter().collect();
    mirror::read_rest(netbox, mirror, &clusters, &nodes).await
}

fn warnings(inventories: &[Inventory], plan: &Plan) -> Vec<String> {
    let mut warnings = Vec::new();
    for inventory in inventories {
        let of = &inventory.endpoint_name;
        if let Completeness::Partial(gaps) = &inventory.completeness {
            warnings.extend(gaps.iter().map(|gap| format!("{of}: not everything was seen: {gap}")));
        }
        let problems = inventory.problems.iter();
        warnings.extend(problems.map(|one| format!("{of}: {}: {}", one.object, one.why)));
    }
    warnings.extend(plan.skipped.iter().map(|one| format!("{} {}", one.key, one.why)));
    let orphan = |key| format!("{key} is in NetBox, but no longer in Proxmox; it stays");
    warnings.extend(plan.orphaned.iter().map(orphan));
    let renamed = plan.duplicate_names.iter();
    warnings.extend(renamed.map(|one| {
        format!(
            "{}/{}: the name {} is taken; it is {}",
            one.cluster, one.vmid, one.original, one.resolved
        )
    }));
    warnings
}

async fn carry_out(
    netbox: &sdk_netbox::Client,
    policy: &Policy,
    plan: &Plan,
    read_millis: u128,
    teller: &Teller,
    outcome: &mut Outcome,
) {
    let mut ledger = Ledger::new(plan);
    let mut applier = Applier::new(netbox, policy.bulk_batch_size);
    for phase in Phase::ALL {
        let to_do: Vec<&Operation> =
            plan.operations.iter().filter(|one| Phase::of(one.stage) == phase).collect();
        let run = PhaseRun { phase, teller, ledger: &mut ledger, outcome: &mut *outcome };
        run.run(&mut applier, plan, &to_do).await;
        if phase == Phase::Bootstrap {
            teller.tell(bootstrap(plan, outcome));
            let message = format!("{} operations planned", plan.operations.len());
            teller.tell(Event::substep("full-update", "read_and_plan", &message, read_millis));
            for one in &plan.duplicate_names {
                teller.tell(Event::duplicate_name(one));
            }
        }
    }
    let accounts = ledger.accounts();
    outcome.conclude(accounts);
}

/// One phase on its way.
struct PhaseRun<'r> {
    phase: Phase,
    teller: &'r Teller,
    ledger: &'r mut Ledger,
    outcome: &'r mut Outcome,
}

impl PhaseRun<'_> {
    async fn run(self, applier: &mut Applier<'_>, plan: &Plan, to_do: &[&Operation]) {
        let Self { phase, teller, ledger, outcome } = self;
        let quiet = phase == Phase::Bootstrap || (to_do.is_empty() && !phase.is_stage());
        let started = Instant::now();
        let unchanged = plan.unchanged.iter().filter(|key| Phase::of_kind(key.kind) == phase);
        let seen = if phase.is_stage() { unchanged.count() } else { 0 };
        let touched: BTreeSet<_> = to_do.iter().map(|one| &one.key).collect();
        let mut tally =
            Tally { seen: seen + touched.len(), to_do: to_do.len(), ..Tally::default() };
        if !quiet {
            teller.tell(Event::step_started(phase, "writing what differs"));
            teller.tell(Event::discovery(phase, tally.seen, to_do));
        }
        let mut progress = |one: &Operation, done: &Done| {
            ledger.record(one, done);
            tally.count(done);
            if let Done::Failed(why) = done {
                let object = format!("{} {}", one.key.kind, one.label);
                teller.tell(Event::error(phase.name(), &object, category(why), why));
                outcome.failed.push(Failure { object, message: why.clone() });
            }
            if let Done::Skipped(why) = done {
                outcome.warnings.push(format!("{} {} was skipped: {why}", one.key.kind, one.label));
            }
            if !quiet {
                teller.tell(Event::item(phase, one, done, &tally));
            }
        };
        for (stage, operations) in by_stage(to_do) {
            applier.run(stage, &operations, &mut progress).await;
        }
        if !quiet {
            teller.tell(Event::summary(phase, &tally));
            teller.tell(Event::step_ended(phase, &tally, started.elapsed().as_secs_f64()));
        }
    }
}

fn by_stage(operations: &[&Operation]) -> Vec<(Stage, Vec<Operation>)> {
    let mut stages: Vec<(Stage, Vec<Operation>)> = Vec::new();
    for one in operations {
        match stages.last_mut() {
            Some((stage, of_stage)) if *stage == one.stage => of_stage.push((*one).clone()),
            _ => stages.push((one.stage, vec![(*one).clone()])),
        }
    }
    stages
}

fn bootstrap(plan: &Plan, outcome: &Outcome) -> Event {
    let is_base = |kind: Kind| Phase::of_kind(kind) == Phase::Bootstrap;
    let name = |kind: Kind, path: &str| format!("{}:{path}", kind.noun().replace(' ', "_"));
    let failed = |one: &&Operation| {
        let object = format!("{} {}", one.key.kind, one.label);
        outcome.failed.iter().any(|failure| failure.object == object)
    };
    let written = |create: bool| -> Vec<String> {
        let base = plan.operations.iter().filter(|one| is_base(one.key.kind));
        let base = base.filter(|one| (one.action == Action::Create) == create);
        base.filter(|one| !failed(one)).map(|one| name(one.key.kind, &one.label)).collect()
    };
    let unchanged = plan.unchanged.iter().filter(|key| is_base(key.kind));
    let unchanged: Vec<String> = unchanged.map(|key| name(key.kind, &key.path)).collect();
    // Nothing but the bootstrap has run so far.
    let failures: Vec<String> = outcome.failed.iter().map(|one| one.object.clone()).collect();
    Event::bootstrap(&written(true), &written(false), &unchanged, &failures)
}

/// The contract's word for the kind of failure, by the status in the message.
fn category(why: &str) -> &'static str {
    let has = |text: &str| why.contains(text);
    if has(": 403") || has(": 401") {
        "permission"
    } else if has(": 400") || has(": 409") {
        "validation"
    } else if has(": 404") {
        "not_found"
    } else if has("time-out") {
        "timeout"
    } else if has("not sent") || has("connection") {
        "connection"
    } else {
        "internal"
    }
}
