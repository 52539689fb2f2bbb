//! Starts the runs that are due.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{is_started, next_run};
use crate::endpoints::{Selection, connect};
use crate::order::Order;
use crate::runs::{Runs, scheduled};
use crate::store::{Schedule, Store, StoreError};

/// Schedules may be changed by another process, so they are looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// How long a run waits for its turn where another one writes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Starts the runs that are due.
#[derive(Debug, Clone)]
pub struct Keeper {
    store: Store,
    runs: Runs,
}

impl Keeper {
    /// The keeper of the schedules in a store.
    pub fn new(store: Store, runs: Runs) -> Self {
        Self { store, runs }
    }

    /// Starts runs when they are due, until it is stopped.
    pub async fn keep(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.look(Timestamp::now()).await {
                tracing::error!(%error, "the schedules cannot be read");
            }
        }
    }

    /// Starts what is due at `now`. Each schedule goes on to its next time first, so that of several
    /// servers on one state only one starts it, and a crash starts nothing twice.
    pub async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        for schedule in self.store.due_schedules(now.as_second()).await? {
            let next = match next_run(&schedule.cron, schedule.jitter, now) {
                Ok(next) => next,
                Err(error) => {
                    self.store.trouble_schedule(schedule.id, Some(&error.to_string())).await?;
                    continue;
                }
            };
            if !self.store.move_schedule(schedule.id, schedule.next_run, next).await? {
                continue;
            }
            if is_started(schedule.next_run, now, schedule.missed) {
                let keeper = self.clone();
                tokio::spawn(async move { keeper.start(schedule).await });
            } else {
                tracing::warn!(schedule = schedule.id, "a run was missed, and is left out");
            }
        }
        Ok(())
    }

    async fn start(&self, schedule: Schedule) {
        let trouble = self.run(&schedule).await.err();
        if let Some(trouble) = &trouble {
            tracing::error!(schedule = schedule.id, trouble, "a scheduled run did not start");
        }
        if let Err(error) = self.store.trouble_schedule(schedule.id, trouble.as_deref()).await {
            tracing::error!(schedule = schedule.id, %error, "trouble was not written down");
        }
    }

    async fn run(&self, schedule: &Schedule) -> Result<(), String> {
        let order: Order =
            serde_json::from_str(&schedule.work).map_err(|error| error.to_string())?;
        let proxmox_ids = schedule.endpoint_id.map(|id| vec![id]);
        let selection = Selection { proxmox_ids, ..Selection::default() };
        let connected = connect(&self.store, &selection, &order.options);
        let connected = connected.await.map_err(|error| error.to_string())?;
        let log = scheduled(&self.runs, connected, order, PATIENCE)
            .await
            .map_err(|error| error.to_string())?;
        let noted = self.store.note_scheduled(log.id(), schedule.id).await;
        noted.map_err(|error| error.to_string())
    }
}
