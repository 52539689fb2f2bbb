//! `cargo xtask bench`: what things cost, measured in one run.

mod codegen;
mod proxy;
mod sync;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Lines of the generated crates, and CPU seconds and memory of `cargo check`
    Codegen(codegen::CodegenBench),
    /// Requests a second through the proxy, beside nginx and the Python backend
    Proxy(proxy::ProxyBench),
    /// Requests, seconds and memory of a first, a second and a changed sync
    Sync(sync::SyncBench),
}

impl Bench {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        match self {
            Self::Codegen(bench) => bench.run(root),
            Self::Proxy(bench) => bench.run(root),
            Self::Sync(bench) => bench.run(root),
        }
    }
}
