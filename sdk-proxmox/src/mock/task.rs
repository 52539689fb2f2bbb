//! Tasks: what a call leaves behind, and what it does when it ends.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Cluster, Guest, Snapshot};
use crate::Product;

/// What a task does when it ends.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Create(Box<Guest>),
    Destroy(u32),
    Power { vmid: u32, running: bool },
    Move { vmid: u32, node: String },
    TakeSnapshot { vmid: u32, name: String, description: String },
    DropSnapshot { vmid: u32, name: String },
    Rollback { vmid: u32, name: String },
    AddVolume(Map<String, Value>),
    RemoveVolume(String),
    Nothing,
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
        if let Some(ended) = self.ended {
            row["endtime"] = ended.into();
            row["status"] = self.exit.as_str().into();
        }
        row
    }

    /// The answer of `/nodes/{node}/tasks/{upid}/status`.
    pub(crate) fn status(&self) -> Value {
        let mut row = self.row();
        if let Value::Object(members) = &mut row {
            members.remove("endtime");
        }
        if let Some((user, token)) = self.user.split_once('!') {
            row["user"] = user.into();
            row["tokenid"] = token.into();
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
        let exit = self.next_exit.take().unwrap_or_else(|| "OK".to_owned());
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
        let upid = self.spawn(node, what, user, Effect::Nothing);
        if let Some(task) = self.tasks.last_mut() {
            task.ended = None;
            task.log.truncate(1);
        }
        self.reschedule(&upid, Some(end), "connection timed out");
        upid
    }

    /// Lets a task end at another time, or never, and otherwise.
    pub(crate) fn reschedule(&mut self, upid: &str, end: Option<Instant>, exit: &str) {
        if let Some(task) = self.tasks.iter_mut().find(|task| task.upid == upid) {
            task.ends = end.unwrap_or_else(far);
            task.exit = exit.to_owned();
        }
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
            if let Some(effect) = task.effect.take() {
                self.apply(effect);
            }
        }
    }

    /// Ends all running tasks now, whatever time they have left.
    pub fn finish_tasks(&mut self) {
        let last = self.tasks.iter().map(|task| task.ends).max();
        if let Some(last) = last {
            self.end_tasks(last);
        }
    }

    fn apply(&mut self, effect: Effect) {
        let now = self.clock;
        match effect {
            Effect::Create(guest) => {
                self.guests.insert(guest.vmid, *guest);
            }
            Effect::Destroy(vmid) => {
                self.guests.remove(&vmid);
            }
            Effect::Power { vmid, running } => {
                self.change(vmid, |guest| guest.running = running);
            }
            Effect::Move { vmid, node } => self.change(vmid, |guest| guest.node = node),
            Effect::TakeSnapshot { vmid, name, description } => self.change(vmid, |guest| {
                let parent = guest.snapshots.last().map(|last| last.name.clone());
                let config = guest.config.clone();
                guest.snapshots.push(Snapshot { name, description, time: now, parent, config });
            }),
            Effect::DropSnapshot { vmid, name } => {
                self.change(vmid, |guest| guest.snapshots.retain(|snapshot| snapshot.name != name));
            }
            Effect::Rollback { vmid, name } => self.change(vmid, |guest| {
                let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
                if let Some(config) = found.map(|snapshot| snapshot.config.clone()) {
                    guest.config = config;
                    guest.running = false;
                }
            }),
            Effect::RemoveVolume(volid) => {
                self.volumes
                    .retain(|volume| volume.get("volid").is_none_or(|known| *known != volid));
            }
            Effect::AddVolume(volume) => {
                self.volumes.retain(|known| {
                    known.get("volid") != volume.get("volid")
                        || known.get("node") != volume.get("node")
                });
                self.volumes.push(volume);
            }
            Effect::Nothing => {}
        }
    }

    fn change(&mut self, vmid: u32, change: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.guests.get_mut(&vmid) {
            change(guest);
        }
    }
}

/// The end of tasks that run longer than a clock can say.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(365 * 86_400)
}
