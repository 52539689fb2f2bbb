//! Runs: who writes to which NetBox, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, StoreError};

/// Ended runs that are kept with their operations and events; older ones are forgotten.
pub const KEPT_RUNS: u32 = 200;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum RunState {
    /// It has the lease and works.
    Running,
    /// Everything was synced.
    Completed,
    /// It ended, and some or all objects failed.
    Failed,
    /// It was stopped, or its server died.
    Interrupted,
}

impl RunState {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct RunRow {
    /// UUID version 7: sorts by start.
    #[sqlx(try_from = "String")]
    pub id: RunId,
    /// The NetBox it writes to.
    pub netbox: String,
    /// Where it stands.
    pub state: RunState,
    /// RFC 3339
    pub started_at: String,
    /// RFC 3339
    pub finished_at: Option<String>,
    /// Its final frame: JSON.
    pub summary: Option<String>,
    /// The schedule that started it.
    pub schedule_id: Option<i64>,
}

impl RunRow {
    /// The final frame; null while there is none.
    pub fn summary(&self) -> Value {
        let text = self.summary.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The run as the API and the commands show it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id.0, "netbox": self.netbox, "state": self.state,
            "started_at": self.started_at, "finished_at": self.finished_at,
            "schedule": self.schedule_id, "summary": self.summary(),
        })
    }
}

/// A run's identifier as SQLite holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub Uuid);

impl TryFrom<String> for RunId {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl Store {
    /// Takes the lease of a NetBox for a new run, or says which run has it.
    ///
    /// A run that has not renewed its lease for as long as it lasts is taken for dead, and so is one
    /// whose process has died here.
    pub async fn start_run(
        &self,
        id: Uuid,
        netbox: &str,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let mut transaction = self.begin().await?;
        let expired = "UPDATE runs SET state = 'interrupted', finished_at = ?
                       WHERE state = 'running' AND lease_expires <= ?";
        sqlx::query(expired)
            .bind(now.to_string())
            .bind(now.as_second())
            .execute(&mut *transaction)
            .await?;
        let holder = "SELECT id, owner FROM runs WHERE netbox = ? AND state = 'running'";
        let holder: Option<(String, Option<String>)> =
            sqlx::query_as(holder).bind(netbox).fetch_optional(&mut *transaction).await?;
        if let Some((holder, owner)) = holder {
            if !owner.is_some_and(|owner| self.alive.is_dead(&owner)) {
                return Err(StoreError::Leased(holder.parse().unwrap_or_default()));
            }
            let dead = "UPDATE runs SET state = 'interrupted', finished_at = ? WHERE id = ?";
            sqlx::query(dead).bind(now.to_string()).bind(holder).execute(&mut *transaction).await?;
        }
        let old = "DELETE FROM runs WHERE state <> 'running' AND id NOT IN
                   (SELECT id FROM runs ORDER BY id DESC LIMIT ?)";
        sqlx::query(old).bind(self.kept).execute(&mut *transaction).await?;
        let sql = "INSERT INTO runs (id, netbox, state, started_at, lease_expires, owner)
                   VALUES (?, ?, 'running', ?, ?, ?)";
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(netbox)
            .bind(now.to_string())
            .bind(expiry(now, lease))
            .bind(self.alive.owner())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Renews the lease; false when the run has lost it and must stop writing.
    pub async fn renew_lease(&self, id: Uuid, lease: Duration) -> Result<bool, StoreError> {
        let sql = "UPDATE runs SET lease_expires = ? WHERE id = ? AND state = 'running'";
        let renewed = sqlx::query(sql)
            .bind(expiry(Timestamp::now(), lease))
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(renewed.rows_affected() > 0)
    }

    /// Ends a run and frees its lease. One that has ended already stays as it is.
    pub async fn finish_run(
        &self,
        id: Uuid,
        state: RunState,
        summary: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE runs SET state = ?, finished_at = ?, summary = ?
                   WHERE id = ? AND state = 'running'";
        sqlx::query(sql)
            .bind(state)
            .bind(Timestamp::now().to_string())
            .bind(summary)
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// One run.
    pub async fn run(&self, id: Uuid) -> Result<Option<RunRow>, StoreError> {
        let sql = "SELECT id, netbox, state, started_at, finished_at, summary, schedule_id FROM runs WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id.to_string()).fetch_optional(&self.readers).await?)
    }

    /// The latest runs, newest first.
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let sql =
            "SELECT id, netbox, state, started_at, finished_at, summary, schedule_id FROM runs
                   ORDER BY id DESC LIMIT ?";
        Ok(sqlx::query_as(sql).bind(limit).fetch_all(&self.readers).await?)
    }
}

fn expiry(now: Timestamp, lease: Duration) -> i64 {
    now.as_second().saturating_add(i64::try_from(lease.as_secs()).unwrap_or(i64::MAX))
}
