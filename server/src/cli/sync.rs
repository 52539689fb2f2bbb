//! `proxbox sync`

use std::time::Duration;

use serde_json::Value;

use super::{Exit, Progress, print_outcome, stop_requested};
use crate::config::{Direct, State};
use crate::runs::{Lease, Order, RunLog, Runs, Selection, StartError, connect, full_update};

/// Time for a run to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(16);

/// `sync` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Sync {
    /// Brings NetBox in step with Proxmox.
    Run(Run),
}

/// Arguments of `sync run`.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// One full update, then the end. There is no other way yet.
    #[arg(long, required = true)]
    once: bool,
    /// Prints the result as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Only these stored Proxmox endpoints.
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "proxmox_url")]
    endpoint: Option<Vec<i64>>,
    #[command(flatten)]
    direct: Direct,
}

impl Sync {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let Self::Run(run) = self;
        let store = state.open().await?;
        let order = Order::default();
        let connected = match run.direct.connect()? {
            Some(connected) => connected,
            None => {
                let selection = Selection { proxmox_ids: run.endpoint, ..Selection::default() };
                connect(&store, &selection, &order.options).await?
            }
        };
        let runs = Runs::new(store.clone(), Lease::default());
        let log = match full_update(&runs, connected, order).await {
            Err(StartError::Running(id)) => {
                eprintln!("refused: run {id} is still writing to this NetBox");
                return Ok(Exit::Refused);
            }
            started => started?,
        };
        let frame = watch(&runs, &log).await;
        store.close().await;
        if run.json {
            println!("{frame}");
        } else {
            print_outcome(&frame);
        }
        Ok(verdict(&frame))
    }
}

/// Shows the run until it ends, and answers its last frame.
async fn watch(runs: &Runs, log: &std::sync::Arc<RunLog>) -> Value {
    let mut events = log.subscribe();
    let stopping = async {
        stop_requested().await;
        eprintln!("stopping; once more to stop at once");
        tokio::select! {
            () = runs.shutdown(GRACE) => {}
            () = stop_requested() => runs.shutdown(Duration::ZERO).await,
        }
    };
    let showing = async {
        let mut progress = Progress::new();
        let mut last = Value::Null;
        while let Some(event) = events.next().await {
            last = serde_json::from_str(&event.data).unwrap_or_default();
            progress.show(&event.event, &last);
        }
        progress.finish();
        last
    };
    tokio::pin!(showing);
    tokio::select! {
        last = &mut showing => last,
        () = stopping => showing.await,
    }
}

/// Without a single object in step the run itself has failed, not some objects.
fn verdict(frame: &Value) -> Exit {
    let count = |name: &str| frame["result"][name].as_u64().unwrap_or_default();
    match frame["ok"].as_bool() {
        Some(true) => Exit::Done,
        _ if count("created") + count("updated") + count("unchanged") > 0 => Exit::Failures,
        _ => Exit::Error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn some_failed_objects_are_told_from_a_failed_run() {
        for (frame, exit) in [
            (json!({"ok": true, "result": {"created": 0}}), Exit::Done),
            (json!({"ok": false, "result": {"created": 3, "failed": 1}}), Exit::Failures),
            (json!({"ok": false, "result": {"created": 0, "failed": 1}}), Exit::Error),
            (json!({"ok": false, "message": "interrupted"}), Exit::Error),
            (Value::Null, Exit::Error),
        ] {
            assert_eq!(verdict(&frame), exit, "{frame}");
        }
    }
}
