//! What a run is about to do, has done, and has last written into each object.

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::{FromRow, Sqlite, Transaction};
use uuid::Uuid;

use super::{RunRow, Store, StoreError, sightings};
use crate::plan::{Base, Did, Kind, Operation, document};

/// Rows in one statement at most: SQLite binds 32,766 values.
const ROWS: usize = 4000;

/// The record of one run. Without a store it records nothing.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) place: Option<Place>,
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) netbox: String,
    run: Uuid,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum OperationState {
    /// It waits.
    Pending,
    /// It was sent, and nothing is known of it yet.
    Sent,
    /// NetBox has it.
    Confirmed,
    /// NetBox refused it, or could not be reached.
    Failed,
    /// It was not tried.
    Skipped,
}

/// An operation of a run as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct OperationRow {
    /// Its place in the plan.
    pub number: i64,
    /// Where it stands.
    pub state: OperationState,
    /// What it is: JSON, as plans write it.
    pub operation: String,
    /// NetBox's id of the object.
    pub object_id: Option<i64>,
    /// Why it failed or was not tried.
    pub why: Option<String>,
}

impl OperationRow {
    /// The operation as the API and the commands show it.
    pub fn to_json(&self) -> Value {
        let operation: Value = serde_json::from_str(&self.operation).unwrap_or_default();
        json!({
            "number": self.number, "state": self.state, "object_id": self.object_id,
            "why": self.why, "operation": operation,
        })
    }
}

/// What came of an operation, and what its object holds of ours from now on.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Its place in the plan.
    pub number: usize,
    /// Where it stands now.
    pub state: OperationState,
    /// NetBox's id of the object.
    pub object_id: Option<i64>,
    /// Why it failed or was not tried.
    pub why: Option<String>,
    /// The object's fields to remember, or nothing to forget it.
    pub written: Option<(Kind, i64, Option<String>)>,
}

impl Ledger {
    /// A record of nothing.
    pub const fn nowhere() -> Self {
        Self { place: None }
    }

    /// The record of `run`, which writes to `netbox`.
    pub fn new(store: Store, netbox: impl Into<String>, run: Uuid) -> Self {
        Self { place: Some(Place { store, netbox: netbox.into(), run }) }
    }

    /// What was written to `netbox` so far, for plans that nobody carries out.
    pub fn of_netbox(store: Store, netbox: impl Into<String>) -> Self {
        Self::new(store, netbox, Uuid::nil())
    }

    /// The run that it is the record of.
    pub fn run(&self) -> Option<Uuid> {
        self.place.as_ref().map(|place| place.run)
    }

    /// The name of the state among others that write to the same NetBox.
    pub async fn instance(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        let sql = "SELECT id FROM instance";
        sqlx::query_scalar(sql).fetch_optional(&place.store.readers).await.ok().flatten()
    }

    /// What was last written into the objects of this NetBox.
    pub async fn base(&self) -> Result<Base, StoreError> {
        let Some(place) = &self.place else { return Ok(Base::default()) };
        let Place { store, netbox, .. } = place;
        let sql = "SELECT kind, object_id, fields FROM written WHERE netbox = ?";
        let mut rows =
            sqlx::query_as::<_, (String, i64, String)>(sql).bind(netbox).fetch(&store.readers);
        let mut base = Base::default();
        while let Some((kind, id, fields)) = rows.try_next().await? {
            if let Some(kind) = Kind::from_model(&kind) {
                base.insert(kind, id, fields);
            }
        }
        sightings::load(place, &mut base).await?;
        for path in self.owed().await? {
            base.owe(path);
        }
        Ok(base)
    }

    /// Paths of journal entries of which the last run that meant to write them does not know that it
    /// did. They are only written, so that looking at NetBox alone does not tell what is missing.
    async fn owed(&self) -> Result<Vec<String>, StoreError> {
        let Some(Place { store, netbox, .. }) = &self.place else { return Ok(Vec::new()) };
        let sql = "SELECT path FROM (
                       SELECT json_extract(operation, '$.path') AS path, operations.state AS state,
                              max(run_id)
                       FROM operations JOIN runs ON runs.id = run_id
                       WHERE runs.netbox = ? AND json_extract(operation, '$.kind') = ?
                       GROUP BY 1)
                   WHERE state <> 'confirmed'";
        let query = sqlx::query_scalar(sql).bind(netbox).bind(Kind::JournalEntry.model());
        Ok(query.fetch_all(&store.readers).await?)
    }

    /// A run that wrote to the same NetBox.
    pub async fn row_of(&self, run: Uuid) -> Result<Option<RunRow>, StoreError> {
        let Some(Place { store, netbox, .. }) = &self.place else { return Ok(None) };
        Ok(store.run(run).await?.filter(|row| row.netbox == *netbox))
    }

    /// What a run has certainly done, in the order in which it did it.
    pub async fn done_by(&self, run: Uuid) -> Result<Vec<Did>, StoreError> {
        let Some(Place { store, .. }) = &self.place else { return Ok(Vec::new()) };
        let rows = store.operations(run).await?.into_iter();
        let confirmed = rows.filter(|row| row.state == OperationState::Confirmed);
        Ok(confirmed
            .filter_map(|row| {
                let operation = serde_json::from_str(&row.operation).ok()?;
                document::did_from_json(&operation, row.object_id?)
            })
            .collect())
    }

    /// Writes the whole plan down before its first request.
    pub async fn plan(&self, operations: &[Operation]) -> Result<(), StoreError> {
        let Some(Place { store, run, .. }) = &self.place else { return Ok(()) };
        let mut transaction = store.begin().await?;
        for part in operations.chunks(ROWS) {
            let mut insert = sqlx::QueryBuilder::<Sqlite>::new(
                "INSERT INTO operations (run_id, number, state, operation) ",
            );
            insert.push_values(part, |mut row, one| {
                let json = document::operation_to_json(one).to_string();
                row.push_bind(run.to_string()).push_bind(number(one.number));
                row.push_bind(OperationState::Pending).push_bind(json);
            });
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Marks operations as sent. Refused when the run has lost its lease: another one may write.
    pub async fn sent(&self, numbers: &[usize]) -> Result<(), StoreError> {
        let Some(Place { store, run, .. }) = &self.place else { return Ok(()) };
        let mut transaction = store.begin().await?;
        let alive = "SELECT count(*) FROM runs WHERE id = ? AND state = 'running'";
        let alive: i64 =
            sqlx::query_scalar(alive).bind(run.to_string()).fetch_one(&mut *transaction).await?;
        if alive == 0 {
            return Err(StoreError::Fenced(*run));
        }
        let sql = "UPDATE operations SET state = 'sent' WHERE run_id = ? AND number = ?";
        for one in numbers {
            let query = sqlx::query(sql).bind(run.to_string()).bind(number(*one));
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Writes down what came of operations.
    pub async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let Some(Place { store, netbox, run }) = &self.place else { return Ok(()) };
        let mut transaction = store.begin().await?;
        let sql = "UPDATE operations SET state = ?, object_id = ?, why = ?
                   WHERE run_id = ? AND number = ?";
        for one in settlements {
            sqlx::query(sql)
                .bind(one.state)
                .bind(one.object_id)
                .bind(&one.why)
                .bind(run.to_string())
                .bind(number(one.number))
                .execute(&mut *transaction)
                .await?;
            if let Some((kind, id, fields)) = &one.written {
                write(&mut transaction, netbox, *kind, *id, fields.as_deref()).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Remembers objects that agree with Proxmox although nothing was written into them.
    pub async fn remember(&self, objects: &[(Kind, i64, String)]) -> Result<(), StoreError> {
        let Some(Place { store, netbox, .. }) = &self.place else { return Ok(()) };
        let mut transaction = store.begin().await?;
        for (kind, id, fields) in objects {
            write(&mut transaction, netbox, *kind, *id, Some(fields)).await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    netbox: &str,
    kind: Kind,
    id: i64,
    fields: Option<&str>,
) -> Result<(), StoreError> {
    let query = match fields {
        Some(fields) => sqlx::query(
            "INSERT INTO written (netbox, kind, object_id, fields) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET fields = excluded.fields",
        )
        .bind(netbox)
        .bind(kind.model())
        .bind(id)
        .bind(fields),
        None => sqlx::query("DELETE FROM written WHERE netbox = ? AND kind = ? AND object_id = ?")
            .bind(netbox)
            .bind(kind.model())
            .bind(id),
    };
    query.execute(&mut **transaction).await?;
    if fields.is_none() && kind == Kind::VirtualMachine {
        let sql = "DELETE FROM absent WHERE netbox = ? AND machine = ?";
        sqlx::query(sql).bind(netbox).bind(id).execute(&mut **transaction).await?;
    }
    Ok(())
}

impl Store {
    /// The operations of a run, in the order of its plan.
    pub async fn operations(&self, run: Uuid) -> Result<Vec<OperationRow>, StoreError> {
        let sql = "SELECT number, state, operation, object_id, why FROM operations
                   WHERE run_id = ? ORDER BY number";
        Ok(sqlx::query_as(sql).bind(run.to_string()).fetch_all(&self.readers).await?)
    }
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
