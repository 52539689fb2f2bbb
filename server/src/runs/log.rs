//! The events of a run in memory, for as many watchers as like.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use uuid::Uuid;

use crate::store::StoredEvent;

/// What has happened in a run so far.
///
/// Watchers read at their own pace: the log only grows, so a slow one misses nothing and a fast
/// run waits for nobody. It is freed when the run has ended and the last watcher is gone.
#[derive(Debug)]
pub struct RunLog {
    id: Uuid,
    events: RwLock<Vec<Arc<StoredEvent>>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    length: usize,
    ended: bool,
}

impl RunLog {
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, events: RwLock::default(), progress: watch::Sender::default() }
    }

    /// The run.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Watches the run from its first event on.
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        Subscription { log: self.clone(), seen: 0, progress: self.progress.subscribe() }
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
        self.events().last().cloned()
    }

    pub(super) fn length(&self) -> usize {
        self.events().len()
    }

    pub(super) fn publish(&self, events: Vec<StoredEvent>) {
        let mut log = self.events.write().unwrap_or_else(PoisonError::into_inner);
        log.extend(events.into_iter().map(Arc::new));
        let length = log.len();
        drop(log);
        self.progress.send_modify(|progress| progress.length = length);
    }

    pub(super) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    fn events(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<StoredEvent>>> {
        self.events.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher of a run.
#[derive(Debug)]
pub struct Subscription {
    log: Arc<RunLog>,
    seen: usize,
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
        let event = self.log.events().get(seen).cloned();
        self.seen += usize::from(event.is_some());
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64) -> StoredEvent {
        StoredEvent { seq, event: "step".into(), data: "{}".into() }
    }

    #[tokio::test]
    async fn a_late_watcher_sees_everything_and_then_the_end() {
        let log = Arc::new(RunLog::new(Uuid::now_v7()));
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
        let log = Arc::new(RunLog::new(Uuid::now_v7()));
        let mut watcher = log.subscribe();
        let (seen, ()) = tokio::join!(watcher.next(), async { log.publish(vec![event(1)]) });
        assert_eq!(seen.unwrap().seq, 1);
    }
}
