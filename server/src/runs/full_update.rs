//! The run that brings everything from Proxmox into NetBox.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::{Connected, Ending, Job, RunLog, Runs, StartError};
use crate::store::Ledger;
use crate::sync::{self, Outcome, Policy, Stamp};

/// Starts a full update. Its `complete` frame also holds what it cost.
pub async fn full_update(
    runs: &Runs,
    connected: Connected,
    policy: Policy,
) -> Result<Arc<RunLog>, StartError> {
    let Connected { netbox, targets } = connected;
    let name = lease_name(netbox.url());
    let job = |events, ledger: Ledger| -> Job {
        Box::new(move || {
            Box::pin(async move {
                let mut policy = policy;
                policy.stamp = stamp(&ledger);
                let outcome = sync::run(&netbox, &targets, &policy, &ledger, events).await;
                Ending { ok: outcome.ok, frame: with_cost(&outcome) }
            })
        })
    };
    runs.start(&name, job).await
}

/// By which run, and when: in whole seconds, as NetBox shows them.
fn stamp(ledger: &Ledger) -> Stamp {
    let run = ledger.run().map(|run| run.to_string()).unwrap_or_default();
    let now = Timestamp::now().as_second();
    let at = Timestamp::from_second(now).map(|now| now.to_string()).unwrap_or_default();
    Stamp { run, at }
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
