//! Chores of the repository: `cargo xtask --help` lists them.

mod bench;
mod drift;
mod elsewhere;
mod faults;
mod features;
mod fetch;
mod privileges;
mod regen;
mod source;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the repository")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes generated/ from specs/, offline
    Regen(regen::Regen),
    /// Crawls one source into a folder of specs, without generating
    Fetch(fetch::FetchOnly),
    /// Prints what differs between two releases, and what of it breaks clients
    Drift(drift::DriftArgs),
    /// Lets every write of a sync go wrong in every way, and looks whether the next run repairs it
    Faults(faults::Faults),
    /// Prints the `pveum` lines for the least rights that something needs
    Privileges(privileges::Privileges),
    /// Measures
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> Result<()> {
    let root = root();
    match Cli::parse().command {
        Command::Regen(regen) => regen.run(&root),
        Command::Fetch(fetch) => fetch.run(&root),
        Command::Drift(drift) => drift.run(&root),
        Command::Faults(faults) => faults.run(&root),
        Command::Privileges(privileges) => privileges.run(&root),
        Command::Bench(bench) => bench.run(&root),
    }
}

/// The top of the repository: where this crate's folder is.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}
