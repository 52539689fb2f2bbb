//! What is asked again and again is asked once for all who watch.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

/// The latest answer; nothing before the first.
pub(super) type Latest = Option<Result<Arc<Value>, Arc<str>>>;

/// Asks once.
pub(super) type Ask =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send>;

/// Polls that are under way, by what they ask. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Polls {
    running: Arc<Mutex<HashMap<String, watch::Sender<Latest>>>>,
}

impl Polls {
    /// Watches what `ask` answers. It is asked every `pause` as long as somebody watches, and only by
    /// the first of them.
    pub(super) fn watch(&self, name: &str, pause: Duration, ask: Ask) -> watch::Receiver<Latest> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = running.get(name) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(None);
        running.insert(name.to_owned(), sender.clone());
        let (polls, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            loop {
                let answer = ask().await.map(Arc::new).map_err(Arc::from);
                sender.send_replace(Some(answer));
                let watched = tokio::time::timeout(pause, sender.closed()).await.is_err();
                if !watched && polls.end(&name, &sender) {
                    break;
                }
            }
        });
        receiver
    }

    /// Takes a poll out, unless somebody has come to watch meanwhile.
    fn end(&self, name: &str, sender: &watch::Sender<Latest>) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let over = sender.is_closed();
        if over {
            running.remove(name);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn counting(asked: &Arc<AtomicU32>) -> Ask {
        let asked = asked.clone();
        Box::new(move || {
            let count = asked.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { Ok(count.into()) })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_watch_cost_one_question_and_none_cost_none() {
        let (polls, asked) = (Polls::default(), Arc::new(AtomicU32::new(0)));
        let pause = Duration::from_secs(1);
        let mut watchers: Vec<_> =
            (0..100).map(|_| polls.watch("a", pause, counting(&asked))).collect();
        for watcher in &mut watchers {
            watcher.changed().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        watchers.clear();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        assert!(polls.running.lock().unwrap().is_empty());
        polls.watch("a", pause, counting(&asked)).changed().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }
}
