//! Settings from flags and the environment. Secrets come from the environment alone: a flag can be
//! read by every user of the machine.

mod direct;

use std::path::PathBuf;

use secrecy::SecretString;

pub use direct::{Direct, MissingSetting};

use crate::store::{KEPT_RUNS, KeyRing, Store, StoreError};

/// Where the state is.
#[derive(Debug, Clone, clap::Args)]
pub struct State {
    /// Database with keys, endpoints and runs; created when missing, readable by you alone.
    ///
    /// Credentials in it are sealed with PROXBOX_ENCRYPTION_KEY (several, separated by commas: the
    /// first seals, all open), or with the key in DATABASE.key, which is made when missing.
    #[arg(long, global = true, value_name = "PATH", env = "PROXBOX_DATABASE")]
    #[arg(default_value = "proxbox.db")]
    pub database: PathBuf,
    /// Ended runs that are kept, with what they did and their events.
    #[arg(long, global = true, value_name = "N", env = "PROXBOX_KEEP_RUNS")]
    #[arg(default_value_t = KEPT_RUNS)]
    pub keep_runs: u32,
}

impl State {
    /// Opens the state.
    pub async fn open(&self) -> Result<Store, StoreError> {
        let ring = secret("PROXBOX_ENCRYPTION_KEY").as_ref().map(KeyRing::parse).transpose()?;
        Ok(Store::open(&self.database, ring).await?.keeping(self.keep_runs))
    }
}

/// A secret from the environment; an empty one counts as none.
pub fn secret(variable: &str) -> Option<SecretString> {
    let text = std::env::var(variable).ok()?;
    (!text.is_empty()).then(|| text.into())
}
