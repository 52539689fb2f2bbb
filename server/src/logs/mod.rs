//! The lines that were logged of late, for those who cannot see the server's error output.

mod layer;
mod redact;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

pub use layer::LogLayer;
pub use redact::redact;

/// Lines that are kept.
const KEPT: usize = 10_000;

/// Lines that a slow watcher may be behind; it misses what is more.
const BEHIND: usize = 1024;

/// Bytes of a message that are kept.
const LONGEST: usize = 8 * 1024;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLine {
    /// Counts from 1 since the server started.
    pub id: u64,
    /// RFC 3339
    pub timestamp: String,
    /// `DEBUG`, `INFO`, `WARNING` or `ERROR`
    pub level: &'static str,
    /// Where in the program it was logged.
    pub module: String,
    /// What it says, without secrets.
    pub message: String,
    /// The run or request that it belongs to.
    pub operation_id: Option<String>,
    /// Not told here.
    pub operation: Option<String>,
    /// Not told here.
    pub phase: Option<String>,
    /// `endpoint` where it is about one.
    pub resource_type: Option<&'static str>,
    /// Name of the endpoint that it is about.
    pub resource_id: Option<String>,
    /// Nothing is folded away.
    pub expandable: Option<String>,
}

/// The lines of late. Clones share them.
#[derive(Debug, Clone)]
pub struct LogBuffer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: Mutex<(u64, VecDeque<Arc<LogLine>>)>,
    news: broadcast::Sender<Arc<LogLine>>,
}

/// Cuts a text between characters.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str(" [cut]");
    }
}

impl Default for LogBuffer {
    fn default() -> Self {
        let shared = Shared { lines: Mutex::default(), news: broadcast::Sender::new(BEHIND) };
        Self { shared: Arc::new(shared) }
    }
}

impl LogBuffer {
    /// Adds a line; its number and time are given here.
    fn push(&self, mut line: LogLine) {
        cut(&mut line.message, LONGEST);
        line.timestamp = Timestamp::now().to_string();
        let mut lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.0 += 1;
        line.id = lines.0;
        let line = Arc::new(line);
        if lines.1.len() >= KEPT {
            lines.1.pop_front();
        }
        lines.1.push_back(line.clone());
        drop(lines);
        // Nobody may be watching.
        let _ = self.shared.news.send(line);
    }

    /// The kept lines that a filter takes, oldest first.
    pub fn lines(&self, takes: impl Fn(&LogLine) -> bool) -> Vec<Arc<LogLine>> {
        let lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.1.iter().filter(|line| takes(line)).cloned().collect()
    }

    /// Lines from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<LogLine>> {
        self.shared.news.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn what_is_logged_is_kept_without_secrets() {
        let buffer = LogBuffer::default();
        let subscriber = tracing_subscriber::registry().with(LogLayer::new(buffer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", id = "r1");
            let _inside = span.enter();
            tracing::warn!(
                endpoint = "lab",
                password = "correct horse",
                "Bearer abc.def was refused"
            );
        });
        let lines = buffer.lines(|_| true);
        let line = &lines[0];
        assert_eq!((line.id, line.level, line.operation_id.as_deref()), (1, "WARNING", Some("r1")));
        assert_eq!(line.resource_id.as_deref(), Some("lab"));
        assert!(line.message.contains("was refused"), "{}", line.message);
        assert!(!line.message.contains("horse") && !line.message.contains("abc.def"));
    }

    #[test]
    fn only_the_latest_lines_are_kept() {
        let buffer = LogBuffer::default();
        let subscriber = tracing_subscriber::registry().with(LogLayer::new(buffer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            (0..KEPT + 5).for_each(|n| tracing::info!(n, "line"));
        });
        let lines = buffer.lines(|_| true);
        assert_eq!((lines.len(), lines[0].id), (KEPT, 6));
    }
}
