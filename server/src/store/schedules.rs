//! Schedules: when runs start by themselves.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::schedule::Missed;

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Schedule {
    /// Its number; never used again.
    pub id: i64,
    /// The endpoint that is read; all that are enabled where there is none.
    pub endpoint_id: Option<i64>,
    /// When: five fields and a time zone.
    pub cron: String,
    /// Seconds that a run starts later at most.
    pub jitter: i64,
    /// What becomes of a run that was missed.
    pub missed: Missed,
    /// Whether it starts nothing for now.
    pub paused: bool,
    /// What is synced: JSON.
    pub work: String,
    /// The next run, in unix seconds.
    pub next_run: i64,
    /// Why the last run did not start.
    pub trouble: Option<String>,
}

impl Schedule {
    /// The schedule as the API and the commands show it.
    pub fn to_json(&self) -> Value {
        let work: Value = serde_json::from_str(&self.work).unwrap_or_default();
        let next = Timestamp::from_second(self.next_run).ok().filter(|_| !self.paused);
        json!({
            "id": self.id, "endpoint": self.endpoint_id, "cron": self.cron, "jitter": self.jitter,
            "missed": self.missed, "paused": self.paused, "work": work,
            "next_run": next.map(|next| next.to_string()), "trouble": self.trouble,
        })
    }
}

impl Store {
    /// Adds a schedule; the number in it is not looked at. Answers its number.
    pub async fn add_schedule(&self, schedule: &Schedule) -> Result<i64, StoreError> {
        let sql =
            "INSERT INTO schedules (endpoint_id, cron, jitter, missed, paused, work, next_run)
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        let added = sqlx::query(sql)
            .bind(schedule.endpoint_id)
            .bind(&schedule.cron)
            .bind(schedule.jitter)
            .bind(schedule.missed)
            .bind(schedule.paused)
            .bind(&schedule.work)
            .bind(schedule.next_run)
            .execute(&self.writer)
            .await?;
        Ok(added.last_insert_rowid())
    }

    /// All schedules, in the order in which they were added.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let sql = "SELECT * FROM schedules ORDER BY id";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// One schedule.
    pub async fn schedule(&self, id: i64) -> Result<Option<Schedule>, StoreError> {
        let sql = "SELECT * FROM schedules WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&self.readers).await?)
    }

    /// Schedules with a run that should have started by now.
    pub async fn due_schedules(&self, now: i64) -> Result<Vec<Schedule>, StoreError> {
        let sql =
            "SELECT * FROM schedules WHERE paused = 0 AND next_run <= ? ORDER BY next_run, id";
        Ok(sqlx::query_as(sql).bind(now).fetch_all(&self.readers).await?)
    }

    /// Goes on to the next run; false where another server did so first.
    pub async fn move_schedule(&self, id: i64, from: i64, to: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE schedules SET next_run = ? WHERE id = ? AND next_run = ? AND paused = 0";
        let query = sqlx::query(sql).bind(to).bind(id).bind(from);
        Ok(query.execute(&self.writer).await?.rows_affected() > 0)
    }

    /// Pauses a schedule, or lets it go on with its next run; false where there is none.
    pub async fn pause_schedule(
        &self,
        id: i64,
        paused: bool,
        next_run: i64,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE schedules SET paused = ?, next_run = ?, trouble = NULL WHERE id = ?";
        let query = sqlx::query(sql).bind(paused).bind(next_run).bind(id);
        Ok(query.execute(&self.writer).await?.rows_affected() > 0)
    }

    /// Writes down why a run did not start, or that it did.
    pub async fn trouble_schedule(&self, id: i64, why: Option<&str>) -> Result<(), StoreError> {
        let sql = "UPDATE schedules SET trouble = ? WHERE id = ?";
        sqlx::query(sql).bind(why).bind(id).execute(&self.writer).await?;
        Ok(())
    }

    /// Removes a schedule; its runs stay. False where there is none.
    pub async fn delete_schedule(&self, id: i64) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM schedules WHERE id = ?").bind(id);
        Ok(query.execute(&self.writer).await?.rows_affected() > 0)
    }

    /// Writes down which schedule started a run.
    pub async fn note_scheduled(&self, run: Uuid, schedule: i64) -> Result<(), StoreError> {
        let sql = "UPDATE runs SET schedule_id = ? WHERE id = ?";
        sqlx::query(sql).bind(schedule).bind(run.to_string()).execute(&self.writer).await?;
        Ok(())
    }
}
