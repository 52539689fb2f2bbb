//! `proxbox runs`

use std::path::PathBuf;

use anyhow::bail;
use serde_json::Value;
use uuid::Uuid;

use super::sync::show_plan;
use super::{Exit, print_outcome};
use crate::cli::say::say;
use crate::config::{Direct, State};
use crate::endpoints::{Selection, netbox};
use crate::runs::lease_name;
use crate::store::{Ledger, OperationRow, Store};
use crate::sync::{SavedPlan, undo};

/// `runs` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Runs {
    /// Lists the latest runs, newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Prints one line of JSON for each.
        #[arg(long)]
        json: bool,
    },
    /// Shows what came of a run, and each of its operations.
    Show {
        /// The run.
        run: Uuid,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows what taking a run back would do, and writes nothing: `sync apply` does it. What somebody
    /// has changed since stays. Exit code 2 says that there is something to do.
    Revert(Revert),
}

/// Arguments of `runs revert`.
#[derive(Debug, clap::Args)]
pub(super) struct Revert {
    /// The run.
    run: Uuid,
    /// Writes the plan there, for `sync apply`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prints the plan as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    direct: Direct,
}

impl Runs {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        let exit = match self {
            Self::List { limit, json } => list(&store, limit, json).await,
            Self::Show { run, json } => show(&store, run, json).await,
            Self::Revert(revert) => revert.run(&store).await,
        };
        store.close().await;
        exit
    }
}

async fn list(store: &Store, limit: u32, json: bool) -> anyhow::Result<Exit> {
    for row in store.runs(limit).await? {
        match json {
            true => say!("{}", row.to_json()),
            false => {
                let summary = row.summary();
                let message = summary["message"].as_str().unwrap_or_default();
                say!("{}  {}  {:11}  {message}", row.id.0, row.started_at, row.state.name());
            }
        }
    }
    Ok(Exit::Done)
}

async fn show(store: &Store, run: Uuid, json: bool) -> anyhow::Result<Exit> {
    let Some(row) = store.run(run).await? else { bail!("there is no run {run}") };
    let operations = store.operations(run).await?;
    let operations: Vec<Value> = operations.iter().map(OperationRow::to_json).collect();
    if json {
        let mut whole = row.to_json();
        whole["operations"] = operations.into();
        say!("{whole}");
        return Ok(Exit::Done);
    }
    say!("{}  {}  {}", row.id.0, row.started_at, row.state.name());
    print_outcome(&row.summary());
    for one in &operations {
        let text = |name: &str| one["operation"][name].as_str().unwrap_or("?").to_owned();
        let state = one["state"].as_str().unwrap_or("?");
        say!("  {state:9}  {} {} {}", text("action"), text("kind"), text("label"));
    }
    Ok(Exit::Done)
}

impl Revert {
    async fn run(self, store: &Store) -> anyhow::Result<Exit> {
        let client = match self.direct.connect()? {
            Some(connected) => connected.netbox,
            None => netbox(store, &Selection::default()).await?,
        };
        let name = lease_name(client.url());
        let ledger = Ledger::of_netbox(store.clone(), &name);
        let plan = match undo(&client, self.run, &ledger).await {
            Ok(plan) => plan,
            Err(why) => bail!("{why}"),
        };
        let saved = SavedPlan::reverting(&plan, name, self.run);
        show_plan(&plan, &saved, self.output.as_deref(), self.json)
    }
}
