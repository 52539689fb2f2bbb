//! `proxbox sync`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::Value;

use super::{Exit, Progress, print_outcome, stop_requested};
use crate::cli::say::say;
use crate::config::{Direct, State};
use crate::endpoints::{Connected, Selection, connect, connect_for};
use crate::options::Options;
use crate::order::Order;
use crate::part::Part;
use crate::plan::{Action, Plan};
use crate::runs::{Lease, RunLog, Runs, StartError, apply_saved, draw, full_update, lease_name};
use crate::store::{Ledger, Store};
use crate::sync::{DrawnOperations, SavedPlan};

/// Time for a run to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(16);

/// `sync` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Sync {
    /// Brings NetBox in step with Proxmox.
    Run(Run),
    /// Shows what a run would do, and writes nothing. Exit code 2 says that there is something to do.
    Plan(Draw),
    /// Carries out a plan that `sync plan -o` wrote, unless something has changed since.
    Apply(Apply),
}

/// Arguments of `sync run`.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// One run, then the end. There is no other way yet.
    #[arg(long, required = true)]
    once: bool,
    /// Prints the result as one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    direct: Direct,
}

/// Arguments of `sync plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Draw {
    /// Writes the plan there, for `sync apply`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prints the plan as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    direct: Direct,
}

/// Arguments of `sync apply`.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The file that `sync plan -o` wrote.
    plan: PathBuf,
    /// Prints the result as one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    direct: Direct,
}

/// What is synced. Nothing said means everything.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Only these stored Proxmox endpoints.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) endpoint: Option<Vec<i64>>,
    /// Only these parts: devices, storage, virtual-machines, virtual-disks, vm-interfaces, …
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part)]
    part: Option<Vec<Part>>,
    /// Only guests with these numbers.
    #[arg(long, value_name = "VMID", value_delimiter = ',')]
    vmid: Option<Vec<i64>>,
    /// Only guests that are these virtual machines, by NetBox's id.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    machine: Option<Vec<i64>>,
    /// Only these nodes, for what is read of nodes.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    node: Option<Vec<String>>,
    /// Deletes guests that Proxmox has not shown for a week, in two readings of everything at least.
    #[arg(long)]
    prune: bool,
    /// Deletes exactly so many objects, although it is more than a run may do.
    #[arg(long, value_name = "N")]
    allow_deletes: Option<usize>,
    /// An option as the NetBox plugin calls it: overwrite_vm_tags=false, sync_mode_mac=disabled.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn part(name: &str) -> Result<Part, String> {
    Part::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
        format!("there is no such part; these are: {}", names.join(", "))
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Options::check(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Wanted {
    pub(super) fn order(&self) -> Order {
        let mut options = Options::default();
        if self.prune {
            options.set("delete_orphans", "true");
        }
        if let Some(allowed) = self.allow_deletes {
            options.set("allow_deletes", allowed.to_string());
        }
        for (name, value) in &self.set {
            options.set(name, value);
        }
        let single = self.vmid.is_some() || self.machine.is_some();
        let set = |ids: &Option<Vec<i64>>| ids.as_ref().map(|ids| ids.iter().copied().collect());
        Order {
            parts: self
                .part
                .as_ref()
                .map_or_else(|| Part::usual(single), |parts| parts.iter().copied().collect()),
            options,
            machines: set(&self.machine),
            guests: set(&self.vmid),
            nodes: self.node.as_ref().map(|names| names.iter().cloned().collect::<BTreeSet<_>>()),
        }
    }
}

impl Sync {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        let exit = match self {
            Self::Run(run) => run.run(&store).await,
            Self::Plan(draw) => draw.run(&store).await,
            Self::Apply(apply) => apply.run(&store).await,
        };
        store.close().await;
        exit
    }
}

impl Run {
    async fn run(self, store: &Store) -> anyhow::Result<Exit> {
        let order = self.wanted.order();
        let endpoints = self.wanted.endpoint;
        let connected = connected(store, &self.direct, endpoints, &order.options).await?;
        let runs = Runs::new(store.clone(), Lease::default());
        let started = full_update(&runs, connected, order).await;
        end(&runs, started, self.json).await
    }
}

impl Draw {
    async fn run(self, store: &Store) -> anyhow::Result<Exit> {
        let order = self.wanted.order();
        let endpoints = self.wanted.endpoint;
        let connected = connected(store, &self.direct, endpoints, &order.options).await?;
        let netbox = lease_name(connected.netbox.url());
        let ledger = Ledger::of_netbox(store.clone(), &netbox);
        let plan = match draw(&order, &connected, &ledger).await {
            Ok(plan) => plan,
            Err(outcome) => bail!("{}", outcome.message),
        };
        let endpoints = connected.targets.iter().map(|target| target.endpoint_id).collect();
        let saved = SavedPlan::new(&plan, netbox, endpoints, order);
        show_plan(&plan, &saved, self.output.as_deref(), self.json)
    }
}

/// Prints a plan, and writes it to a file where one is named.
pub(super) fn show_plan(
    plan: &Plan,
    saved: &SavedPlan<DrawnOperations<'_>>,
    output: Option<&Path>,
    json: bool,
) -> anyhow::Result<Exit> {
    if let Some(path) = output {
        let written = std::fs::File::create(path).map_err(anyhow::Error::from).and_then(|file| {
            let mut file = std::io::BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, saved)?;
            Ok(file.flush()?)
        });
        written.with_context(|| format!("{}", path.display()))?;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match json {
        true => {
            serde_json::to_writer(&mut out, saved)?;
            writeln!(out)?;
        }
        false => write!(out, "{plan}{}", sum(plan))?,
    }
    out.flush()?;
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}

/// The last line below a plan.
fn sum(plan: &Plan) -> String {
    let count = |wanted: fn(&Action) -> bool| {
        plan.operations.iter().filter(|one| wanted(&one.action)).count()
    };
    format!(
        "Plan: {} to create, {} to change, {} to delete; {} edits kept, {} overruled, {} unchanged.\n",
        count(|action| matches!(action, Action::Create)),
        count(|action| matches!(action, Action::Update(_))),
        count(|action| matches!(action, Action::Delete(_))),
        plan.kept.len(),
        plan.overruled.len(),
        plan.unchanged.len(),
    )
}

impl Apply {
    async fn run(self, store: &Store) -> anyhow::Result<Exit> {
        let saved = read(&self.plan)?;
        let connected = match self.direct.connect()? {
            Some(connected) => connected,
            None => connect_for(store, &saved).await?,
        };
        if let Err(stale) = saved.check(&lease_name(connected.netbox.url()), Timestamp::now()) {
            eprintln!("refused: {stale}");
            return Ok(Exit::Refused);
        }
        let runs = Runs::new(store.clone(), Lease::default());
        let started = apply_saved(&runs, connected, saved).await;
        end(&runs, started, self.json).await
    }
}

fn read(path: &Path) -> anyhow::Result<SavedPlan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no plan", path.display()))
}

async fn connected(
    store: &Store,
    direct: &Direct,
    endpoints: Option<Vec<i64>>,
    options: &Options,
) -> anyhow::Result<Connected> {
    Ok(match direct.connect()? {
        Some(_) if endpoints.is_some() => {
            bail!("--endpoint names a stored one, --proxmox-url one that is not: take one of both")
        }
        Some(connected) => connected,
        None => {
            let selection = Selection { proxmox_ids: endpoints, ..Selection::default() };
            connect(store, &selection, options).await?
        }
    })
}

/// Shows a run to its end.
async fn end(
    runs: &Runs,
    started: Result<std::sync::Arc<RunLog>, StartError>,
    json: bool,
) -> anyhow::Result<Exit> {
    let log = match started {
        Err(StartError::Running(id)) => {
            eprintln!("refused: run {id} is still writing to this NetBox");
            return Ok(Exit::Refused);
        }
        started => started?,
    };
    let frame = watch(runs, &log).await;
    match json {
        true => say!("{frame}"),
        false => print_outcome(&frame),
    }
    Ok(verdict(&frame))
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
        _ if frame["result"]["refused"] == true => Exit::Refused,
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
            (json!({"ok": false, "result": {"created": 0, "refused": true}}), Exit::Refused),
            (Value::Null, Exit::Error),
        ] {
            assert_eq!(verdict(&frame), exit, "{frame}");
        }
    }
}
