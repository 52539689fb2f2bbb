//! The server's state: keys, endpoints, runs and their events in one SQLite file.

mod alive;
mod api_keys;
mod audit;
mod error;
mod events;
mod key_file;
mod ledger;
mod netbox_endpoint;
mod plans;
mod proxmox_endpoints;
mod runs;
mod schedules;
mod seal;
mod secrets;
mod sightings;

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{Sqlite, Transaction};
use tokio::sync::watch;

use alive::Alive;
pub use api_keys::{ApiKey, ImportedKey, KeyMatch, LastActiveKey, StoredHash, StoredScopes};
pub use audit::{AuditEntry, AuditRow, Written};
pub use error::StoreError;
pub use events::StoredEvent;
use key_file::KeyFile;
pub use ledger::{Ledger, OperationRow, OperationState, Settlement};
pub use netbox_endpoint::{NetboxEndpoint, NetboxSecrets, TokenVersion};
pub use plans::PlanRow;
pub use proxmox_endpoints::{ProxmoxEndpoint, ProxmoxSecrets, StoredProduct};
pub use runs::{KEPT_RUNS, RunRow, RunState};
pub use schedules::Schedule;
pub use seal::{KeyRing, SecretChange};
use secrets::Keys;
pub use secrets::{Attestation, Rotation};

/// Handle on the state. Clones share the file, the single writer and the key ring.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    // SQLite has one writer at a time; waiting for it here is fair, waiting in SQLite is a busy loop.
    writer: SqlitePool,
    keys: Keys,
    alive: Arc<Alive>,
    kept: u32,
    changes: watch::Sender<u64>,
}

impl Store {
    /// Opens the database at `path`, creating and migrating it.
    ///
    /// The file and its key file are readable by the owner alone. Without a ring the
    /// key is the one in `<path>.key`, made on first use.
    pub async fn open(path: &Path, ring: Option<KeyRing>) -> Result<Self, StoreError> {
        let keys = match ring {
            Some(ring) => Keys::Given(ring),
            None => Keys::File(Arc::new(KeyFile::load_or_create(path)?)),
        };
        create_private(path)?;
        let alive = Arc::new(Alive::new(path)?);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            // Rows are read once, from first to last: KiB that would only be kept for nothing.
            .pragma("cache_size", "-512")
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        sqlx::migrate!("./migrations")
            .run(&writer)
            .await
            .map_err(|source| StoreError::Migrate { path: path.to_owned(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Ok(Self {
            readers,
            writer,
            keys,
            alive,
            kept: KEPT_RUNS,
            changes: watch::Sender::default(),
        })
    }

    /// Keeps so many ended runs with their operations and events.
    pub fn keeping(mut self, runs: u32) -> Self {
        self.kept = runs;
        self
    }

    /// Writes out what is pending and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Counts the changes of keys and endpoints by this process, for whoever keeps something of them.
    pub fn generation(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Tells of the changes of keys and endpoints by this process.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// A transaction that holds the write lock from its first statement on, so that what it reads
    /// cannot change before it writes.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Creates an empty file that only its owner can read; SQLite gives its other files the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|source| StoreError::Create { path: path.to_owned(), source })
}
