//! Tasks: what a call leaves behind, and what it does when it ends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Cluster, Guest};
use crate::Product;

/// What a task does when it ends.
#[derive(Clone)]
pub(crate) struct Effect(Arc<dyn Fn(&mut Cluster) + Send + Sync>);

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Effect")
    }
}

/// A task of the mock.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) upid: String,
    pub(crate) node: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) pid: u32,
    pub(crate) started: u64,
    pub(crate) ended: Option<u64>,
    pub(crate) ends: Instant,
    pub(crate) exit: String,
    pub(crate) log: Vec<String>,
    pub(crate) effect: Option<Effect>,
    /// The guest that is not there if the task fails.
    pub(crate) makes: Option<u32>,
}

impl Task {
    /// The row of a list of tasks.
    pub(crate) fn row(&self) -> Value {
        let mut row = json!({
            "upid": self.upid,
            "node": self.node,
            "pid": self.pid,
            "pstart": self.pid,
            "starttime": self.started,
            "type": self.kind,
            "id": self.id,
            "user": self.user,
        });
        if let Some((user, token)) = self.user.split_once('!') {
            row["user"] = user.into();
            row["tokenid"] = token.into();
        }
        if let Some(ended) = self.ended {
            row["endtime"] = ended.into();
            row["status"] = self.exit.as_str().into();
        }
        row
    }

    /// What a filter by state calls it.
    pub(crate) fn sort(&self) -> &'static str {
        match self.exit.as_str() {
            _ if self.ended.is_none() => "unknown",
            "OK" => "ok",
            exit if exit.starts_with("WARNINGS") => "warning",
            _ => "error",
        }
    }

    /// The answer of `/nodes/{node}/tasks/{upid}/status`.
    pub(crate) fn status(&self) -> Value {
        let mut row = self.row();
        if let Value::Object(members) = &mut row {
            members.remove("endtime");
        }
        match self.ended {
            Some(_) => {
                row["status"] = "stopped".into();
                row["exitstatus"] = self.exit.as_str().into();
            }
            None => row["status"] = "running".into(),
        }
        row
    }
}

impl Cluster {
    /// Starts a task on `node` and answers its identifier.
    pub(crate) fn spawn(
        &mut self,
        node: &str,
        what: (&str, &str),
        user: &str,
        effect: impl Fn(&mut Self) + Send + Sync + 'static,
    ) -> String {
        let exit = self.next_exit.take().unwrap_or_else(|| "OK".to_owned());
        self.start(node, what, user, exit, Effect(Arc::new(effect)))
    }

    /// Starts a task that makes a guest. The guest is listed from the first moment on, as what it is:
    /// locked.
    pub(crate) fn spawn_guest(
        &mut self,
        node: &str,
        what: (&str, &str),
        user: &str,
        (lock, guest): (&str, Guest),
    ) -> String {
        let vmid = guest.vmid;
        let mut reserved = guest.clone();
        reserved.running = false;
        reserved.config.insert("lock".into(), lock.into());
        self.guests.insert(vmid, reserved);
        let upid = self.spawn(node, what, user, move |cluster| {
            cluster.guests.insert(vmid, guest.clone());
        });
        match self.tasks.iter_mut().find(|task| task.upid == upid) {
            Some(task) if task.ended.is_none() => task.makes = Some(vmid),
            Some(task) if task.exit != "OK" && !task.exit.starts_with("WARNINGS") => {
                self.guests.remove(&vmid);
                self.free_disks(vmid);
            }
            _ => {}
        }
        upid
    }

    /// Starts a task that fails: most checks are made within tasks.
    pub(crate) fn spawn_failing(
        &mut self,
        node: &str,
        what: (&str, &str),
        user: &str,
        error: impl Into<String>,
    ) -> String {
        self.start(node, what, user, error.into(), Effect(Arc::new(|_| {})))
    }

    fn start(
        &mut self,
        node: &str,
        what: (&str, &str),
        user: &str,
        exit: String,
        effect: Effect,
    ) -> String {
        let (kind, id) = what;
        self.clock += 1;
        let pid = 0xC000 + self.tasks.len() as u32;
        // The products in Rust count their tasks.
        let count = match self.product {
            Product::Pve => String::new(),
            Product::Pbs | Product::Pdm => format!("{:08X}:", self.tasks.len()),
        };
        let upid = format!(
            "UPID:{node}:{pid:08X}:{pid:08X}:{count}{:08X}:{kind}:{id}:{user}:",
            self.clock
        );
        let done = exit == "OK" || exit.starts_with("WARNINGS");
        self.tasks.push(Task {
            upid: upid.clone(),
            node: node.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            user: user.to_owned(),
            pid,
            started: self.clock,
            ended: None,
            ends: Instant::now().checked_add(self.task_time).unwrap_or_else(far),
            log: vec![format!("starting {kind} {id}")],
            effect: done.then_some(effect),
            makes: None,
            exit,
        });
        self.settle();
        upid
    }

    /// Starts a task that ends at a time of its own, because nobody came.
    pub(crate) fn spawn_until(
        &mut self,
        node: &str,
        what: (&str, &str),
        user: &str,
        end: Instant,
    ) -> String {
        let effect = Effect(Arc::new(|_| {}));
        let upid = self.start(node, what, user, "OK".to_owned(), effect);
        if let Some(task) = self.tasks.last_mut() {
            task.ended = None;
            task.log.truncate(1);
        }
        self.reschedule(&upid, Some(end), "connection timed out");
        upid
    }

    /// Lets a task end at another time, or never, and otherwise.
    /// False where it has ended.
    pub(crate) fn reschedule(&mut self, upid: &str, end: Option<Instant>, exit: &str) -> bool {
        let running = self.tasks.iter_mut().find(|task| task.upid == upid && task.ended.is_none());
        let Some(task) = running else { return false };
        task.ends = end.unwrap_or_else(far);
        task.exit = exit.to_owned();
        true
    }

    /// Ends the tasks whose time has come.
    pub(crate) fn settle(&mut self) {
        self.end_tasks(Instant::now());
    }

    fn end_tasks(&mut self, now: Instant) {
        for index in 0..self.tasks.len() {
            let task = &mut self.tasks[index];
            if task.ended.is_some() || task.ends > now {
                continue;
            }
            self.clock += 1;
            task.ended = Some(self.clock);
            task.log.push(match task.exit.as_str() {
                "OK" => "TASK OK".to_owned(),
                exit if exit.starts_with("WARNINGS") => format!("TASK {exit}"),
                exit => format!("TASK ERROR: {exit}"),
            });
            let makes = task.makes;
            match (task.effect.take(), makes) {
                (Some(effect), _) => (effect.0)(self),
                (None, Some(vmid)) => {
                    self.guests.remove(&vmid);
                    self.free_disks(vmid);
                }
                (None, None) => {}
            }
        }
    }

    /// How many tasks of a kind, `vncshell` for instance, are running.
    pub fn running_tasks(&mut self, kind: &str) -> usize {
        self.settle();
        self.tasks.iter().filter(|task| task.kind == kind && task.ended.is_none()).count()
    }

    /// Ends all running tasks now, whatever time they have left.
    pub fn finish_tasks(&mut self) {
        let last = self.tasks.iter().map(|task| task.ends).max();
        if let Some(last) = last {
            self.end_tasks(last);
        }
    }

    /// Changes a guest, if it is still there.
    pub(crate) fn change(&mut self, vmid: u32, change: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.guests.get_mut(&vmid) {
            change(guest);
        }
    }
}

/// The end of tasks that run longer than a clock can say.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(365 * 86_400)
}
