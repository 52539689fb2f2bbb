//! Settings from flags and the environment. Secrets come from the environment alone: a flag can be
//! read by every user of the machine.

mod direct;
mod environment;

use std::path::PathBuf;

use anyhow::Context;
use secrecy::SecretString;

pub use direct::{Direct, MissingSetting};
pub use environment::{options, warn_of_unknown};

use crate::store::{KEPT_RUNS, KeyRing, Store};

/// Where the state is.
#[derive(Debug, Clone, clap::Args)]
pub struct State {
    /// Database with keys, endpoints and runs; created when missing, readable by you alone.
    /// proxbox.db otherwise.
    ///
    /// Credentials in it are sealed with PROXBOX_ENCRYPTION_KEY (several, separated by commas: the
    /// first seals, all open), or with the key in DATABASE.key, which is made when missing.
    #[arg(long, global = true, value_name = "PATH", env = "PROXBOX_DATABASE")]
    database: Option<PathBuf>,
    /// The same under the name that proxbox-api has for it.
    #[arg(long, global = true, hide = true, value_name = "PATH", env = "PROXBOX_DATABASE_PATH")]
    database_path: Option<PathBuf>,
    /// Ended runs that are kept, with what they did and their events.
    #[arg(long, global = true, value_name = "N", env = "PROXBOX_KEEP_RUNS")]
    #[arg(default_value_t = KEPT_RUNS)]
    keep_runs: u32,
}

impl State {
    /// Where the database is.
    pub fn path(&self) -> PathBuf {
        let named = self.database.as_ref().or(self.database_path.as_ref());
        named.cloned().unwrap_or_else(|| PathBuf::from("proxbox.db"))
    }

    /// Opens the state.
    pub async fn open(&self) -> anyhow::Result<Store> {
        let ring = secret("PROXBOX_ENCRYPTION_KEY")?.as_ref().map(KeyRing::parse).transpose()?;
        Ok(Store::open(&self.path(), ring).await?.keeping(self.keep_runs))
    }
}

/// A secret from the environment, or from the file that VARIABLE_FILE names; an empty one counts as
/// none.
pub fn secret(variable: &str) -> anyhow::Result<Option<SecretString>> {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    if let Some(text) = given(variable) {
        return Ok(Some(text.into()));
    }
    let Some(path) = given(&format!("{variable}_FILE")) else { return Ok(None) };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{variable}_FILE names {path}, which cannot be read"))?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned().into()))
}
