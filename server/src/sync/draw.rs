//! From endpoints and NetBox to a plan: reads both sides, and writes nothing.

use std::time::Instant;

use futures_util::{StreamExt, stream};

use super::{Failure, Outcome, Target, claim};
use crate::inventory::{self, Completeness, Endpoint, Inventory, Scope};
use crate::mirror;
use crate::part::Part;
use crate::plan::{Base, HELD, Kind, Plan, Policy, Reason, VMID_FIELD, plan};
use crate::store::Ledger;

/// Endpoints that are read at the same time.
const ENDPOINTS: usize = 4;

/// A plan, and what it was made from that carrying it out needs.
pub(super) struct Drawn {
    pub(super) plan: Plan,
    pub(super) base: Base,
    pub(super) read_millis: u128,
    /// What NetBox says of who writes to it.
    pub(super) claim: Option<String>,
}

/// Reads both sides and draws up the plan; nothing is written anywhere.
pub(super) async fn draw(
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
        tokio::join!(read_targets(targets, policy), mirror::read_base(netbox, policy, plugin));
    let inventories = sort_out(read, outcome)?;
    let mut mirror = base.map_err(unusable)?;
    mirror::read_rest(netbox, &mut mirror, policy, &inventories).await.map_err(unusable)?;
    let base = ledger.base().await.map_err(|error| error.to_string())?;
    if plugin && base.owes_any() && parts.contains(&Part::Backups) {
        mirror::read_notes(netbox, &mut mirror).await.map_err(unusable)?;
    }
    let read_millis = reading.elapsed().as_millis();
    let planning = Instant::now();
    let plan = plan(&inventories, &mirror, &base, policy);
    let plan_millis = planning.elapsed().as_millis();
    tracing::info!(operations = plan.operations.len(), read_millis, plan_millis, "planned");
    outcome.warnings.extend(warnings(&inventories, &plan));
    let claim = mirror.find(Kind::Tag, "slug", claim::SLUG).map(|tag| tag.text("description"));
    let claim = claim.map(str::to_owned);
    Ok(Drawn { plan, base, read_millis, claim })
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
pub(super) const PLUGIN: &str = "netbox_proxbox";

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
    let mut warnings: Vec<String> = plan.held_back.iter().map(|held| held.why.clone()).collect();
    for inventory in inventories {
        let of = &inventory.endpoint_name;
        if let Completeness::Partial(gaps) = &inventory.completeness {
            warnings.extend(gaps.iter().map(|gap| format!("{of}: not everything was seen: {gap}")));
        }
        let problems = inventory.problems.iter();
        warnings.extend(problems.map(|one| format!("{of}: {}: {}", one.object, one.why)));
    }
    // Those that are held back are told in one sentence.
    let skipped = plan.skipped.iter().filter(|one| one.why != HELD);
    warnings.extend(skipped.map(|one| format!("{} {}", one.key, one.why)));
    let gone =
        |label: &str| format!("virtual machine {label} is in NetBox, but no longer in Proxmox");
    let stays = |label: &String| format!("{}; it stays", gone(label));
    warnings.extend(plan.orphaned.values().map(stays));
    let marked = plan.operations.iter().filter(|one| one.reason == Reason::Orphaned);
    warnings.extend(marked.map(|one| format!("{}; it is marked", gone(&one.label))));
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
