//! One full run: read Proxmox and NetBox, plan, write, and tell what came of it.

mod account;
mod carry_out;
mod claim;
mod draw;
mod event;
mod outcome;
mod phase;
mod saved;
mod undo;

use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

pub use account::{Account, Object, State};
pub use event::Event;
pub use outcome::{Failure, Outcome, Requests};
pub use saved::{DrawnOperations, SavedPlan, Stale};

use crate::apply::Applier;
use crate::plan::{Base, Plan};
pub use crate::plan::{Family, InterfaceNames, Overwrite, Policy, Stamp, SyncMode};
use crate::store::{Ledger, StoreError};
use carry_out::carry_out;
use claim::{Claim, Refusal};
pub use draw::dry_run;
use draw::{Drawn, draw};
pub use undo::undo;

/// A Proxmox endpoint to read.
#[derive(Debug, Clone)]
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
/// that is not true any more: the outcome is then refused. Frames are sent to `events` as the run
/// goes; nobody has to listen.
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
    let drawn = match saved.and_then(|saved| saved.reverts) {
        Some(run) => undo::draw(netbox, run, ledger, outcome).await?,
        None => draw(netbox, targets, policy, ledger, outcome).await?,
    };
    let Drawn { mut plan, mut base, read_millis, claim: shown } = drawn;
    if let Some(Err(stale)) = saved.map(|saved| saved.limit(&mut plan)) {
        outcome.refused = true;
        return Err(stale.to_string());
    }
    record(ledger, &plan, &mut base).await.map_err(|error| error.to_string())?;
    let lost = CancellationToken::new();
    let batch = policy.bulk_batch_size;
    let applier = Applier::new(netbox, ledger, base, batch).until(lost.clone());
    let claim = claim(netbox, ledger, &plan, outcome).await?;
    let carrying = carry_out(applier, policy, &plan, read_millis, teller, outcome);
    match claim {
        None => {
            carrying.await;
            claim::clear(netbox, ledger, shown.as_deref().unwrap_or_default()).await;
        }
        Some(mut claim) => {
            tokio::pin!(carrying);
            tokio::select! {
                () = &mut carrying => {}
                () = claim.keep(&lost) => carrying.await,
            }
            claim.release().await;
        }
    }
    Ok(())
}

/// Claims NetBox where there is something to write. Without the right to, the claim in the state has
/// to do.
async fn claim<'n>(
    netbox: &'n sdk_netbox::Client,
    ledger: &Ledger,
    plan: &Plan,
    outcome: &mut Outcome,
) -> Result<Option<Claim<'n>>, String> {
    if plan.is_empty() {
        return Ok(None);
    }
    match Claim::make(netbox, ledger).await {
        Ok(claim) => Ok(claim),
        Err(Refusal::Taken(holder)) => {
            outcome.refused = true;
            Err(format!(
                "another server is writing to this NetBox: {holder}; start again when it has ended"
            ))
        }
        Err(Refusal::Netbox(error)) if error.is_auth() => {
            tracing::warn!(%error, "NetBox cannot show who writes; other servers will not see it");
            Ok(None)
        }
        Err(Refusal::Netbox(error)) => {
            Err(format!("NetBox at {} cannot be used: {error}", netbox.url()))
        }
    }
}

/// The plan is durable before its first request, and so is what agrees already.
async fn record(ledger: &Ledger, plan: &Plan, base: &mut Base) -> Result<(), StoreError> {
    ledger.plan(&plan.operations).await?;
    let remembered = plan.remembered.iter();
    let rows = remembered.map(|one| (one.kind, one.id, base.merge(one.kind, one.id, &one.fields)));
    let rows: Vec<_> = rows.collect();
    ledger.remember(&rows).await?;
    ledger.note_sightings(plan).await
}
