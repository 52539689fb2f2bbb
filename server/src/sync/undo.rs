//! From a run that has ended to the plan that takes it back. Proxmox is not asked.

use std::collections::BTreeSet;
use std::time::Instant;

use uuid::Uuid;

use super::draw::{Drawn, PLUGIN};
use super::outcome::Outcome;
use crate::mirror;
use crate::plan::{Plan, revert};
use crate::store::{Ledger, RunState};

/// Draws up the plan that takes a run back; nothing is written anywhere.
pub async fn undo(netbox: &sdk_netbox::Client, run: Uuid, ledger: &Ledger) -> Result<Plan, String> {
    Ok(draw(netbox, run, ledger, &mut Outcome::default()).await?.plan)
}

pub(super) async fn draw(
    netbox: &sdk_netbox::Client,
    run: Uuid,
    ledger: &Ledger,
    outcome: &mut Outcome,
) -> Result<Drawn, String> {
    let unusable =
        |error: sdk_netbox::Error| format!("NetBox at {} cannot be used: {error}", netbox.url());
    let row = ledger.row_of(run).await.map_err(|error| error.to_string())?;
    match row.map(|row| row.state) {
        None => return Err(format!("run {run} did not write to this NetBox, or is forgotten")),
        Some(RunState::Running) => return Err(format!("run {run} has not ended yet")),
        Some(_) => {}
    }
    let done = ledger.done_by(run).await.map_err(|error| error.to_string())?;
    let reading = Instant::now();
    let status = netbox.status().await.map_err(unusable)?;
    let kinds: BTreeSet<_> = done.iter().map(|did| did.key.kind).collect();
    let plugin = status.plugins.contains_key(PLUGIN);
    let mirror = mirror::read_around(netbox, &kinds, plugin).await.map_err(unusable)?;
    let base = ledger.base().await.map_err(|error| error.to_string())?;
    let plan = revert(&done, &mirror, &base);
    outcome.warnings.extend(plan.skipped.iter().map(|one| format!("{} {}", one.key, one.why)));
    outcome.warnings.extend(plan.kept.iter().map(|one| format!("changed since, and kept: {one}")));
    Ok(Drawn { plan, base, read_millis: reading.elapsed().as_millis(), claim: None })
}
