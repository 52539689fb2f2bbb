//! API keys: hashes only, and never none once there was one.

use sqlx::FromRow;

use super::{Store, StoreError};

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
}

/// A key's hash, with what finds it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
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
                   RETURNING id, label, active, created_at";
        Ok(sqlx::query_as(sql)
            .bind(&hash.public_id)
            .bind(&hash.hash)
            .bind(label)
            .bind(now())
            .fetch_optional(&self.writer)
            .await?)
    }

    /// Stores another key.
    pub async fn add_key(&self, hash: &StoredHash, label: &str) -> Result<ApiKey, StoreError> {
        let sql = "INSERT INTO api_keys (public_id, hash, label, created_at)
                   VALUES (?, ?, ?, ?) RETURNING id, label, active, created_at";
        Ok(sqlx::query_as(sql)
            .bind(&hash.public_id)
            .bind(&hash.hash)
            .bind(label)
            .bind(now())
            .fetch_one(&self.writer)
            .await?)
    }

    /// All keys in the order in which they were made.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = "SELECT id, label, active, created_at FROM api_keys ORDER BY id";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// Hashes of the active keys that a presented key may be.
    pub async fn active_hashes(&self, public_id: &str) -> Result<Vec<StoredHash>, StoreError> {
        let sql = "SELECT public_id, hash FROM api_keys WHERE public_id = ? AND active";
        Ok(sqlx::query_as(sql).bind(public_id).fetch_all(&self.readers).await?)
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
                   RETURNING id, label, active, created_at";
        let key: Option<ApiKey> =
            sqlx::query_as(sql).bind(active).bind(id).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
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
        Ok((deleted > 0).then_some(Ok(())))
    }
}

async fn is_last_active(
    transaction: &mut sqlx::SqliteConnection,
    id: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ?1 AND active)
               AND NOT EXISTS (SELECT 1 FROM api_keys WHERE id <> ?1 AND active)";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(transaction).await?)
}

fn now() -> f64 {
    jiff::Timestamp::now().as_microsecond() as f64 / 1e6
}
