//! Carries a plan out phase by phase, and tells what comes of each object.

use std::collections::BTreeSet;
use std::time::Instant;

use super::account::Accounts;
use super::event::Tally;
use super::phase::Phase;
use super::{Event, Failure, Outcome, Teller};
use crate::apply::{Applier, Done};
use crate::part::Part;
use crate::plan::{Action, Kind, Operation, Plan, Policy, Stage};

/// Warnings with a frame of their own; all of them are in the last frame.
const TOLD: usize = 20;

pub(super) async fn carry_out(
    mut applier: Applier<'_>,
    policy: &Policy,
    plan: &Plan,
    read_millis: u128,
    teller: &Teller,
    outcome: &mut Outcome,
) {
    let mut accounts = Accounts::new(plan);
    for phase in Phase::all() {
        let to_do: Vec<&Operation> =
            plan.operations.iter().filter(|one| Phase::of(one) == phase).collect();
        let accounts = &mut accounts;
        let run = PhaseRun { phase, policy, teller, accounts, outcome: &mut *outcome };
        run.run(&mut applier, plan, &to_do).await;
        if phase == Phase::Part(Part::Bootstrap) {
            teller.tell(bootstrap(plan, outcome));
            let message = format!("{} operations planned", plan.operations.len());
            teller.tell(Event::substep("full-update", "read_and_plan", &message, read_millis));
            for one in &plan.duplicate_names {
                teller.tell(Event::duplicate_name(one));
            }
            for text in outcome.warnings.iter().take(TOLD) {
                teller.tell(Event::warning("read_and_plan", text));
            }
        }
    }
    outcome.through = applier.broken().is_none();
    outcome.conclude(accounts);
}

/// One phase on its way.
struct PhaseRun<'r> {
    phase: Phase,
    policy: &'r Policy,
    teller: &'r Teller,
    accounts: &'r mut Accounts,
    outcome: &'r mut Outcome,
}

impl PhaseRun<'_> {
    async fn run(self, applier: &mut Applier<'_>, plan: &Plan, to_do: &[&Operation]) {
        let Self { phase, policy, teller, accounts, outcome } = self;
        let asked = matches!(phase, Phase::Part(part) if policy.parts.contains(&part));
        let quiet = phase == Phase::Part(Part::Bootstrap)
            || (to_do.is_empty() && !(asked && phase.is_stage()));
        let started = Instant::now();
        let own = |kind: Kind| phase == Phase::Part(kind.part()) && kind.state_of().is_none();
        let unchanged = plan.unchanged.keys().filter(|key| own(key.kind));
        let seen = if phase.is_stage() { unchanged.count() } else { 0 };
        let touched: BTreeSet<_> = to_do.iter().map(|one| &one.key).collect();
        let mut tally =
            Tally { seen: seen + touched.len(), to_do: to_do.len(), ..Tally::default() };
        if !quiet {
            teller.tell(Event::step_started(phase, "writing what differs"));
            teller.tell(Event::discovery(phase, tally.seen, to_do));
        }
        let mut progress = |one: &Operation, done: &Done| {
            accounts.record(one, done);
            tally.count(done);
            if let Done::Failed(why) = done {
                let object = format!("{} {}", one.key.kind, one.label);
                teller.tell(Event::error(phase.name(), &object, category(why), why));
                outcome.failed.push(Failure { object, message: why.clone() });
            }
            if let Done::Skipped(why) = done {
                outcome.warnings.push(format!("{} {} was skipped: {why}", one.key.kind, one.label));
            }
            if !quiet {
                teller.tell(Event::item(phase, one, done, &tally));
            }
        };
        for (stage, operations) in by_stage(to_do) {
            applier.run(stage, &operations, &mut progress).await;
        }
        if !quiet {
            teller.tell(Event::summary(phase, &tally));
            teller.tell(Event::step_ended(phase, &tally, started.elapsed().as_secs_f64()));
        }
    }
}

fn by_stage<'o>(operations: &[&'o Operation]) -> Vec<(Stage, Vec<&'o Operation>)> {
    let mut stages: Vec<(Stage, Vec<&Operation>)> = Vec::new();
    for one in operations {
        match stages.last_mut() {
            Some((stage, of_stage)) if *stage == one.stage => of_stage.push(one),
            _ => stages.push((one.stage, vec![one])),
        }
    }
    stages
}

fn bootstrap(plan: &Plan, outcome: &Outcome) -> Event {
    let is_base = |kind: Kind| kind.part() == Part::Bootstrap && kind.state_of().is_none();
    let name = |kind: Kind, path: &str| format!("{}:{path}", kind.noun().replace(' ', "_"));
    let failed = |one: &&Operation| {
        let object = format!("{} {}", one.key.kind, one.label);
        outcome.failed.iter().any(|failure| failure.object == object)
    };
    let written = |create: bool| -> Vec<String> {
        let base = plan.operations.iter().filter(|one| is_base(one.key.kind));
        let base = base.filter(|one| (one.action == Action::Create) == create);
        base.filter(|one| !failed(one)).map(|one| name(one.key.kind, &one.label)).collect()
    };
    let unchanged = plan.unchanged.keys().filter(|key| is_base(key.kind));
    let unchanged: Vec<String> = unchanged.map(|key| name(key.kind, &key.path)).collect();
    // Nothing but the bootstrap has run so far.
    let failures: Vec<String> = outcome.failed.iter().map(|one| one.object.clone()).collect();
    Event::bootstrap(&written(true), &written(false), &unchanged, &failures)
}

/// The contract's word for the kind of failure, by the status in the message.
fn category(why: &str) -> &'static str {
    let has = |text: &str| why.contains(text);
    if has(": 403") || has(": 401") {
        "permission"
    } else if has(": 400") || has(": 409") {
        "validation"
    } else if has(": 404") {
        "not_found"
    } else if has("time-out") {
        "timeout"
    } else if has("not sent") || has("connection") {
        "connection"
    } else {
        "internal"
    }
}
