//! One thing that a stream says.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One thing that a stream says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    event: &'static str,
    /// Where a client that comes back goes on.
    id: Option<String>,
    data: Value,
}

impl Frame {
    /// A line that something printed.
    pub(super) fn line(seq: u64, text: &str) -> Self {
        let ts = Timestamp::now().to_string();
        let data = json!({ "seq": seq, "ts": ts, "stream": "stdout", "line": text });
        Self { event: "line", id: None, data }
    }

    /// Numbers that have changed.
    pub(super) fn stats(data: Value) -> Self {
        Self { event: "stats", id: None, data }
    }

    /// Something about the stream itself: `started`, `error`, `ended`, `server_shutdown`.
    pub(super) fn meta(event: &'static str, data: Value) -> Self {
        Self { event, id: None, data }
    }

    /// The end, with what a command exited with.
    pub(super) fn ended(exit: Option<i32>, reason: &str) -> Self {
        Self::meta("ended", json!({ "exit": exit, "reason": reason }))
    }

    /// The server goes down; a client may come back.
    pub(super) fn shutdown() -> Self {
        Self::meta("server_shutdown", json!({ "reason": "the server is stopping" }))
    }

    /// The same frame with the place behind it.
    pub(super) fn at(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// As a server-sent event. JSON has no line breaks outside of texts, and escapes them inside.
    pub(super) fn event(&self) -> Bytes {
        let Self { event, id, data } = self;
        match id.as_ref().filter(|id| !id.contains(['\r', '\n', '\0'])) {
            Some(id) => format!("id: {id}\nevent: {event}\ndata: {data}\n\n").into(),
            None => format!("event: {event}\ndata: {data}\n\n").into(),
        }
    }

    /// As a message of a socket.
    pub(super) fn message(&self) -> String {
        json!({ "event": self.event, "id": self.id, "data": self.data }).to_string()
    }

    /// What it says.
    pub(super) fn data(&self) -> &Value {
        &self.data
    }

    /// The line alone, if it is one.
    pub(super) fn text(&self) -> Option<String> {
        match self.event {
            "line" => self.data["line"].as_str().map(str::to_owned),
            "stats" => Some(self.data.to_string()),
            _ => None,
        }
    }
}
