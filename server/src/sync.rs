//! One full run: read Proxmox and NetBox, plan, write, and tell what came of it.

mod account;
mod event;
mod outcome;
mod phase;
mod saved;

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::UnboundedSender;

pub use account::{Account, Object, State};
pub use event::Event;
pub use outcome::{Failure, Outcome, Requests};
pub use saved::{SavedPlan, Stale};

use crate::apply::{Applier, Done};
use crate::inventory::{self, Completeness, Endpoint, Inventory, Scope};
use crate::mirror;
use crate::part::Part;
use crate::plan::{Action, Base, Kind, Operation, Plan, Stage, VMID_FIELD, plan};
pub use crate::plan::{Family, InterfaceNames, Overwrite, Policy, Stamp, SyncMode};
use crate::store::{Ledger, StoreError};
use account::Accounts;
use event::Tally;
use phase::Phase;

/// Endpoints that are read at the same time.
const ENDPOINTS: usize = 4;

/// Warnings with a frame of their own; all of them are in the last frame.
const TOLD: usize = 20;

/// A Proxmox endpoint to read.
#[derive(Clone)]
pub struct Target {
    /// Id of the endpoint.
    pub endpoint_id: i64,
    /// Its name, for messages.
    pub name: String,
    /// Where people find its web interface.
    pub link: String,
    /// How to talk to it.
    pub client: sdk_proxmox::Client,
    /// NetBox id of the site for its cluster; a site of its own is made if there is none.
    pub site: Option<i64>,
    /// NetBox id of the tenant for new objects.
    pub tenant: Option<i64>,
}

/// Brings NetBox in step with all targets.
///
/// Never fails as such: the outcome says what happened, and lists what did not. What is about to be
/// written is in the `ledger` first. Only what is in an `approved` plan is done, and nothing where
/// that is not true any more: the outcome is then refused. Frames are sent to `events` as the run goes; nobody has to
/// listen.
pub async fn run(
    netbox: &sdk_netbox::Client,
    targets: &[Target],
    policy: &Policy,
    ledger: &Ledger,
    approved: Option<&SavedPlan>,
    events: UnboundedSender<Event>,
) -> Outcome {
    let started = Instant::now();
    let before = netbox.counters();
    let proxmox = || targets.iter().map(|target| target.client.counters().requests).sum::<u64>();
    let proxmox_before = proxmox();
    let teller = Teller { events };
    let mut outcome = Outcome { parts: policy.parts.clone(), ..Outcome::default() };
    if let Err(message) = go(netbox, targets, policy, ledger, approved, &teller, &mut outcome).await
    {
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
    ledger: &Ledger,
    saved: Option<&SavedPlan>,
    teller: &Teller,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let Drawn { mut plan, mut base, read_millis } =
        draw(netbox, targets, policy, ledger, outcome).await?;
    if let Some(Err(stale)) = saved.map(|saved| saved.limit(&mut plan)) {
        outcome.refused = true;
        return Err(stale.to_string());
    }
    record(ledger, &plan, &mut base).await.map_err(|error| error.to_string())?;
    let applier = Applier::new(netbox, ledger, base, policy.bulk_batch_size);
    carry_out(applier, policy, &plan, read_millis, teller, outcome).await;
    Ok(())
}

/// A plan, and what it was made from that carrying it out needs.
struct Drawn {
    plan: Plan,
    base: Base,
    read_millis: u128,
}

/// Reads both sides and draws up the plan; nothing is written anywhere.
async fn draw(
    netbox: &sdk_netbox::Client,
    targets: &[Target],
    policy: &Policy,
    ledger: &Ledger,
    outcome: &mut Outcome,
) -> Result<Drawn, String> {
    if targets.is_empty() {
        return Err("there is no enabled Proxmox endpoint; add one and start again".into());
    }
    let unusable =
        |error: sdk_netbox::Error| format!("NetBox at {} cannot be used: {error}", netbox.url());
    let status = netbox.status().await.map_err(unusable)?;
    let plugin = status.plugins.contains_key(PLUGIN);
    let reading = Instant::now();
    let policy = &chosen(netbox, policy, plugin).await?;
    let parts = &policy.parts;
    let (read, base) =
        tokio::join!(read_targets(targets, policy), mirror::read_base(netbox, parts, plugin));
    let inventories = sort_out(read, outcome)?;
    let mut mirror = base.map_err(unusable)?;
    mirror::read_rest(netbox, &mut mirror, parts, &inventories).await.map_err(unusable)?;
    let base = ledger.base().await.map_err(|error| error.to_string())?;
    if plugin && base.owes_any() && parts.contains(&Part::Backups) {
        mirror::read_notes(netbox, &mut mirror).await.map_err(unusable)?;
    }
    let read_millis = reading.elapsed().as_millis();
    let plan = plan(&inventories, &mirror, &base, policy);
    tracing::info!(operations = plan.operations.len(), read_millis, "planned");
    outcome.warnings.extend(warnings(&inventories, &plan));
    Ok(Drawn { plan, base, read_millis })
}

/// The policy with the numbers of the guests that were chosen by their virtual machines.
async fn chosen(
    netbox: &sdk_netbox::Client,
    policy: &Policy,
    plugin: bool,
) -> Result<Policy, String> {
    let mut policy = policy.clone();
    if let Some(machines) = &policy.machines {
        let found = mirror::vmids(netbox, machines, plugin)
            .await
            .map_err(|error| format!("NetBox at {} cannot be used: {error}", netbox.url()))?;
        if let Some(id) = machines.iter().find(|id| !found.contains_key(id)) {
            return Err(format!(
                "virtual machine {id} is not in NetBox, or is no guest of Proxmox: it has no \
                 {VMID_FIELD}; a full update finds out"
            ));
        }
        policy.guests = Some(found.into_values().collect());
    }
    Ok(policy)
}

/// What would be done, and what would be left alone; nothing is written.
pub async fn dry_run(
    netbox: &sdk_netbox::Client,
    targets: &[Target],
    policy: &Policy,
    ledger: &Ledger,
) -> Result<Plan, Outcome> {
    let mut outcome = Outcome { parts: policy.parts.clone(), ..Outcome::default() };
    let drawn = draw(netbox, targets, policy, ledger, &mut outcome).await;
    // With an endpoint that was not read, the plan is not what was asked for.
    match (drawn, outcome.failed.first()) {
        (Ok(drawn), None) => Ok(drawn.plan),
        (Ok(_), Some(failure)) => {
            outcome.message = format!("{}: {}", failure.object, failure.message);
            Err(outcome)
        }
        (Err(message), _) => {
            outcome.message = message;
            Err(outcome)
        }
    }
}

/// The plugin's name in NetBox's list of plugins.
const PLUGIN: &str = "netbox_proxbox";

/// The plan is durable before its first request, and so is what agrees already.
async fn record(ledger: &Ledger, plan: &Plan, base: &mut Base) -> Result<(), StoreError> {
    ledger.plan(&plan.operations).await?;
    let remembered = plan.remembered.iter();
    let rows = remembered.map(|one| (one.kind, one.id, base.merge(one.kind, one.id, &one.fields)));
    let rows: Vec<_> = rows.collect();
    ledger.remember(&rows).await
}

type Read = Result<Inventory, inventory::ReadError>;

async fn read_targets(targets: &[Target], policy: &Policy) -> Vec<(String, Read)> {
    let scope = &Scope {
        parts: policy.parts.clone(),
        guests: policy.guests.clone(),
        nodes: policy.nodes.clone(),
        calls: policy.fetch_max_concurrency,
        tasks_since: policy.tasks_since,
        tasks_per_node: policy.tasks_per_node,
    };
    let one = |target: Target| async move {
        let endpoint = Endpoint {
            id: target.endpoint_id,
            name: target.name.clone(),
            link: target.link.clone(),
            site: target.site,
            tenant: target.tenant,
        };
        (target.name, inventory::read(&target.client, &endpoint, scope).await)
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
    warnings.extend(plan.kept.iter().map(|one| format!("kept an edit: {one}")));
    let overruled = plan.overruled.iter();
    warnings
        .extend(overruled.map(|one| format!("Proxmox has changed since an edit, and wins: {one}")));
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
    mut applier: Applier<'_>,
    policy: &Policy,
    plan: &Plan,
    read_millis: u128,
    teller: &Teller,
    outcome: &mut Outcome,
) {
    let mut accounts = Accounts::new(plan);
    for phase in Phase::all() {
        let to_do: Vec<&Operation> =
            plan.operations.iter().filter(|one| Phase::of(one) == phase).collect();
        let accounts = &mut accounts;
        let run = PhaseRun { phase, policy, teller, accounts, outcome: &mut *outcome };
        run.run(&mut applier, plan, &to_do).await;
        if phase == Phase::Part(Part::Bootstrap) {
            teller.tell(bootstrap(plan, outcome));
            let message = format!("{} operations planned", plan.operations.len());
            teller.tell(Event::substep("full-update", "read_and_plan", &message, read_millis));
            for one in &plan.duplicate_names {
                teller.tell(Event::duplicate_name(one));
            }
            for text in outcome.warnings.iter().take(TOLD) {
                teller.tell(Event::warning("read_and_plan", text));
            }
        }
    }
    outcome.through = applier.broken().is_none();
    outcome.conclude(accounts);
}

/// One phase on its way.
struct PhaseRun<'r> {
    phase: Phase,
    policy: &'r Policy,
    teller: &'r Teller,
    accounts: &'r mut Accounts,
    outcome: &'r mut Outcome,
}

impl PhaseRun<'_> {
    async fn run(self, applier: &mut Applier<'_>, plan: &Plan, to_do: &[&Operation]) {
        let Self { phase, policy, teller, accounts, outcome } = self;
        let asked = matches!(phase, Phase::Part(part) if policy.parts.contains(&part));
        let quiet = phase == Phase::Part(Part::Bootstrap)
            || (to_do.is_empty() && !(asked && phase.is_stage()));
        let started = Instant::now();
        let own = |kind: Kind| phase == Phase::Part(kind.part()) && kind.state_of().is_none();
        let unchanged = plan.unchanged.keys().filter(|key| own(key.kind));
        let seen = if phase.is_stage() { unchanged.count() } else { 0 };
        let touched: BTreeSet<_> = to_do.iter().map(|one| &one.key).collect();
        let mut tally =
            Tally { seen: seen + touched.len(), to_do: to_do.len(), ..Tally::default() };
        if !quiet {
            teller.tell(Event::step_started(phase, "writing what differs"));
            teller.tell(Event::discovery(phase, tally.seen, to_do));
        }
        let mut progress = |one: &Operation, done: &Done| {
            accounts.record(one, done);
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

fn by_stage<'o>(operations: &[&'o Operation]) -> Vec<(Stage, Vec<&'o Operation>)> {
    let mut stages: Vec<(Stage, Vec<&Operation>)> = Vec::new();
    for one in operations {
        match stages.last_mut() {
            Some((stage, of_stage)) if *stage == one.stage => of_stage.push(one),
            _ => stages.push((one.stage, vec![one])),
        }
    }
    stages
}

fn bootstrap(plan: &Plan, outcome: &Outcome) -> Event {
    let is_base = |kind: Kind| kind.part() == Part::Bootstrap && kind.state_of().is_none();
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
    let unchanged = plan.unchanged.keys().filter(|key| is_base(key.kind));
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
