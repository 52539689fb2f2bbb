//! `proxbox keys`

use std::path::PathBuf;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::Exit;
use crate::auth::{self, Scopes};
use crate::cli::say::say;
use crate::config::State;
use crate::store::Store;

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
        /// What it may do: read, sync:run, sync:apply, proxy:read, proxy:write:PATTERN, console, admin.
        /// May come again.
        #[arg(long = "scope", value_name = "SCOPE", default_value = "admin")]
        scopes: Vec<String>,
    },
    /// Deletes a key, unless it is the last one that may do everything.
    Revoke {
        /// Its number, as the list has it.
        id: i64,
    },
    /// Takes over the keys of a proxbox-api database; each is stored anew when it is used the first time.
    Import {
        /// The database file of proxbox-api.
        #[arg(value_name = "DATABASE")]
        file: PathBuf,
    },
}

impl Keys {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        match self {
            Self::List => list(&store).await?,
            Self::Create { label, scopes } => {
                let scopes = Scopes::parse(&scopes)?;
                let key = auth::generate();
                store.add_key(&auth::stored_hash(&key), &label, &scopes).await?;
                say!("{}", key.expose_secret());
            }
            Self::Revoke { id } => match store.delete_key(id).await? {
                None => bail!("there is no key {id}"),
                Some(Err(_)) => {
                    bail!("key {id} is the last one that may do everything; make another first")
                }
                Some(Ok(())) => say!("revoked key {id}"),
            },
            Self::Import { file } => import(&store, &file).await?,
        }
        store.close().await;
        Ok(Exit::Done)
    }
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for key in store.keys().await? {
        let active = if key.active { "active" } else { "off" };
        say!("{:>4}  {active:6}  {}  {}", key.id, key.label, key.scopes.0.names().join(" "));
    }
    Ok(())
}

/// Reads the other backend's table of keys; nothing is written there.
async fn import(store: &Store, file: &PathBuf) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let other = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let other = other.with_context(|| format!("{}", file.display()))?;
    let sql = "SELECT label, key_hash, is_active, created_at FROM apikey ORDER BY id";
    let rows = sqlx::query(sql).fetch_all(&other).await;
    let rows = rows.with_context(|| format!("{} is no database of proxbox-api", file.display()))?;
    let (mut taken, count) = (0, rows.len());
    for row in rows {
        let (label, hash): (String, String) = (row.try_get("label")?, row.try_get("key_hash")?);
        if !hash.starts_with("$2") {
            bail!("the key `{label}` is not stored as bcrypt has it; nothing more was taken over");
        }
        let created_at = row.try_get::<f64, _>("created_at").unwrap_or_default();
        let active = row.try_get("is_active")?;
        taken += usize::from(store.import_key(&hash, &label, active, created_at).await?);
    }
    other.close().await;
    say!("took over {taken} of {count} keys");
    Ok(())
}
