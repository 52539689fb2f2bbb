//! All sealed credentials: whether they open, and sealing them anew.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::key_file::KeyFile;
use super::seal::Place;
use super::{KeyRing, Store, StoreError};

/// Tables and their columns that hold sealed credentials.
const SEALED: [(&str, &[&str]); 2] = [
    ("proxmox_endpoints", &["token_value", "password"]),
    ("netbox_endpoint", &["token_key", "token"]),
];

/// Where the keys for credentials come from.
#[derive(Debug, Clone)]
pub(super) enum Keys {
    /// From whoever started the server.
    Given(KeyRing),
    /// From the file beside the database.
    File(Arc<KeyFile>),
}

impl Keys {
    fn source(&self) -> &'static str {
        match self {
            Self::Given(_) => "env",
            Self::File(_) => "local",
        }
    }

    fn ring(&self) -> Result<KeyRing, StoreError> {
        match self {
            Self::Given(ring) => Ok(ring.clone()),
            Self::File(file) => file.ring(),
        }
    }
}

/// What the credentials came to when all of them were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attestation {
    /// `env` where the keys were given, `local` where they come from the file beside the database.
    pub source: &'static str,
    /// Credentials that are stored.
    pub sealed: usize,
    /// Those that the keys open.
    pub opened: usize,
}

impl Attestation {
    /// Whether all credentials open.
    pub const fn is_whole(&self) -> bool {
        self.sealed == self.opened
    }
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Credentials that were sealed anew.
    pub resealed: usize,
    /// Whether the old keys were forgotten; keys that were given are the giver's to forget.
    pub forgotten: bool,
    /// `env` where the keys were given, `local` where they come from the file beside the database.
    pub source: &'static str,
}

/// A credential as it is stored.
struct Sealed {
    place: Place,
    value: Vec<u8>,
}

impl Store {
    /// The keys of the moment. What is sealed is sealed within a transaction of the writer: while that
    /// lasts nobody takes a key away.
    pub(super) fn ring(&self) -> Result<KeyRing, StoreError> {
        self.keys.ring()
    }

    /// Looks whether the present keys open every credential.
    pub async fn attest(&self) -> Result<Attestation, StoreError> {
        let attested = self.look().await?;
        // The keys may have been rotated between the rows and the keys.
        if attested.is_whole() { Ok(attested) } else { self.look().await }
    }

    async fn look(&self) -> Result<Attestation, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let all = sealed(&mut connection).await?;
        let ring = self.ring()?;
        let opens = |one: &&Sealed| ring.open(one.place, &one.value).is_ok();
        let source = self.keys.source();
        Ok(Attestation { source, sealed: all.len(), opened: all.iter().filter(opens).count() })
    }

    /// Seals every credential with the first key, all or none. The key file gets a new first key
    /// before, or the one that is given, and loses the others after.
    ///
    /// A credential that no key opens stops the rotation: forgetting its key would lose it for good.
    pub async fn rotate(&self, key: Option<&SecretString>) -> Result<Rotation, StoreError> {
        if let (Keys::Given(_), Some(_)) = (&self.keys, key) {
            return Err(StoreError::KeysAreGiven);
        }
        // The lock of the writer, which other processes respect, guards the key file, too.
        let mut transaction = self.begin().await?;
        if let Keys::File(file) = &self.keys {
            file.add_key(key)?;
        }
        let ring = self.ring()?;
        let all = sealed(&mut transaction).await?;
        for Sealed { place, value } in &all {
            let secret = ring.open(*place, value)?;
            let anew = ring.seal(*place, &secret)?;
            if ring.open(*place, &anew)?.expose_secret() != secret.expose_secret() {
                return Err(place.unreadable());
            }
            let Place { table, row, column } = place;
            // Names of this file, not of anybody else.
            let sql = format!("UPDATE {table} SET {column} = ? WHERE id = ?");
            let update = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(anew).bind(row);
            update.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        let forgotten = match &self.keys {
            Keys::File(file) => self.forget_old_keys(file).await?,
            Keys::Given(_) => false,
        };
        Ok(Rotation { resealed: all.len(), forgotten, source: self.keys.source() })
    }

    /// Leaves only the first key, where it opens everything: whatever happened meanwhile, no credential
    /// is lost with a key.
    async fn forget_old_keys(&self, file: &KeyFile) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let first = file.ring()?.first();
        let all = sealed(&mut transaction).await?;
        let whole = all.iter().all(|one| first.open(one.place, &one.value).is_ok());
        if whole {
            file.keep_first()?;
        }
        Ok(whole)
    }
}

async fn sealed(connection: &mut SqliteConnection) -> Result<Vec<Sealed>, StoreError> {
    let mut all = Vec::new();
    for (table, columns) in SEALED {
        let sql = format!("SELECT id, {} FROM {table} ORDER BY id", columns.join(", "));
        for row in sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
            let id = row.try_get("id")?;
            for column in columns {
                let value: Option<Vec<u8>> = row.try_get(*column)?;
                let place = Place { table, row: id, column };
                all.extend(value.map(|value| Sealed { place, value }));
            }
        }
    }
    Ok(all)
}
