//! What can go wrong with the state.

use std::path::PathBuf;

/// A failed access to the state. Messages never hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be created or opened for writing.
    #[error("the database {path} cannot be written; check that its folder exists and who owns it", path = path.display())]
    Create {
        /// The database.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a database that can be used.
    #[error("the database {path} cannot be opened; is it a proxbox database?", path = path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error("the database {path} cannot be migrated; was it written by a newer proxbox?", path = path.display())]
    Migrate {
        /// The database.
        path: PathBuf,
        /// What the migration says.
        source: sqlx::migrate::MigrateError,
    },
    /// The key file cannot be read or made.
    #[error("the key file {path} cannot be used; set PROXBOX_ENCRYPTION_KEY or repair the file", path = path.display())]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key is too short to be one.
    #[error(
        "an encryption key needs at least {minimum} characters; generate one with `openssl rand -hex 32`"
    )]
    WeakKey {
        /// The smallest length that is accepted.
        minimum: usize,
    },
    /// The keys are not ours to change.
    #[error(
        "the encryption keys come from PROXBOX_ENCRYPTION_KEY: put the new one before them there, and \
         run `proxbox secrets rotate`"
    )]
    KeysAreGiven,
    /// A credential was sealed with a key that is not in the ring, or was altered.
    #[error(
        "the stored {column} of {table} {row} cannot be decrypted with the present encryption keys; \
         restore the former PROXBOX_ENCRYPTION_KEY or save the endpoint again with its credentials"
    )]
    Unreadable {
        /// Table of the credential.
        table: &'static str,
        /// Row of the credential.
        row: i64,
        /// Column of the credential.
        column: &'static str,
    },
    /// Another row already has this name.
    #[error(
        "a Proxmox endpoint named `{0}` already exists; choose another name or change that one"
    )]
    DuplicateName(String),
    /// There is a NetBox endpoint already.
    #[error("Only one NetBox endpoint is allowed; change the existing one")]
    SecondNetbox,
    /// This NetBox is being written by another run.
    #[error("run {0} is still writing to this NetBox")]
    Leased(uuid::Uuid),
    /// The run has lost its lease, so that another one may be writing.
    #[error("run {0} has lost its lease; another run may be writing to this NetBox")]
    Fenced(uuid::Uuid),
    /// SQLite failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}
