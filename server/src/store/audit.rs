//! What was changed on Proxmox through this server: written before it is sent, settled after.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::FromRow;

use super::{Store, StoreError};

/// Entries that are kept.
const KEPT: i64 = 100_000;

/// A change that is about to be sent.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Name of the request.
    pub request_id: String,
    /// Number of the key.
    pub key_id: i64,
    /// What its owner calls it.
    pub key_label: String,
    /// Number of the endpoint.
    pub endpoint_id: i64,
    /// Name of the endpoint.
    pub endpoint: String,
    /// Method and path.
    pub operation: String,
    /// Parameters, secrets masked.
    pub parameters: Value,
    /// SHA-256 of all parameters as they are, to tell a request that is sent again.
    pub digest: Vec<u8>,
    /// What the client calls the request, so that sending it again does nothing more.
    pub idempotency_key: Option<String>,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct AuditRow {
    /// Number of the entry.
    pub id: i64,
    /// RFC 3339
    pub at: String,
    /// Name of the request.
    pub request_id: String,
    /// Number of the key.
    pub key_id: i64,
    /// What its owner calls it.
    pub key_label: String,
    /// Number of the endpoint.
    pub endpoint_id: i64,
    /// Name of the endpoint.
    pub endpoint: String,
    /// Method and path.
    pub operation: String,
    /// JSON; secrets are masked.
    pub parameters: String,
    /// SHA-256 of all parameters.
    pub digest: Vec<u8>,
    /// What the client calls the request.
    pub idempotency_key: Option<String>,
    /// Status of the answer; absent while none has come, or the server died before it did.
    pub status: Option<i64>,
    /// What came of it: the task, or why not.
    pub result: Option<String>,
}

impl AuditRow {
    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let parameters: Value = serde_json::from_str(&self.parameters).unwrap_or_default();
        json!({
            "id": self.id, "at": self.at, "request_id": self.request_id,
            "key": { "id": self.key_id, "label": self.key_label },
            "endpoint": { "id": self.endpoint_id, "name": self.endpoint },
            "operation": self.operation, "parameters": parameters, "status": self.status,
            "result": self.result,
        })
    }
}

/// What became of an entry that was to be written.
#[derive(Debug)]
pub enum Written {
    /// It is there; its number settles it.
    New(i64),
    /// The same key sent a request of this name before.
    Before(Box<AuditRow>),
}

impl Store {
    /// Writes down what is about to be sent, unless the same was sent before.
    pub async fn add_audit(&self, entry: &AuditEntry) -> Result<Written, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(name) = &entry.idempotency_key {
            let sql = "SELECT * FROM audit WHERE key_id = ? AND idempotency_key = ?";
            let before = sqlx::query_as(sql).bind(entry.key_id).bind(name);
            if let Some(row) = before.fetch_optional(&mut *transaction).await? {
                return Ok(Written::Before(Box::new(row)));
            }
        }
        let sql = "INSERT INTO audit (at, request_id, key_id, key_label, endpoint_id, endpoint,
                   operation, parameters, digest, idempotency_key)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let added = sqlx::query(sql)
            .bind(Timestamp::now().to_string())
            .bind(&entry.request_id)
            .bind(entry.key_id)
            .bind(&entry.key_label)
            .bind(entry.endpoint_id)
            .bind(&entry.endpoint)
            .bind(&entry.operation)
            .bind(entry.parameters.to_string())
            .bind(&entry.digest)
            .bind(&entry.idempotency_key)
            .execute(&mut *transaction)
            .await?
            .last_insert_rowid();
        let sql = "DELETE FROM audit WHERE id <= ?";
        sqlx::query(sql).bind(added - KEPT).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Written::New(added))
    }

    /// Writes down what came of an entry. Nothing was sent where there is no status: the name of such
    /// a request may be used again.
    pub async fn settle_audit(
        &self,
        id: i64,
        status: Option<u16>,
        result: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE audit SET status = ?1, result = ?2,
                   idempotency_key = iif(?1 IS NULL, NULL, idempotency_key) WHERE id = ?3";
        let settled = sqlx::query(sql).bind(status).bind(result).bind(id);
        settled.execute(&self.writer).await?;
        Ok(())
    }

    /// The latest entries, newest first, from before the one with the number `before` on.
    pub async fn audit(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let sql = "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?";
        let rows = sqlx::query_as(sql).bind(before.unwrap_or(i64::MAX)).bind(limit);
        Ok(rows.fetch_all(&self.readers).await?)
    }
}
