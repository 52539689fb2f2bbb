//! A run's life: lease, events, end. Nobody who watches a run can stop or slow it.

mod execute;
mod full_update;
mod log;
mod perform;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use full_update::{apply_saved, full_update, lease_name, scheduled, stage};
pub use log::{RunLog, Subscription};
pub use perform::{draw, perform};

use crate::endpoints::EndpointError;
use crate::store::{Ledger, Store, StoreError};
use crate::sync::Event;

/// How often the end of a run of another process is looked for.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// How a run holds the lease of its NetBox.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// A run that has not renewed for so long is taken for dead.
    pub lasts: Duration,
    /// How often it renews.
    pub renewed_every: Duration,
}

impl Default for Lease {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(30), renewed_every: Duration::from_secs(10) }
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Whether everything was synced.
    pub ok: bool,
    /// The content of its `complete` frame.
    pub frame: Value,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Whether everything was synced.
    pub ok: bool,
    /// The content of its `complete` frame.
    pub frame: Arc<Value>,
    /// How long it took.
    pub took: Duration,
}

/// The work of a run, which reports through the sender that it was made with.
///
/// It gets a thread of its own: comparing thousands of objects is computation, and must not hold up
/// those who ask the server something meanwhile.
pub type Job = Box<dyn FnOnce() -> Work + Send>;

/// What a [`Job`] does once it is on its thread.
pub type Work = Pin<Box<dyn Future<Output = Ending>>>;

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another run writes to this NetBox.
    #[error("run {0} is still writing to this NetBox")]
    Running(Uuid),
    /// The server is going down.
    #[error("the server is stopping")]
    Stopping,
    /// An endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The state cannot be written.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Leased(run) => Self::Running(run),
            other => Self::Store(other),
        }
    }
}

/// All runs of this server. Clones share them.
#[derive(Clone, Debug)]
pub struct Runs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    lease: Lease,
    active: Mutex<HashMap<Uuid, Arc<RunLog>>>,
    count: watch::Sender<usize>,
    endings: broadcast::Sender<Ended>,
    closed: CancellationToken,
    abort: CancellationToken,
}

impl Runs {
    /// Runs that are kept in `store`.
    pub fn new(store: Store, lease: Lease) -> Self {
        let shared = Shared {
            store,
            lease,
            active: Mutex::default(),
            count: watch::Sender::new(0),
            endings: broadcast::Sender::new(64),
            closed: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a run on a NetBox, which no other run may be writing to.
    ///
    /// The run is a task of its own: it goes on when the log that is answered is dropped.
    pub async fn start(
        &self,
        netbox: &str,
        job: impl FnOnce(mpsc::UnboundedSender<Event>, Ledger) -> Job,
    ) -> Result<Arc<RunLog>, StartError> {
        self.start_in_turn(netbox, Duration::ZERO, job).await
    }

    /// The same; where another run writes, it waits for its end, for at most `patience`.
    pub async fn start_in_turn(
        &self,
        netbox: &str,
        patience: Duration,
        job: impl FnOnce(mpsc::UnboundedSender<Event>, Ledger) -> Job,
    ) -> Result<Arc<RunLog>, StartError> {
        let deadline = Instant::now() + patience;
        let id = loop {
            match self.claim(netbox).await {
                Err(StartError::Running(other)) if Instant::now() < deadline => {
                    self.wait_for(other, deadline).await;
                }
                claimed => break claimed?,
            }
        };
        let log = Arc::new(RunLog::new(id, self.shared.store.clone()));
        self.shared.enter(log.clone());
        let (sender, events) = mpsc::unbounded_channel();
        tracing::info!(run = %id, netbox, "run started");
        let ledger = Ledger::new(self.shared.store.clone(), netbox, id);
        let job = job(sender, ledger);
        tokio::spawn(execute::execute(self.shared.clone(), log.clone(), job, events));
        Ok(log)
    }

    /// Takes the lease for a new run.
    async fn claim(&self, netbox: &str) -> Result<Uuid, StartError> {
        if self.shared.closed.is_cancelled() {
            return Err(StartError::Stopping);
        }
        let id = Uuid::now_v7();
        self.shared.store.start_run(id, netbox, self.shared.lease.lasts).await?;
        Ok(id)
    }

    /// Waits until a run has ended, or a moment where it is a run of another process.
    async fn wait_for(&self, run: Uuid, deadline: Instant) {
        let ended = async {
            match self.active(run) {
                Some(log) => drop(log.ended().await),
                None => tokio::time::sleep(ELSEWHERE).await,
            }
        };
        let _ = tokio::time::timeout_at(deadline, ended).await;
    }

    /// The log of a run that has not ended.
    pub fn active(&self, id: Uuid) -> Option<Arc<RunLog>> {
        self.shared.active().get(&id).cloned()
    }

    /// Whether no more runs are taken, because the server is going down.
    pub fn is_closing(&self) -> bool {
        self.shared.closed.is_cancelled()
    }

    /// What becomes of runs from now on.
    pub fn endings(&self) -> broadcast::Receiver<Ended> {
        self.shared.endings.subscribe()
    }

    /// Ends when no more runs are taken, because the server is going down.
    pub fn closing(&self) -> impl Future<Output = ()> + use<> {
        self.shared.closed.clone().cancelled_owned()
    }

    /// Takes no more runs, gives the present ones time to end, then stops them.
    pub async fn shutdown(&self, grace: Duration) {
        self.shared.closed.cancel();
        if self.all_ended(grace).await {
            return;
        }
        tracing::warn!("stopping runs that have not ended in time");
        self.shared.abort.cancel();
        // What remains is to write their state.
        if !self.all_ended(Duration::from_secs(2)).await {
            tracing::error!("a run could not be stopped; its lease will expire");
        }
    }

    async fn all_ended(&self, limit: Duration) -> bool {
        let mut count = self.shared.count.subscribe();
        tokio::time::timeout(limit, count.wait_for(|count| *count == 0)).await.is_ok()
    }
}

impl Shared {
    fn active(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<RunLog>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, log: Arc<RunLog>) {
        self.active().insert(log.id(), log);
        self.count.send_modify(|count| *count += 1);
    }

    fn leave(&self, id: Uuid) {
        self.active().remove(&id);
        self.count.send_modify(|count| *count -= 1);
    }
}
