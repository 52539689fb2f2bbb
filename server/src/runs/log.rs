//! The events of a run in memory, for as many watchers as like.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use uuid::Uuid;

use crate::store::{Store, StoredEvent};

/// Events that are kept in memory; older ones are read from the state.
const TAIL: usize = 1000;

/// Events that are read from the state at once.
const PAGE: u32 = 250;

/// What has happened in a run so far.
///
/// Watchers read at their own pace: what a slow one has not seen yet is in the state, so it misses
/// nothing and a fast run waits for nobody. The log is freed when the run has ended and the last
/// watcher is gone.
#[derive(Debug)]
pub struct RunLog {
    id: Uuid,
    store: Store,
    tail: RwLock<Tail>,
    progress: watch::Sender<Progress>,
}

/// The latest events.
#[derive(Debug, Default)]
struct Tail {
    /// How many events came before these.
    before: usize,
    events: VecDeque<Arc<StoredEvent>>,
}

impl Tail {
    fn length(&self) -> usize {
        self.before + self.events.len()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    length: usize,
    ended: bool,
}

impl RunLog {
    pub(super) fn new(id: Uuid, store: Store) -> Self {
        Self { id, store, tail: RwLock::default(), progress: watch::Sender::default() }
    }

    /// The run.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Watches the run from its first event on.
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        let (log, page) = (self.clone(), VecDeque::new());
        Subscription { log, seen: 0, page, progress: self.progress.subscribe() }
    }

    /// Watches the run from the event after the one with this number on.
    pub fn subscribe_after(self: &Arc<Self>, seq: i64) -> Subscription {
        Subscription { seen: usize::try_from(seq).unwrap_or(0), ..self.subscribe() }
    }

    /// The run's last event, `complete`, once it has come.
    pub async fn ended(self: &Arc<Self>) -> Option<Arc<StoredEvent>> {
        let mut progress = self.progress.subscribe();
        // Fails only without a sender, and the sender is ours.
        let _ = progress.wait_for(|progress| progress.ended).await;
        self.tail().events.back().cloned()
    }

    pub(super) fn length(&self) -> usize {
        self.tail().length()
    }

    pub(super) fn publish(&self, events: Vec<StoredEvent>) {
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        tail.events.extend(events.into_iter().map(Arc::new));
        let length = tail.length();
        let surplus = tail.events.len().saturating_sub(TAIL);
        tail.events.drain(..surplus);
        tail.before += surplus;
        drop(tail);
        self.progress.send_modify(|progress| progress.length = length);
    }

    pub(super) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    fn tail(&self) -> std::sync::RwLockReadGuard<'_, Tail> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher of a run.
#[derive(Debug)]
pub struct Subscription {
    log: Arc<RunLog>,
    seen: usize,
    /// Events out of the state that are next.
    page: VecDeque<Arc<StoredEvent>>,
    progress: watch::Receiver<Progress>,
}

impl Subscription {
    /// The run that is watched.
    pub fn run(&self) -> Uuid {
        self.log.id
    }

    /// The next event; none after the last one. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<StoredEvent>> {
        let seen = self.seen;
        let _ = self.progress.wait_for(|now| now.ended || now.length > seen).await;
        if self.page.is_empty() && seen < self.log.tail().before {
            self.turn_page().await;
        }
        let event = self.page.pop_front().or_else(|| {
            let tail = self.log.tail();
            tail.events.get(self.seen.saturating_sub(tail.before)).cloned()
        });
        self.seen += usize::from(event.is_some());
        event
    }

    /// Reads what is no longer in memory. What was never written down is lost, and nothing else.
    async fn turn_page(&mut self) {
        let after = i64::try_from(self.seen).unwrap_or(i64::MAX);
        match self.log.store.events(self.log.id, after, PAGE).await {
            Ok(events) => self.page.extend(events.into_iter().map(Arc::new)),
            Err(error) => tracing::error!(run = %self.log.id, %error, "events cannot be read"),
        }
        if self.page.is_empty() {
            self.seen = self.log.tail().before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64) -> StoredEvent {
        StoredEvent { seq, event: "step".into(), data: "{}".into() }
    }

    /// A log of a run that is in a state of its own.
    async fn log(folder: &tempfile::TempDir) -> Arc<RunLog> {
        let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
        let id = Uuid::now_v7();
        store.start_run(id, "netbox", std::time::Duration::from_secs(60)).await.unwrap();
        Arc::new(RunLog::new(id, store))
    }

    #[tokio::test]
    async fn a_watcher_that_is_far_behind_misses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        let mut watcher = log.subscribe();
        let count = i64::try_from(3 * TAIL).unwrap();
        for first in (1..=count).step_by(100) {
            let events: Vec<_> = (first..first + 100).map(event).collect();
            log.store.add_events(log.id(), &events).await.unwrap();
            log.publish(events);
            if first == 1001 {
                // It has seen a few by then.
                for seq in 1..=10 {
                    assert_eq!(watcher.next().await.unwrap().seq, seq);
                }
            }
        }
        log.end();
        assert!(log.tail().events.len() <= TAIL);
        for seq in 11..=count {
            assert_eq!(watcher.next().await.unwrap().seq, seq);
        }
        assert!(watcher.next().await.is_none());
    }

    #[tokio::test]
    async fn a_late_watcher_sees_everything_and_then_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        log.publish(vec![event(1), event(2)]);
        let mut watcher = log.subscribe();
        log.publish(vec![event(3)]);
        log.end();
        for seq in 1..=3 {
            assert_eq!(watcher.next().await.unwrap().seq, seq);
        }
        assert!(watcher.next().await.is_none());
        assert_eq!(log.ended().await.unwrap().seq, 3);
    }

    #[tokio::test]
    async fn a_watcher_waits_for_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        let mut watcher = log.subscribe();
        let (seen, ()) = tokio::join!(watcher.next(), async { log.publish(vec![event(1)]) });
        assert_eq!(seen.unwrap().seq, 1);
    }
}
