//! Plans that were drawn up over the API.

use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, StoreError};

/// Plans that are kept; older ones are forgotten.
const KEPT: u32 = 100;

/// A plan as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct PlanRow {
    /// UUID version 7: sorts by time.
    pub id: String,
    /// The NetBox that it is for.
    pub netbox: String,
    /// RFC 3339
    pub created_at: String,
    /// The document: JSON.
    pub document: String,
}

impl Store {
    /// Keeps a plan.
    pub async fn add_plan(&self, plan: &PlanRow) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let old =
            "DELETE FROM plans WHERE id NOT IN (SELECT id FROM plans ORDER BY id DESC LIMIT ?)";
        sqlx::query(old).bind(KEPT - 1).execute(&mut *transaction).await?;
        let sql = "INSERT INTO plans (id, netbox, created_at, document) VALUES (?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(&plan.id)
            .bind(&plan.netbox)
            .bind(&plan.created_at)
            .bind(&plan.document)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// All plans, newest first.
    pub async fn plans(&self) -> Result<Vec<PlanRow>, StoreError> {
        let sql = "SELECT id, netbox, created_at, document FROM plans ORDER BY id DESC";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// One plan.
    pub async fn plan(&self, id: Uuid) -> Result<Option<PlanRow>, StoreError> {
        let sql = "SELECT id, netbox, created_at, document FROM plans WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id.to_string()).fetch_optional(&self.readers).await?)
    }
}
