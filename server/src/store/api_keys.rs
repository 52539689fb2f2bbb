//! API keys: hashes only, and never none once there was one.

use sqlx::FromRow;

use super::{Store, StoreError};
use crate::auth::Scopes;

/// What is known about a key. The key itself is not.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ApiKey {
    /// Number of the key.
    pub id: i64,
    /// What its owner calls it.
    pub label: String,
    /// Whether it opens anything.
    pub active: bool,
    /// Unix time in seconds.
    pub created_at: f64,
    /// What it may do.
    #[sqlx(try_from = "String")]
    pub scopes: StoredScopes,
}

/// Scopes as they are stored: one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScopes(pub Scopes);

impl From<String> for StoredScopes {
    fn from(text: String) -> Self {
        Self(Scopes::from_stored(&text))
    }
}

/// An active key that a presented one may be.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct KeyMatch {
    /// Number of the key.
    pub id: i64,
    /// What its owner calls it.
    pub label: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
    /// What it may do.
    #[sqlx(try_from = "String")]
    pub scopes: StoredScopes,
}

/// A key that another backend hashed with bcrypt, until it is used the first time.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ImportedKey {
    /// Number of the key.
    pub id: i64,
    /// What is known of it.
    pub bcrypt: String,
}

/// A key's hash, with what finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHash {
    /// The part of the key that is no secret, or the start of its hash.
    pub public_id: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
}

/// The change would leave no active key, and nobody could come in to make another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastActiveKey;

impl Store {
    /// Whether any key was ever made.
    pub async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys)")
            .fetch_one(&self.readers)
            .await?)
    }

    /// Stores the very first key; none when there is a key already.
    pub async fn claim_first_key(
        &self,
        hash: &StoredHash,
        label: &str,
    ) -> Result<Option<ApiKey>, StoreError> {
        // One statement, so that of two claims at the same time one finds the other's row.
        let sql = "INSERT INTO api_keys (public_id, hash, label, created_at)
                   SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM api_keys)
                   RETURNING id, label, active, created_at, scopes";
        Ok(sqlx::query_as(sql)
            .bind(&hash.public_id)
            .bind(&hash.hash)
            .bind(label)
            .bind(now())
            .fetch_optional(&self.writer)
            .await?)
    }

    /// Stores another key.
    pub async fn add_key(
        &self,
        hash: &StoredHash,
        label: &str,
        scopes: &Scopes,
    ) -> Result<ApiKey, StoreError> {
        let sql = "INSERT INTO api_keys (public_id, hash, label, created_at, scopes)
                   VALUES (?, ?, ?, ?, ?) RETURNING id, label, active, created_at, scopes";
        Ok(sqlx::query_as(sql)
            .bind(&hash.public_id)
            .bind(&hash.hash)
            .bind(label)
            .bind(now())
            .bind(scopes.stored())
            .fetch_one(&self.writer)
            .await?)
    }

    /// All keys in the order in which they were made.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = "SELECT id, label, active, created_at, scopes FROM api_keys ORDER BY id";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// The active keys that a presented one may be.
    pub async fn active_keys(&self, public_id: &str) -> Result<Vec<KeyMatch>, StoreError> {
        let sql = "SELECT id, label, hash, scopes FROM api_keys
                   WHERE public_id = ? AND active AND hash IS NOT NULL";
        Ok(sqlx::query_as(sql).bind(public_id).fetch_all(&self.readers).await?)
    }

    /// Whether a key is active and for this.
    pub async fn is_key(&self, id: i64, scopes: &Scopes) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ? AND scopes = ? AND active)";
        let held = sqlx::query_scalar(sql).bind(id).bind(scopes.stored());
        Ok(held.fetch_one(&self.readers).await?)
    }

    /// Active keys of another backend that were not used yet.
    pub async fn imported_keys(&self) -> Result<Vec<ImportedKey>, StoreError> {
        let sql = "SELECT id, bcrypt FROM api_keys WHERE active AND bcrypt IS NOT NULL ORDER BY id";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// Stores a key of another backend; false when it is there already.
    pub async fn import_key(
        &self,
        bcrypt: &str,
        label: &str,
        active: bool,
        created_at: f64,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO api_keys (bcrypt, label, active, created_at)
                   VALUES (?, ?, ?, ?)";
        let added = sqlx::query(sql).bind(bcrypt).bind(label).bind(active).bind(created_at);
        let added = added.execute(&self.writer).await?.rows_affected();
        self.changed();
        Ok(added > 0)
    }

    /// Puts a fast hash in the place of a slow one, now that the key is known.
    pub async fn rehash_key(
        &self,
        id: i64,
        hash: &StoredHash,
    ) -> Result<Option<KeyMatch>, StoreError> {
        let sql = "UPDATE api_keys SET public_id = ?, hash = ?, bcrypt = NULL
                   WHERE id = ? AND active AND bcrypt IS NOT NULL
                   RETURNING id, label, hash, scopes";
        let row = sqlx::query_as(sql).bind(&hash.public_id).bind(&hash.hash).bind(id);
        Ok(row.fetch_optional(&self.writer).await?)
    }

    /// Switches a key on or off; none when there is no such key.
    pub async fn set_key_active(
        &self,
        id: i64,
        active: bool,
    ) -> Result<Option<Result<ApiKey, LastActiveKey>>, StoreError> {
        let mut transaction = self.begin().await?;
        if !active && is_last_active(&mut transaction, id).await? {
            return Ok(Some(Err(LastActiveKey)));
        }
        let sql = "UPDATE api_keys SET active = ? WHERE id = ?
                   RETURNING id, label, active, created_at, scopes";
        let key: Option<ApiKey> =
            sqlx::query_as(sql).bind(active).bind(id).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        self.changed();
        Ok(key.map(Ok))
    }

    /// Deletes a key; none when there is no such key.
    pub async fn delete_key(
        &self,
        id: i64,
    ) -> Result<Option<Result<(), LastActiveKey>>, StoreError> {
        let mut transaction = self.begin().await?;
        if is_last_active(&mut transaction, id).await? {
            return Ok(Some(Err(LastActiveKey)));
        }
        let deleted = sqlx::query("DELETE FROM api_keys WHERE id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        self.changed();
        Ok((deleted > 0).then_some(Ok(())))
    }
}

async fn is_last_active(
    transaction: &mut sqlx::SqliteConnection,
    id: i64,
) -> Result<bool, StoreError> {
    // A key that may not make others lets nobody in.
    let sql = "WITH masters AS (SELECT id FROM api_keys
                                WHERE active AND ',' || scopes || ',' LIKE '%,admin,%')
               SELECT EXISTS (SELECT 1 FROM masters WHERE id = ?1)
               AND NOT EXISTS (SELECT 1 FROM masters WHERE id <> ?1)";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(transaction).await?)
}

fn now() -> f64 {
    jiff::Timestamp::now().as_microsecond() as f64 / 1e6
}
