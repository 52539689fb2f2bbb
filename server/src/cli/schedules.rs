//! `proxbox schedules`

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::Exit;
use super::sync::Wanted;
use crate::cli::say::say;
use crate::config::State;
use crate::schedule::{Missed, next_run};
use crate::store::{Schedule, Store};

/// `schedules` and its parts. `proxbox serve` starts what is due.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Schedules {
    /// Lists the schedules.
    List {
        /// Prints one line of JSON for each.
        #[arg(long)]
        json: bool,
    },
    /// Adds a schedule: `proxbox schedules add '30 2 * * * Europe/Berlin' --endpoint 1`.
    Add(Box<Add>),
    /// Starts nothing for now.
    Pause {
        /// The schedule.
        id: i64,
    },
    /// Goes on with the next run.
    Resume {
        /// The schedule.
        id: i64,
    },
    /// Removes a schedule; its runs stay.
    Remove {
        /// The schedule.
        id: i64,
    },
}

/// Arguments of `schedules add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// When: minute, hour, day, month, weekday, and a time zone if it is not UTC.
    cron: String,
    /// A run starts so many seconds later at most, by chance.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    jitter: u32,
    /// What becomes of a run that was missed while the server was down.
    #[arg(long, default_value = "skip")]
    missed: Missed,
    #[command(flatten)]
    wanted: Wanted,
}

impl Schedules {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        let done = match self {
            Self::List { json } => list(&store, json).await,
            Self::Add(add) => add.run(&store).await,
            Self::Pause { id } => pause(&store, id, true).await,
            Self::Resume { id } => pause(&store, id, false).await,
            Self::Remove { id } => remove(&store, id).await,
        };
        store.close().await;
        done.map(|()| Exit::Done)
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    for schedule in store.schedules().await? {
        let shown = schedule.to_json();
        if json {
            say!("{shown}");
            continue;
        }
        let of = schedule.endpoint_id.map_or("all".to_owned(), |id| format!("endpoint {id}"));
        let next = shown["next_run"].as_str().unwrap_or("paused");
        say!("{:>4}  {:28}  {of:12}  {next}", schedule.id, schedule.cron);
        if let Some(trouble) = &schedule.trouble {
            say!("      the last run did not start: {trouble}");
        }
    }
    Ok(())
}

impl Add {
    async fn run(self, store: &Store) -> anyhow::Result<()> {
        let endpoint_id = match self.wanted.endpoint.as_deref() {
            None => None,
            Some([id]) => Some(*id),
            Some(_) => bail!("a schedule is for one endpoint, or for all; add one for each"),
        };
        if let Some(id) = endpoint_id {
            let found = store.endpoint_of(sdk_proxmox::Product::Pve, id).await?;
            found.with_context(|| format!("there is no Proxmox endpoint {id}"))?;
        }
        let jitter = i64::from(self.jitter);
        let schedule = Schedule {
            id: 0,
            endpoint_id,
            next_run: next_run(&self.cron, jitter, Timestamp::now())?,
            cron: self.cron,
            jitter,
            missed: self.missed,
            paused: false,
            work: serde_json::to_string(&self.wanted.order())?,
            trouble: None,
        };
        say!("schedule {}", store.add_schedule(&schedule).await?);
        Ok(())
    }
}

async fn pause(store: &Store, id: i64, paused: bool) -> anyhow::Result<()> {
    let schedule =
        store.schedule(id).await?.with_context(|| format!("there is no schedule {id}"))?;
    let next = next_run(&schedule.cron, schedule.jitter, Timestamp::now())?;
    store.pause_schedule(id, paused, next).await?;
    Ok(())
}

async fn remove(store: &Store, id: i64) -> anyhow::Result<()> {
    if !store.delete_schedule(id).await? {
        bail!("there is no schedule {id}");
    }
    Ok(())
}
