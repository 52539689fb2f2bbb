//! Carries a run out: does its work, records what it reports, keeps its lease, writes its end.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Ended, Ending, Job, Lease, RunLog, Shared};
use crate::store::{RunState, Store, StoredEvent};
use crate::sync::Event;

/// Events in one transaction at most.
const BATCH: usize = 256;

pub(super) async fn execute(
    shared: Arc<Shared>,
    log: Arc<RunLog>,
    job: Job,
    events: UnboundedReceiver<Event>,
) {
    let started = Instant::now();
    let (stop, runtime) = (CancellationToken::new(), Handle::current());
    let stopped = stop.clone();
    let mut work =
        spawn_blocking(move || runtime.block_on(stopped.run_until_cancelled_owned(job())));
    let ended = async {
        let ending = tokio::select! {
            // A panic ends the run and not the record of it.
            ending = &mut work => ending.ok().flatten().ok_or("it failed unexpectedly; the log says where"),
            () = shared.abort.cancelled() => Err("the server was stopped"),
            () = lease_lost(&shared.store, log.id(), shared.lease) => {
                Err("its lease expired and another run may be writing")
            }
        };
        stop.cancel();
        ending
    };
    // The record ends when nobody is left who could report.
    let (ending, ()) = tokio::join!(ended, record(&shared.store, &log, events));
    finish(&shared, &log, ending, started).await;
}

/// Writes the end down and frees the lease before anybody is told: whoever reads `complete` can
/// start the next run at once.
async fn finish(shared: &Shared, log: &RunLog, ending: Result<Ending, &str>, started: Instant) {
    let (state, frame) = match ending {
        Ok(Ending { ok: true, frame }) => (RunState::Completed, frame),
        Ok(Ending { ok: false, frame }) => (RunState::Failed, frame),
        Err(why) => (RunState::Interrupted, interrupted(log.id(), why)),
    };
    let ended =
        Ended { ok: state == RunState::Completed, frame: Arc::new(frame), took: started.elapsed() };
    let frame = ended.frame.to_string();
    let complete = vec![numbered(log, 1, "complete", frame.clone())];
    let written = async {
        shared.store.add_events(log.id(), &complete).await?;
        shared.store.finish_run(log.id(), state, &frame).await
    };
    if let Err(error) = written.await {
        tracing::error!(run = %log.id(), %error, "the end of a run was not written down");
    }
    tracing::info!(run = %log.id(), ?state, "run ended");
    // Nobody may be counting.
    let _ = shared.endings.send(ended);
    log.publish(complete);
    shared.leave(log.id());
    log.end();
}

/// Makes events durable, then shows them.
async fn record(store: &Store, log: &RunLog, mut events: UnboundedReceiver<Event>) {
    let mut batch = Vec::new();
    while events.recv_many(&mut batch, BATCH).await > 0 {
        let mut frames: Vec<StoredEvent> = Vec::with_capacity(batch.len());
        for Event { event, data } in batch.drain(..) {
            let ahead = frames.len() + 1;
            frames.push(numbered(log, ahead, event, data.to_string()));
            if event == "bootstrap_done" {
                frames.push(numbered(log, ahead + 1, "step", connected(log.id()).to_string()));
            }
        }
        // Writing to NetBox matters more than the record of it.
        if let Err(error) = store.add_events(log.id(), &frames).await {
            tracing::error!(run = %log.id(), %error, "events were not written down");
        }
        log.publish(frames);
    }
}

/// Ends when the lease is lost.
async fn lease_lost(store: &Store, run: Uuid, lease: Lease) {
    let mut ticks = tokio::time::interval(lease.renewed_every);
    loop {
        ticks.tick().await;
        match store.renew_lease(run, lease.lasts).await {
            Ok(true) => {}
            Ok(false) => return,
            // The database being busy is no reason to stop; the next tick tries again.
            Err(error) => tracing::warn!(%run, %error, "the lease was not renewed"),
        }
    }
}

fn numbered(log: &RunLog, ahead: usize, event: &str, data: String) -> StoredEvent {
    let seq = i64::try_from(log.length() + ahead).unwrap_or(i64::MAX);
    StoredEvent { seq, event: event.to_owned(), data }
}

/// The frame by which the plugin learns the run's number.
fn connected(run: Uuid) -> Value {
    let message = format!("Full update stream connected (operation_id={run})");
    json!({"step": "stream", "status": "started", "message": message})
}

fn interrupted(run: Uuid, why: &str) -> Value {
    let message = format!("Run {run} was interrupted: {why}.");
    let detail = format!("{message} Start it again; what is already in NetBox is found there.");
    json!({"ok": false, "message": message, "errors": [{"detail": detail}]})
}
