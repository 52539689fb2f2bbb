//! Which guests and how many nodes were seen: one reading alone proves nothing.

use jiff::Timestamp;

use super::ledger::Place;
use super::{Ledger, StoreError};
use crate::plan::{Base, Plan};

/// Adds to the base what earlier readings have seen.
pub(super) async fn load(place: &Place, base: &mut Base) -> Result<(), StoreError> {
    let Place { store, netbox, .. } = place;
    let now = Timestamp::now().as_second();
    let sql = "SELECT machine, since FROM absent WHERE netbox = ?";
    let absent: Vec<(i64, i64)> =
        sqlx::query_as(sql).bind(netbox).fetch_all(&store.readers).await?;
    for (machine, since) in absent {
        base.miss(machine, now.saturating_sub(since));
    }
    let sql = "SELECT endpoint, nodes FROM nodes WHERE netbox = ?";
    let nodes: Vec<(i64, i64)> = sqlx::query_as(sql).bind(netbox).fetch_all(&store.readers).await?;
    for (endpoint, nodes) in nodes {
        base.count_nodes(endpoint, usize::try_from(nodes).unwrap_or_default());
    }
    Ok(())
}

impl Ledger {
    /// Writes down what the reading behind a plan has seen and has not seen.
    pub async fn note_sightings(&self, plan: &Plan) -> Result<(), StoreError> {
        let Some(Place { store, netbox, .. }) = &self.place else { return Ok(()) };
        if plan.absent.is_empty() && plan.returned.is_empty() && plan.nodes.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now().as_second();
        let mut transaction = store.begin().await?;
        for machine in &plan.returned {
            let sql = "DELETE FROM absent WHERE netbox = ? AND machine = ?";
            sqlx::query(sql).bind(netbox).bind(machine).execute(&mut *transaction).await?;
        }
        for machine in &plan.absent {
            let sql = "INSERT INTO absent (netbox, machine, since) VALUES (?, ?, ?)
                       ON CONFLICT DO NOTHING";
            let query = sqlx::query(sql).bind(netbox).bind(machine).bind(now);
            query.execute(&mut *transaction).await?;
        }
        for (endpoint, nodes) in &plan.nodes {
            let sql = "INSERT INTO nodes (netbox, endpoint, nodes) VALUES (?, ?, ?)
                       ON CONFLICT DO UPDATE SET nodes = excluded.nodes";
            let nodes = i64::try_from(*nodes).unwrap_or(i64::MAX);
            let query = sqlx::query(sql).bind(netbox).bind(endpoint).bind(nodes);
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
