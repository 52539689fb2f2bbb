//! `proxbox secrets`

use super::Exit;
use crate::cli::say::say;
use crate::config::State;

/// `secrets` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Secrets {
    /// Says whether the present keys open every stored credential.
    Check,
    /// Seals every credential anew: with a new key where the key is in DATABASE.key, with the first of
    /// PROXBOX_ENCRYPTION_KEY where that is set. All or none.
    Rotate,
}

impl Secrets {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        let exit = match self {
            Self::Check => {
                let attested = store.attest().await?;
                say!(
                    "{} of {} credentials open with the keys of {}",
                    attested.opened,
                    attested.sealed,
                    attested.source
                );
                if attested.is_whole() { Exit::Done } else { Exit::Error }
            }
            Self::Rotate => {
                let rotation = store.rotate(None).await?;
                say!("sealed {} credentials anew", rotation.resealed);
                match (rotation.forgotten, rotation.source) {
                    (true, _) => say!("the old key is forgotten"),
                    (false, "env") => {
                        say!("keys behind the first one in PROXBOX_ENCRYPTION_KEY can go");
                    }
                    (false, _) => say!(
                        "the key file keeps its old keys: not every credential opens with the new one"
                    ),
                }
                Exit::Done
            }
        };
        store.close().await;
        Ok(exit)
    }
}
