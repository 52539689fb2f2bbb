//! `cargo xtask bench proxy`: what the proxy carries beside nginx and beside the Python backend.
//!
//! The measuring is in `server/benches/proxy.rs`, which runs the release binary.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct ProxyBench {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Connections at the same time
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Clients at the same time of the last measurement, which looks for errors and at the memory
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Python of an environment with proxbox-api and uvicorn; without it that backend is left out
    #[arg(long, value_name = "PYTHON", env = "PROXBOX_API_PYTHON")]
    python: Option<String>,
    /// Ends with one line of JSON
    #[arg(long)]
    json: bool,
}

impl ProxyBench {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["bench", "--quiet", "--package", "server", "--bench", "proxy", "--"]);
        for (flag, number) in [
            ("--seconds", self.seconds.to_string()),
            ("--connections", self.connections.to_string()),
            ("--clients", self.clients.to_string()),
        ] {
            command.args([flag, &number]);
        }
        command.args(self.python.iter().flat_map(|python| ["--python", python]));
        command.args(self.json.then_some("--json"));
        let status = command.current_dir(root).status().context("cargo bench")?;
        if !status.success() {
            bail!("the bench failed");
        }
        Ok(())
    }
}
