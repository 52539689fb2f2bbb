//! Carries out a plan: stage after stage, in bulk, and goes on where one object fails.

mod batches;
mod body;
mod calls;
mod load;
mod settle;
mod uncertain;
mod verify;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use sdk_netbox::{Client, Error};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::plan::{Action, Base, Key, Kind, Operation, Stage, Value as Field};
use crate::store::{Ledger, Settlement};
use batches::{as_batch, batches, guest, judge};
use body::{Absent, Known, body};
use calls::send;
use load::Load;
use verify::Verified;

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The object exists now, under this id.
    Created(i64),
    /// It was changed.
    Updated,
    /// It is gone.
    Deleted,
    /// NetBox refused it, or could not be reached.
    Failed(String),
    /// It was not tried, because something that it needs is not there.
    Skipped(String),
}

/// Told after each object.
pub type Progress<'p> = dyn FnMut(&Operation, &Done) + Send + 'p;

/// Carries out the stages of one plan, in order.
pub struct Applier<'n> {
    netbox: &'n Client,
    ledger: &'n Ledger,
    base: Base,
    batch: usize,
    known: Known,
    /// What is to be written down.
    settled: Vec<Settlement>,
    /// Fields that this run has written.
    wrote: BTreeMap<(Kind, i64), BTreeSet<&'static str>>,
    load: Load,
    lost_claim: CancellationToken,
    /// Why objects that others need are not there.
    lost: BTreeMap<Key, String>,
    /// Why nothing more is sent.
    broken: Option<String>,
    /// Whether an address that was to move may still hang on an interface that is to be deleted.
    addresses_failed: bool,
    /// Guests of which a part was to be deleted and was not, by their path.
    stuck: BTreeSet<String>,
}

/// An operation that is ready to be sent.
struct Ready<'o> {
    operation: &'o Operation,
    /// Its body; empty for a deletion.
    body: Map<String, Value>,
    /// The object's id; none before it is created.
    id: Option<i64>,
}

/// Why one was not carried out.
enum Trouble {
    /// NetBox refused it, or could not be reached.
    Netbox(Error),
    /// It was not sent, because it could not be written down first.
    Record(String),
}

/// What came of one that was sent.
enum Sent {
    Done(Done),
    /// Somebody changed the object at the same moment.
    Changed,
    /// It may or may not have happened.
    Uncertain(Error),
}

/// A request on its way, with its operations.
type Flight<'n, 'o> = (Vec<Ready<'o>>, BoxFuture<'n, Vec<Result<i64, Trouble>>>);

/// How often an object is looked at again that somebody else changes.
const TRIES: usize = 3;

/// Objects in one conditional request at most: their versions are in its head.
const CONDITIONAL: usize = 100;

impl<'n> Applier<'n> {
    /// Writes `batch` objects in one request. `base` is what was last written into each object.
    pub fn new(netbox: &'n Client, ledger: &'n Ledger, base: Base, batch: usize) -> Self {
        Self {
            netbox,
            ledger,
            base,
            batch: batch.max(1),
            settled: Vec::new(),
            known: Known::default(),
            wrote: BTreeMap::new(),
            load: Load::default(),
            lost_claim: CancellationToken::new(),
            lost: BTreeMap::new(),
            broken: None,
            addresses_failed: false,
            stuck: BTreeSet::new(),
        }
    }

    /// Sends nothing more once `lost` is cancelled: another server writes.
    #[must_use]
    pub fn until(mut self, lost: CancellationToken) -> Self {
        self.lost_claim = lost;
        self
    }

    /// Why nothing more is sent, when that is so.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Carries out all operations of one stage.
    ///
    /// An object that fails costs only those that need it. A write whose outcome is uncertain is
    /// looked up, and sent again only when it did not happen.
    pub async fn run(
        &mut self,
        stage: Stage,
        operations: &[&Operation],
        progress: &mut Progress<'_>,
    ) {
        let (updates, others): (Vec<&Operation>, Vec<&Operation>) =
            operations.iter().partition(|one| matches!(one.action, Action::Update(_)));
        for group in [updates, others] {
            let uncertain = self.write(stage, group, progress).await;
            if !uncertain.is_empty() {
                self.look_again(stage, uncertain, progress).await;
            }
        }
        self.write_down().await;
    }

    /// Writes down what came of operations; when that fails, nothing more is sent.
    async fn write_down(&mut self) {
        let settled = std::mem::take(&mut self.settled);
        if settled.is_empty() {
            return;
        }
        if let Err(error) = self.ledger.settle(&settled).await {
            self.broken
                .get_or_insert(format!("not sent, since the state cannot be written: {error}"));
        }
    }

    fn prepare<'o>(&self, operation: &'o Operation) -> Result<Ready<'o>, Done> {
        if let Some(why) = &self.broken {
            return Err(Done::Failed(why.clone()));
        }
        let needs = |Absent(key): Absent| {
            let why = self.lost.get(&key).map_or("it is not there", String::as_str);
            Done::Skipped(format!("it needs {key}: {why}"))
        };
        let kind = operation.stage.kind();
        let id = match &operation.action {
            Action::Create => None,
            Action::Update(target) => Some(self.known.id(target).map_err(needs)?),
            Action::Delete(id) => Some(*id),
        };
        if let Stage::Remove(Kind::VmInterface | Kind::VirtualMachine) = operation.stage {
            let why = match guest(&operation.key) {
                _ if self.addresses_failed => "an address could not be written",
                guest if self.stuck.contains(guest) => "a part of it could not be deleted",
                _ => "",
            };
            if !why.is_empty() {
                let why = format!("{why}, and NetBox would delete it with this");
                return Err(Done::Skipped(why));
            }
        }
        let mut body = body(kind, &operation.after, &self.known).map_err(needs)?;
        if let Some(id) = id {
            body.insert("id".into(), id.into());
        }
        Ok(Ready { operation, body, id })
    }

    /// Sends everything in batches; what came out uncertain is given back. What somebody changes at
    /// the same moment is looked at again.
    async fn write<'o>(
        &mut self,
        stage: Stage,
        operations: Vec<&'o Operation>,
        progress: &mut Progress<'_>,
    ) -> Vec<(Ready<'o>, Error)> {
        let (mut left, mut uncertain) = (operations, Vec::new());
        for _ in 0..TRIES {
            left = self.write_once(stage, left, &mut uncertain, progress).await;
            if left.is_empty() {
                return uncertain;
            }
        }
        for one in left {
            let why = "somebody else changes it all the time; the next run looks";
            self.settle(one, Done::Skipped(why.into()), progress);
        }
        uncertain
    }

    /// The same, once; what has changed at the same moment is given back.
    async fn write_once<'o>(
        &mut self,
        stage: Stage,
        mut operations: Vec<&'o Operation>,
        uncertain: &mut Vec<(Ready<'o>, Error)>,
        progress: &mut Progress<'_>,
    ) -> Vec<&'o Operation> {
        // NetBox counts machines per type in the type's row. Two requests that write the same rows in
        // opposite order block each other for good, and the database ends one of them.
        let kind = |one: &&Operation| match one.after.get("virtual_machine_type") {
            Some(Field::Ref(kind)) => Some(kind.clone()),
            _ => None,
        };
        operations.sort_by_cached_key(kind);
        let is_change = |one: &&Operation| matches!(one.action, Action::Update(_));
        let most = if operations.iter().any(is_change) { CONDITIONAL } else { usize::MAX };
        let mut waiting = batches(operations, self.batch.min(most)).into_iter();
        let mut flying = FuturesOrdered::new();
        let (mut sent, mut changed) = (VecDeque::new(), Vec::new());
        loop {
            while flying.len() < self.load.lanes(stage) {
                let Some(batch) = waiting.next() else { break };
                if self.lost_claim.is_cancelled() {
                    let why = "not sent, since another server has begun to write to this NetBox";
                    self.broken.get_or_insert(why.into());
                }
                match self.broken.clone() {
                    Some(why) => self.give_up(&batch, &why, progress),
                    None => {
                        if let Some((batch, flight)) = self.launch(stage, batch, progress).await {
                            sent.push_back(batch);
                            flying.push_back(flight);
                        }
                    }
                }
            }
            let Some(answers) = flying.next().await else { break };
            let batch = sent.pop_front().unwrap_or_default();
            self.weigh(&answers);
            for (one, answer) in batch.into_iter().zip(answers) {
                if let Err(trouble) = &answer {
                    self.watch(trouble);
                }
                match judge(&one, answer) {
                    Sent::Done(done) => self.settle(one.operation, done, progress),
                    Sent::Uncertain(error) => uncertain.push((one, error)),
                    Sent::Changed => changed.push(one.operation),
                }
            }
            self.write_down().await;
        }
        changed
    }

    /// First looked at, then written down, then sent: after a crash it is known what may have
    /// happened. Nothing of the ledger is part of what is sent at the same time: it would wait there
    /// for a turn that nobody gives it.
    async fn launch<'o>(
        &mut self,
        stage: Stage,
        operations: Vec<&'o Operation>,
        progress: &mut Progress<'_>,
    ) -> Option<Flight<'n, 'o>> {
        let mut batch = Vec::with_capacity(operations.len());
        for operation in operations {
            match self.prepare(operation) {
                Ok(one) => batch.push(one),
                Err(done) => self.settle(operation, done, progress),
            }
        }
        let is_change = batch.iter().all(|one| matches!(one.operation.action, Action::Update(_)));
        let verified = match is_change {
            true => self.verify(stage, batch, progress).await,
            false => Ok(Verified { batch, versions: Vec::new() }),
        };
        let Verified { batch, versions } = match verified {
            Ok(verified) => verified,
            Err((batch, error)) => {
                let why = format!("not sent, since it could not be looked at before: {error}");
                self.watch(&Trouble::Netbox(error));
                for one in batch {
                    self.settle(one.operation, Done::Failed(why.clone()), progress);
                }
                return None;
            }
        };
        if batch.is_empty() {
            return None;
        }
        let (numbers, request) = as_batch(stage, &batch);
        if let Err(error) = self.ledger.sent(&numbers).await {
            let answers = numbers.iter().map(|_| Err(Trouble::Record(error.to_string()))).collect();
            return Some((batch, ready(answers).boxed()));
        }
        let netbox = self.netbox;
        let flight = async move {
            let answers = send(netbox, stage.kind(), request, versions).await.into_iter();
            answers.map(|answer| answer.map_err(Trouble::Netbox)).collect()
        };
        Some((batch, flight.boxed()))
    }

    /// Learns from the answers to one request how much NetBox bears.
    fn weigh(&mut self, answers: &[Result<i64, Trouble>]) {
        let is_weak = |answer: &Result<i64, Trouble>| match answer {
            Err(Trouble::Netbox(error)) => error.is_retryable() || error.is_ambiguous(),
            _ => false,
        };
        match answers.iter().any(is_weak) {
            true => self.load.badly(),
            false => self.load.well(),
        }
        if self.load.is_too_much() {
            let why = "not sent, since NetBox has failed again and again; the next run goes on";
            self.broken.get_or_insert(why.into());
        }
    }

    fn give_up(&mut self, batch: &[&Operation], why: &str, progress: &mut Progress<'_>) {
        for one in batch {
            self.settle(one, Done::Failed(why.to_owned()), progress);
        }
    }

    /// Stops sending, when NetBox is not there any more.
    fn watch(&mut self, trouble: &Trouble) {
        let why = match trouble {
            Trouble::Netbox(error) if error.is_not_sent() && error.is_retryable() => {
                format!("not sent, since NetBox cannot be reached: {error}")
            }
            Trouble::Netbox(_) => return,
            Trouble::Record(error) => format!("not sent, since it cannot be written down: {error}"),
        };
        self.broken.get_or_insert(why);
    }
}
