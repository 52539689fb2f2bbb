//! What a run is asked to do, and doing it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proxbox_runtime::{Call, Untyped};
use sdk_netbox::ops::plugins_proxbox::SETTINGS_RUNTIME_RETRIEVE;
use tokio::sync::mpsc::UnboundedSender;

use super::Connected;
use crate::options::Options;
use crate::part::Part;
use crate::store::Ledger;
use crate::sync::{self, Event, Outcome, Policy, Stamp};

/// What a run is asked to do. Nothing said means everything.
#[derive(Debug, Clone)]
pub struct Order {
    /// The parts of the sync.
    pub parts: BTreeSet<Part>,
    /// Options that win over the plugin's settings.
    pub options: Options,
    /// Only guests that are these virtual machines, by NetBox's id.
    pub machines: Option<BTreeSet<i64>>,
    /// Only these guests, by vmid.
    pub guests: Option<BTreeSet<i64>>,
    /// Only these nodes.
    pub nodes: Option<BTreeSet<String>>,
}

impl Default for Order {
    fn default() -> Self {
        let options = Options::default();
        Self { parts: Part::all(), options, machines: None, guests: None, nodes: None }
    }
}

impl Order {
    /// The policy: what the plugin has set, then what was asked.
    pub async fn policy(&self, netbox: &sdk_netbox::Client, ledger: &Ledger) -> Policy {
        let mut policy = Policy::default();
        settings(netbox).await.apply(&mut policy);
        self.options.apply(&mut policy);
        policy.parts.clone_from(&self.parts);
        policy.machines.clone_from(&self.machines);
        policy.guests.clone_from(&self.guests);
        policy.nodes.clone_from(&self.nodes);
        policy.stamp = stamp(ledger);
        policy
    }

    /// Carries the order out.
    pub async fn perform(
        &self,
        connected: &Connected,
        ledger: &Ledger,
        events: UnboundedSender<Event>,
    ) -> Outcome {
        let policy = self.policy(&connected.netbox, ledger).await;
        sync::run(&connected.netbox, &connected.targets, &policy, ledger, events).await
    }
}

/// The plugin's settings; nothing where NetBox has no plugin. That NetBox is not there is for the
/// run itself to say.
async fn settings(netbox: &sdk_netbox::Client) -> Options {
    let call: Call<(), Untyped> = Call::new(SETTINGS_RUNTIME_RETRIEVE.op);
    match netbox.send::<Untyped>(call.request(&[])).await {
        Ok(settings) => Options::from_settings(&settings.value.extra),
        Err(error) => {
            if !error.is_not_found() {
                tracing::warn!(%error, "the plugin's settings cannot be read; the defaults apply");
            }
            Options::default()
        }
    }
}

/// By which run, and when: in whole seconds, as NetBox shows them.
fn stamp(ledger: &Ledger) -> Stamp {
    let run = ledger.run().map(|run| run.to_string()).unwrap_or_default();
    let now = Timestamp::now().as_second();
    let at = Timestamp::from_second(now).map(|now| now.to_string()).unwrap_or_default();
    Stamp { run, at }
}
