//! Runs that write: everything from Proxmox, or a stage of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{Ending, Job, RunLog, Runs, StartError, perform};
use crate::endpoints::Connected;
use crate::order::Order;
use crate::store::Ledger;
use crate::sync::{Outcome, SavedPlan};

/// Starts a full update. Its `complete` frame also holds what it cost.
pub async fn full_update(
    runs: &Runs,
    connected: Connected,
    order: Order,
) -> Result<Arc<RunLog>, StartError> {
    scheduled(runs, connected, order, Duration::ZERO).await
}

/// The same; it waits its turn for at most `patience` where another run writes.
pub async fn scheduled(
    runs: &Runs,
    connected: Connected,
    order: Order,
    patience: Duration,
) -> Result<Arc<RunLog>, StartError> {
    let ending = |outcome: &Outcome| Ending { ok: outcome.ok, frame: with_cost(outcome) };
    start(runs, connected, order, None, patience, ending).await
}

/// Carries out a saved plan, and refuses one that is not true any more.
pub async fn apply_saved(
    runs: &Runs,
    connected: Connected,
    saved: SavedPlan,
) -> Result<Arc<RunLog>, StartError> {
    let ending = |outcome: &Outcome| Ending { ok: outcome.ok, frame: with_cost(outcome) };
    let order = saved.order.clone();
    start(runs, connected, order, Some(saved), Duration::ZERO, ending).await
}

/// Starts a stage. It waits its turn for at most `patience` where another run writes.
pub async fn stage(
    runs: &Runs,
    connected: Connected,
    order: Order,
    patience: Duration,
) -> Result<Arc<RunLog>, StartError> {
    let ending = |outcome: &Outcome| Ending { ok: outcome.ok, frame: outcome.stage_frame().data };
    start(runs, connected, order, None, patience, ending).await
}

async fn start(
    runs: &Runs,
    connected: Connected,
    order: Order,
    approved: Option<SavedPlan>,
    patience: Duration,
    ending: fn(&Outcome) -> Ending,
) -> Result<Arc<RunLog>, StartError> {
    let name = lease_name(connected.netbox.url());
    let job = |events, ledger: Ledger| -> Job {
        Box::new(move || {
            Box::pin(async move {
                let approved = approved.as_ref();
                ending(&perform(&order, &connected, &ledger, approved, events).await)
            })
        })
    };
    runs.start_in_turn(&name, patience, job).await
}

/// What the lease of a NetBox is called: host, port and path, however its URL is written.
pub fn lease_name(url: &str) -> String {
    match url.parse::<Url>() {
        Ok(url) => {
            let port = url.port_or_known_default().unwrap_or_default();
            let host = url.host_str().unwrap_or_default();
            format!("{host}:{port}{}", url.path().trim_end_matches('/'))
        }
        Err(_) => url.to_owned(),
    }
}

fn with_cost(outcome: &Outcome) -> Value {
    let mut frame = outcome.complete_frame().data;
    if let Some(result) = frame.get_mut("result") {
        let requests = outcome.requests;
        result["requests"] = json!({
            "netbox_reads": requests.netbox_reads,
            "netbox_writes": requests.netbox_writes,
            "proxmox": requests.proxmox,
        });
        result["seconds"] = json!((outcome.seconds * 1000.0).round() / 1000.0);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_netbox_has_one_name() {
        for url in ["https://NetBox.example.org", "https://netbox.example.org:443/"] {
            assert_eq!(lease_name(url), "netbox.example.org:443");
        }
        assert_eq!(lease_name("http://10.0.0.1:8000/netbox/"), "10.0.0.1:8000/netbox");
    }
}
