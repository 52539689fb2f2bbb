//! Tasks: calls that go on after their answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use proxbox_runtime::{Op, Request, Value};
use tokio::time::Instant;

use crate::{CallName, Client, Error, Upid};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

static STATUS: Op = op("/nodes/{node}/tasks/{upid}/status");
static LOG: Op = op("/nodes/{node}/tasks/{upid}/log");

/// Of a Datacenter Manager, where the task runs on one of its remotes.
static PVE_STATUS: Op = op("/pve/remotes/{remote}/tasks/{upid}/status");
static PVE_LOG: Op = op("/pve/remotes/{remote}/tasks/{upid}/log");
static PBS_STATUS: Op = op("/pbs/remotes/{remote}/tasks/{upid}/status");
static PBS_LOG: Op = op("/pbs/remotes/{remote}/tasks/{upid}/log");

const fn op(path: &'static str) -> Op {
    Op { path, ..Op::PLAIN }
}

/// A task on a node.
#[derive(Debug, Clone)]
pub struct Task {
    client: Client,
    upid: Upid,
}

/// What a task is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It goes on.
    Running,
    /// It has ended.
    Ended(Outcome),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Without a complaint.
    Ok,
    /// With this number of warnings; its log has them.
    Warnings(u32),
    /// With an error.
    Failed(String),
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Number of the line, from 1.
    pub number: u64,
    /// Text of the line.
    pub text: String,
}

impl Outcome {
    /// Reads an exit status: `OK`, `WARNINGS: 2`, or the error.
    pub fn read(exit_status: &str) -> Self {
        match exit_status.trim() {
            "OK" => Self::Ok,
            text => match text.strip_prefix("WARNINGS:").map(|count| count.trim().parse()) {
                Some(count) => Self::Warnings(count.unwrap_or(1)),
                None => Self::Failed(text.to_owned()),
            },
        }
    }

    /// Whether the task did what it was for, warnings or not.
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Warnings(count) => write!(f, "WARNINGS: {count}"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

impl Task {
    /// Lines that [`Task::log`] gives at most; fewer mean that there are no more now.
    pub const LINES: usize = 500;

    pub(crate) fn new(client: Client, upid: Upid) -> Self {
        Self { client, upid }
    }

    /// The task's identifier.
    pub fn upid(&self) -> &Upid {
        &self.upid
    }

    /// What the task is doing now.
    pub async fn state(&self) -> Result<TaskState, Error> {
        let status = self.get(&STATUS, &[]).await?;
        let member = |name| status.get(name).and_then(Value::as_str);
        Ok(match (member("status"), member("exitstatus")) {
            (Some("running"), _) => TaskState::Running,
            (_, Some(exit)) => TaskState::Ended(Outcome::read(exit)),
            (_, None) => TaskState::Ended(Outcome::Failed("ended without a status".into())),
        })
    }

    /// Waits for the end, for at most `limit`, after which the call fails with [`Error::Timeout`];
    /// the task itself goes on.
    ///
    /// Polls every half second at first, every five seconds later: nodes do not report by
    /// themselves.
    pub async fn wait(&self, limit: Duration) -> Result<Outcome, Error> {
        self.follow(limit, |_| {}, false).await
    }

    /// Waits like [`Task::wait`] and hands out the lines of the log as they come.
    pub async fn wait_with_log(
        &self,
        limit: Duration,
        line: impl FnMut(LogLine) + Send,
    ) -> Result<Outcome, Error> {
        self.follow(limit, line, true).await
    }

    /// Lines of the log from number `after + 1` on, at most 500.
    pub async fn log(&self, after: u64) -> Result<Vec<LogLine>, Error> {
        let query = [("start", after.to_string()), ("limit", Self::LINES.to_string())];
        let lines = self.get(&LOG, &query).await?;
        let line = |line: &Value| {
            let number = line.get("n")?;
            let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
            let text = line.get("t").and_then(Value::as_str).unwrap_or_default().to_owned();
            Some(LogLine { number, text })
        };
        let lines = lines.as_array().into_iter().flatten().filter_map(line);
        // An empty log is sent as the one line `no content`.
        Ok(lines.filter(|line| line.number > after && !is_placeholder(line)).collect())
    }

    async fn follow(
        &self,
        limit: Duration,
        mut line: impl FnMut(LogLine) + Send,
        with_log: bool,
    ) -> Result<Outcome, Error> {
        // A limit that no clock can hold is none.
        let left = Instant::now().checked_add(limit);
        let in_time = |pause| left.is_none_or(|end| Instant::now() + pause < end);
        let mut pause = FIRST_PAUSE;
        let mut seen = 0;
        loop {
            // The state first: lines written before the end are then all read after it.
            let state = match self.state().await {
                Err(error) if error.is_retryable() && in_time(pause) => {
                    tracing::debug!(upid = %self.upid, %error, "state of the task is asked again");
                    TaskState::Running
                }
                state => state?,
            };
            if with_log {
                seen = self.hand_out(seen, &mut line).await?;
            }
            if let TaskState::Ended(outcome) = state {
                return Ok(outcome);
            }
            if !in_time(pause) {
                return Err(self.out_of_time(limit));
            }
            tokio::time::sleep(pause).await;
            pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
        }
    }

    /// Hands out all lines after number `seen`; yields the number of the last one.
    async fn hand_out(
        &self,
        mut seen: u64,
        line: &mut (impl FnMut(LogLine) + Send),
    ) -> Result<u64, Error> {
        loop {
            let lines = self.log(seen).await?;
            let full = lines.len() == Self::LINES;
            for each in lines {
                seen = seen.max(each.number);
                line(each);
            }
            if !full {
                return Ok(seen);
            }
        }
    }

    fn out_of_time(&self, limit: Duration) -> Error {
        let request = Request::new(&STATUS, &[&self.upid.node, self.upid.as_str()]);
        let source = format!("the task still runs after {} seconds", limit.as_secs()).into();
        let host = Arc::from(self.upid.node.as_str());
        Error::Timeout { call: CallName::from(&request), host, source }
    }

    /// The request for status or log, where the task runs.
    fn request(&self, op: &'static Op) -> Request {
        let Some(remote) = &self.upid.remote else {
            return Request::new(op, &[&self.upid.node, self.upid.as_str()]);
        };
        // Backup Servers count their tasks.
        let of_pbs = self.upid.task_id.is_some();
        let op = match (std::ptr::eq(op, &STATUS), of_pbs) {
            (true, false) => &PVE_STATUS,
            (true, true) => &PBS_STATUS,
            (false, false) => &PVE_LOG,
            (false, true) => &PBS_LOG,
        };
        Request::new(op, &[remote, self.upid.as_str()])
    }

    async fn get(&self, op: &'static Op, query: &[(&str, String)]) -> Result<Value, Error> {
        let mut request = self.request(op);
        request.query = query.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let call = CallName::from(&request);
        let reply = self.client.answer(request).await?;
        Ok(self.client.decode::<Value>(call, &reply)?.value)
    }
}

fn is_placeholder(line: &LogLine) -> bool {
    line.number == 1 && line.text == "no content"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_status_is_success_warning_or_failure() {
        let cases = [
            ("OK", Outcome::Ok),
            ("WARNINGS: 2", Outcome::Warnings(2)),
            ("WARNINGS: many", Outcome::Warnings(1)),
            ("unable to create CT 100", Outcome::Failed("unable to create CT 100".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(Outcome::read(text), expected);
        }
        assert!(Outcome::Warnings(1).is_success());
    }
}
