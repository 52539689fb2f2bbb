//! `cargo xtask faults`: every write of a reference sync goes wrong in every way, one at a time, and
//! the real binary is killed at 200 points.
//!
//! The cases are in `server/tests/faults.rs` and `crash.rs`; an ordinary test run has a tenth of them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct Faults {
    /// How many percent of all cases run; the same ones each time
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
    sample: u8,
}

impl Faults {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "test",
                "--quiet",
                "--package",
                "server",
                "--test",
                "faults",
                "--test",
                "crash",
                "--",
                "--nocapture",
            ])
            .env("PROXBOX_FAULTS", self.sample.to_string())
            .current_dir(root)
            .status()
            .context("cargo test")?;
        if !status.success() {
            bail!("after some faults NetBox is not as it should be");
        }
        Ok(())
    }
}
