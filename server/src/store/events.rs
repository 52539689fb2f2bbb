//! Events of runs, kept in the order in which they happened.

use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, StoreError};

/// An event of a run.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct StoredEvent {
    /// Counts from 1 in each run.
    pub seq: i64,
    /// Name of the frame.
    pub event: String,
    /// Content of the frame: JSON without line breaks.
    pub data: String,
}

impl Store {
    /// Adds events to a run, all or none.
    pub async fn add_events(&self, run: Uuid, events: &[StoredEvent]) -> Result<(), StoreError> {
        let sql = "INSERT INTO events (run_id, seq, event, data) VALUES (?, ?, ?, ?)";
        let mut transaction = self.begin().await?;
        for event in events {
            sqlx::query(sql)
                .bind(run.to_string())
                .bind(event.seq)
                .bind(&event.event)
                .bind(&event.data)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The newest event of this name, of any run.
    pub async fn last_event(&self, name: &str) -> Result<Option<StoredEvent>, StoreError> {
        // Runs are numbered by time.
        let sql =
            "SELECT seq, event, data FROM events WHERE event = ? ORDER BY run_id DESC LIMIT 1";
        Ok(sqlx::query_as(sql).bind(name).fetch_optional(&self.readers).await?)
    }

    /// So many events of a run after the one with the number `after`.
    pub async fn events(
        &self,
        run: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = "SELECT seq, event, data FROM events WHERE run_id = ? AND seq > ?
                   ORDER BY seq LIMIT ?";
        let rows = sqlx::query_as(sql).bind(run.to_string()).bind(after).bind(limit);
        Ok(rows.fetch_all(&self.readers).await?)
    }
}
