//! The log of a task, until it ends.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use axum::response::Response;
use futures_util::Stream;
use sdk_proxmox::{Task, TaskState};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::frame::Frame;
use super::reply::{Form, Words, streamed};
use crate::auth::Caller;
use crate::edge::{ApiError, App};
use crate::endpoints::Session;
use crate::proxy::fault;
use crate::runs::StartError;

/// How often a task is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that cannot be read so many times in a row is given up; it goes on all the same.
const TRIES: u32 = 5;

/// Lines of an answer; a stream has no bound.
const MOST: usize = 10_000;

/// The task of an endpoint with this identifier.
pub(super) async fn task(session: &Session, upid: &str) -> Result<Task, ApiError> {
    let client = session.client().await.map_err(StartError::from)?;
    client.task(upid).map_err(|error| ApiError::bad_request("This is no task", error.to_string()))
}

/// State and log of a task as they are now.
pub(super) async fn once(session: &Session, upid: &str) -> Result<Value, ApiError> {
    let task = task(session, upid).await?;
    let told = async {
        let state = task.state().await?;
        let mut lines = Vec::new();
        loop {
            let more = task.log(lines.last().map_or(0, line_number)).await?;
            let last = more.len() < Task::LINES;
            lines.extend(more);
            if last || lines.len() >= MOST {
                return Ok::<_, sdk_proxmox::Error>((state, lines));
            }
        }
    };
    let (state, lines) = told.await.map_err(|error| fault(&session.row.name, &error))?;
    let truncated = lines.len() >= MOST;
    let lines: Vec<Value> =
        lines.iter().map(|line| json!({ "n": line.number, "t": line.text })).collect();
    let (status, exit) = match &state {
        TaskState::Running => ("running", None),
        TaskState::Ended(outcome) => ("stopped", Some(outcome.to_string())),
    };
    Ok(
        json!({ "upid": upid, "status": status, "exit": exit, "lines": lines, "truncated": truncated }),
    )
}

/// The log as it grows, as server-sent events.
pub(crate) async fn stream(
    app: &App,
    caller: Arc<Caller>,
    session: &Arc<Session>,
    upid: &str,
) -> Result<Response, ApiError> {
    let task = task(session, upid).await?;
    let form = Form::Events { after: None, caller };
    Ok(streamed(app, "task", form, Words::Frames, session, follow(task, None)))
}

/// The log as it grows, from behind the line `after` on, to the end of the task.
pub(super) fn follow(task: Task, after: Option<String>) -> impl Stream<Item = Frame> + Send {
    stream! {
        let mut seen: u64 = after.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let mut failed = 0;
        yield Frame::meta("started", json!({ "upid": task.upid().as_str() }));
        loop {
            // The state first: lines written before the end are then all read after it.
            let read = async {
                let state = task.state().await?;
                Ok::<_, sdk_proxmox::Error>((state, task.log(seen).await?))
            };
            match read.await {
                Ok((state, lines)) => {
                    failed = 0;
                    for line in &lines {
                        seen = line.number;
                        yield Frame::line(line.number, &line.text).at(line.number.to_string());
                    }
                    if lines.len() == Task::LINES {
                        // There is more to read before anything can be said of the end.
                        continue;
                    }
                    if let TaskState::Ended(outcome) = state {
                        let exit = outcome.to_string();
                        let ok = outcome.is_success();
                        yield Frame::meta("ended", json!({ "exit": exit, "ok": ok, "reason": "the task ended" }));
                        break;
                    }
                }
                Err(error) => {
                    failed += 1;
                    yield Frame::meta("error", json!({ "message": error.to_string() }));
                    if failed >= TRIES {
                        yield Frame::ended(None, "the task cannot be read");
                        break;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }
}

fn line_number(line: &sdk_proxmox::LogLine) -> u64 {
    line.number
}
