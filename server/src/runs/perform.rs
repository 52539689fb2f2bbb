//! Carries out what a run is asked to do.

use jiff::Timestamp;
use proxbox_runtime::{Call, Untyped};
use sdk_netbox::ops::plugins_proxbox::SETTINGS_RUNTIME_RETRIEVE;
use tokio::sync::mpsc::UnboundedSender;

use crate::config;
use crate::endpoints::Connected;
use crate::options::Options;
use crate::order::Order;
use crate::plan::Plan;
use crate::store::Ledger;
use crate::sync::{self, Event, Outcome, Policy, SavedPlan, Stamp};

/// Carries an order out; of it only what is `approved`, where something is.
pub async fn perform(
    order: &Order,
    connected: &Connected,
    ledger: &Ledger,
    approved: Option<&SavedPlan>,
    events: UnboundedSender<Event>,
) -> Outcome {
    let Connected { netbox, targets } = connected;
    let policy = policy(order, netbox, ledger).await;
    sync::run(netbox, targets, &policy, ledger, approved, events).await
}

/// What carrying it out would do. Nothing is written.
pub async fn draw(order: &Order, connected: &Connected, ledger: &Ledger) -> Result<Plan, Outcome> {
    let Connected { netbox, targets } = connected;
    let policy = policy(order, netbox, ledger).await;
    sync::dry_run(netbox, targets, &policy, ledger).await
}

async fn policy(order: &Order, netbox: &sdk_netbox::Client, ledger: &Ledger) -> Policy {
    order.policy(&settings(netbox).await.then(&config::options()), stamp(ledger))
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
