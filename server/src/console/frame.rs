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
        Self::line_of("stdout", seq, text)
    }

    /// The same, with where it was printed.
    pub(super) fn line_of(stream: &str, seq: u64, text: &str) -> Self {
        let ts = Timestamp::now().to_string();
        let data = json!({ "seq": seq, "ts": ts, "stream": stream, "line": text });
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

    /// The end, because what permitted it is no more.
    pub(super) fn taken_back(reason: &str) -> Self {
        Self::meta("ended", json!({ "exit": null, "reason": reason, "taken_back": true }))
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

    /// With what a socket is closed behind this frame, where that says more than that it ended: going
    /// away, not permitted any more, failed, or how a command exited. A socket takes 123 bytes.
    pub(super) fn closes_with(&self) -> Option<(u16, String)> {
        let reason = self.data["reason"].as_str().or(self.data["message"].as_str())?;
        let (code, mut reason) = match (self.event, &self.data["exit"]) {
            ("server_shutdown", _) => (1001, reason.to_owned()),
            ("error", _) => (1011, reason.to_owned()),
            ("ended", Value::Null) if self.data["taken_back"] == true => (1008, reason.to_owned()),
            ("ended", Value::Null) => (1011, reason.to_owned()),
            ("ended", Value::String(exit)) => (1000, format!("exit {exit}, {reason}")),
            ("ended", exit) => (1000, format!("exit {exit}, {reason}")),
            _ => return None,
        };
        reason.truncate(reason.floor_char_boundary(123));
        Some((code, reason))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_closed_with_why_the_stream_ended() {
        let with = |frame: Frame| frame.closes_with();
        assert_eq!(with(Frame::line(1, "a")), None);
        assert_eq!(with(Frame::meta("started", json!({}))), None);
        assert_eq!(with(Frame::shutdown()).unwrap().0, 1001);
        let revoked = with(Frame::taken_back("the key was revoked")).unwrap();
        assert_eq!(revoked, (1008, "the key was revoked".to_owned()));
        let ended = with(Frame::ended(Some(3), "the command ended")).unwrap();
        assert_eq!(ended, (1000, "exit 3, the command ended".to_owned()));
        let failed = with(Frame::ended(None, &"ä".repeat(100))).unwrap();
        assert_eq!((failed.0, failed.1.len()), (1011, 122));
    }
}
