//! `proxbox keys`

use secrecy::ExposeSecret;

use super::Exit;
use crate::auth;
use crate::cli::say::say;
use crate::config::State;

/// `keys` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    /// Lists the keys; what they open with is stored nowhere.
    List,
    /// Makes a key and prints it this once.
    Create {
        /// What to call it.
        #[arg(long, default_value = "")]
        label: String,
    },
}

impl Keys {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        match self {
            Self::List => {
                for key in store.keys().await? {
                    let active = if key.active { "active" } else { "off" };
                    say!("{:>4}  {active:6}  {}", key.id, key.label);
                }
            }
            Self::Create { label } => {
                let key = auth::generate();
                store.add_key(&auth::stored_hash(&key), &label).await?;
                say!("{}", key.expose_secret());
            }
        }
        store.close().await;
        Ok(Exit::Done)
    }
}
