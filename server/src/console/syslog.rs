//! The log of a node's services, by line numbers: the journal's own API knows no services.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use proxbox_runtime::Operation;
use sdk_proxmox::pve::GetNodesNodeSyslog;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::frame::Frame;
use super::unit::Unit;
use crate::edge::ApiError;
use crate::endpoints::Session;
use crate::proxy::fault;
use crate::runs::StartError;

/// How often the log is looked at; it costs the node more than its journal.
const PAUSE: Duration = Duration::from_secs(2);

/// A log that cannot be read so many times in a row is given up.
const TRIES: u32 = 5;

/// Lines in one answer.
const MOST: i64 = 1000;

/// The log of one service, read up to a line.
#[derive(Debug)]
pub(super) struct Log {
    session: Arc<Session>,
    node: String,
    unit: Option<Unit>,
    read: Option<i64>,
    /// How often it could not be read in a row.
    failed: u32,
}

impl Log {
    pub(super) fn new(session: Arc<Session>, node: &str, unit: Option<Unit>) -> Self {
        Self { session, node: node.to_owned(), unit, read: None, failed: 0 }
    }

    /// The lines behind those that were read; at first the latest ones.
    pub(super) async fn next(&mut self, limit: u32) -> Result<Vec<String>, ApiError> {
        let start = match self.read {
            Some(read) => read,
            None => {
                let (_, total) = self.ask(0, 1).await?;
                (total - i64::from(limit)).max(0)
            }
        };
        let (lines, total) = self.ask(start, MOST).await?;
        // A log that was rotated is shorter than what was read of it.
        let end = start + i64::try_from(lines.len()).unwrap_or(0);
        self.read = Some(if total < start { total } else { end });
        Ok(lines)
    }

    /// Whether it can be read at all.
    pub(super) async fn readable(&self) -> Result<(), ApiError> {
        self.ask(0, 1).await.map(drop)
    }

    async fn ask(&self, start: i64, limit: i64) -> Result<(Vec<String>, i64), ApiError> {
        let client = self.session.client().await.map_err(StartError::from)?;
        let mut operation = GetNodesNodeSyslog::new(self.node.as_str());
        operation.start = Some(start);
        operation.limit = Some(limit);
        operation.service = self.unit.as_ref().map(|unit| unit.as_str().to_owned());
        let answered = client.answer(operation.request()).await;
        let answered = answered.map_err(|error| fault(&self.session.row.name, &error))?;
        let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        let lines = body["data"].as_array().into_iter().flatten();
        let lines: Vec<String> = lines
            .filter_map(|line| line["t"].as_str())
            // What a log without lines is sent as, by Proxmox or by journalctl.
            .filter(|text| !["no content", "-- No entries --"].contains(text))
            .map(str::to_owned)
            .collect();
        let shown = i64::try_from(lines.len()).unwrap_or(0);
        let total = body["total"].as_i64().or_else(|| body["total"].as_str()?.parse().ok());
        Ok((lines, total.unwrap_or(start + shown)))
    }
}

/// The logs of services; of all where none is named.
pub(super) fn logs(session: &Arc<Session>, node: &str, units: Vec<Unit>) -> Vec<Log> {
    if units.is_empty() {
        return vec![Log::new(session.clone(), node, None)];
    }
    units.into_iter().map(|unit| Log::new(session.clone(), node, Some(unit))).collect()
}

/// The logs as they grow.
pub(super) fn follow(
    mut logs: Vec<Log>,
    limit: u32,
    told: Value,
) -> impl Stream<Item = Frame> + Send {
    stream! {
        let mut seq = 0;
        yield Frame::meta("started", told);
        'following: loop {
            for log in &mut logs {
                match log.next(limit).await {
                    Ok(lines) => {
                        log.failed = 0;
                        for line in lines {
                            seq += 1;
                            yield Frame::line(seq, &line);
                        }
                    }
                    Err(error) => {
                        log.failed += 1;
                        yield Frame::meta("error", json!({ "message": error.to_string() }));
                        if log.failed >= TRIES {
                            yield Frame::ended(None, "the log cannot be read");
                            break 'following;
                        }
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }
}
