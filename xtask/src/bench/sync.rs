//! `cargo xtask bench sync`: what a sync costs beside the same requests sent raw.
//!
//! The measuring is in `server/benches/sync.rs`, which runs the release binary.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct SyncBench {
    /// Sizes of the cluster, in guests
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000, 10_000])]
    vms: Vec<usize>,
    /// How much of a real NetBox's time the mock takes, in percent
    #[arg(long, default_value_t = 10)]
    cost: u32,
    /// A real NetBox instead of the mock, empty, with its token in PROXBOX_NETBOX_TOKEN
    #[arg(long, value_name = "URL")]
    netbox: Option<String>,
    /// Ends with one line of JSON
    #[arg(long)]
    json: bool,
}

impl SyncBench {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let vms: Vec<String> = self.vms.iter().map(usize::to_string).collect();
        let mut command = Command::new(cargo);
        command.args(["bench", "--quiet", "--package", "server", "--bench", "sync", "--"]);
        command.args(["--vms", &vms.join(","), "--cost", &self.cost.to_string()]);
        command.args(self.netbox.iter().flat_map(|url| ["--netbox", url]));
        command.args(self.json.then_some("--json"));
        let status = command.current_dir(root).status().context("cargo bench")?;
        if !status.success() {
            bail!("the bench failed");
        }
        Ok(())
    }
}
