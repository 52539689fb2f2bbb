//! The commands.

mod endpoints;
mod exit;
mod keys;
mod mock;
mod progress;
mod pve;
mod report;
mod runs;
pub(crate) mod say;
mod schedules;
mod secrets;
mod serve;
mod signals;
mod sync;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use exit::Exit;
pub use progress::Progress;
pub use report::{Row, print_outcome, print_table};
pub use signals::stop_requested;

use crate::config::State;
use crate::demo;
use crate::edge::chain;
use crate::logs::{LogBuffer, LogLayer};

/// Keeps NetBox true to what runs on Proxmox VE.
#[derive(Debug, Parser)]
#[command(name = "proxbox", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do, 1 error, 2 a plan has something to do, \
                        3 done but some objects failed, 4 refused because another run is at work \
                        or a plan is not true any more, 64 wrong usage."
)]
struct Cli {
    #[command(flatten)]
    state: State,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers the NetBox plugin and everybody else with an API key.
    Serve(serve::Serve),
    /// Syncs from the shell.
    #[command(subcommand)]
    Sync(sync::Sync),
    /// Runs that were: what they did, and how to take them back.
    #[command(subcommand)]
    Runs(runs::Runs),
    /// When `proxbox serve` syncs by itself.
    #[command(subcommand)]
    Schedules(schedules::Schedules),
    /// The NetBox and the Proxmox clusters that are stored.
    #[command(subcommand)]
    Endpoints(endpoints::Endpoints),
    /// API keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The credentials of endpoints, as they are stored.
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Journals, commands and tasks of Proxmox VE.
    #[command(subcommand)]
    Pve(pve::Pve),
    /// Writes the OpenAPI document of `serve`.
    Openapi,
    /// Serves a mock of a product, for clients of any language.
    Mock(mock::MockCommand),
    /// Shows the whole line on a made-up cluster; needs nothing and changes nothing.
    Demo(demo::Demo),
}

/// Reads the command line and does what it says.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Failing to print help is no reason to fail differently.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let logs = LogBuffer::default();
    start_logging(&cli.command, &logs);
    match run(cli, logs).await {
        Ok(exit) => exit.into(),
        // Nobody reads any more: `| head`.
        Err(error) if is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            eprintln!("error: {}", chain(error.as_ref()));
            Exit::Error.into()
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        let of_json =
            cause.downcast_ref::<serde_json::Error>().and_then(|json| json.io_error_kind());
        cause.downcast_ref().is_some_and(broken) || of_json == Some(std::io::ErrorKind::BrokenPipe)
    })
}

async fn run(cli: Cli, logs: LogBuffer) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Serve(command) => command.run(&cli.state, logs).await,
        Command::Sync(command) => command.run(&cli.state).await,
        Command::Runs(command) => command.run(&cli.state).await,
        Command::Schedules(command) => command.run(&cli.state).await,
        Command::Endpoints(command) => command.run(&cli.state).await,
        Command::Keys(command) => command.run(&cli.state).await,
        Command::Secrets(command) => command.run(&cli.state).await,
        Command::Pve(command) => command.run(&cli.state).await,
        Command::Openapi => {
            say::say!("{:#}", crate::edge::described());
            Ok(Exit::Done)
        }
        Command::Mock(command) => command.run().await,
        Command::Demo(command) => command.run().await,
    }
}

/// Logs go to the error output: `RUST_LOG` or PROXBOX_LOG_LEVEL chooses, a server tells more than a
/// command, and keeps the latest lines for those who ask it.
fn start_logging(command: &Command, logs: &LogBuffer) {
    let serves = matches!(command, Command::Serve(_));
    let named = std::env::var("PROXBOX_LOG_LEVEL").ok().map(|level| level.to_lowercase());
    let named = named.as_deref().map(|level| if level == "warning" { "warn" } else { level });
    let usual = named.unwrap_or(if serves { "info" } else { "error" });
    let filter = || EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(usual));
    let filter = || filter().unwrap_or_else(|_| EnvFilter::new("info"));
    let written = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(filter());
    let kept = serves.then(|| LogLayer::new(logs.clone()).with_filter(filter()));
    tracing_subscriber::registry().with(written).with(kept).init();
}
