//! What a run came to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::account::{Account, Accounts, Object};
use super::event::Event;
use super::phase::COUNTERS;
use crate::part::Part;
use crate::plan::{Key, Kind};

/// Failures and warnings that the final frame lists.
const LISTED: usize = 200;

/// An object that is not as it should be after the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which one, for people: `virtual machine web01 (lab/100)`.
    pub object: String,
    /// Why, and what to do.
    pub message: String,
}

/// How much was asked of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Reading requests to NetBox.
    pub netbox_reads: u64,
    /// Writing requests to NetBox.
    pub netbox_writes: u64,
    /// Requests to Proxmox.
    pub proxmox: u64,
}

/// What a run came to. It never claims more than happened.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Whether everything that should be in step is.
    pub ok: bool,
    /// The whole in one sentence.
    pub message: String,
    /// Objects that were created.
    pub created: usize,
    /// Objects that were changed.
    pub updated: usize,
    /// Objects that were deleted.
    pub deleted: usize,
    /// Objects that were as they should be.
    pub unchanged: usize,
    /// Objects that failed, and endpoints that could not be read.
    pub failed: Vec<Failure>,
    /// What people should know although nothing failed.
    pub warnings: Vec<String>,
    /// Whether the run came to its end, whatever became of single objects.
    pub through: bool,
    /// Whether it was refused because its saved plan is not true any more.
    pub refused: bool,
    /// The parts that the run was for.
    pub parts: BTreeSet<Part>,
    /// Every object that the run looked at.
    pub objects: BTreeMap<Key, Object>,
    /// The account of each kind.
    pub accounts: BTreeMap<Kind, Account>,
    /// Requests of this run.
    pub requests: Requests,
    /// How long it took.
    pub seconds: f64,
}

impl Outcome {
    /// The twelve counters of the contract: objects that are in step.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let count = |kind: Kind| self.accounts.get(&kind).map_or(0, Account::in_step);
        COUNTERS.iter().map(|(name, kind)| (*name, count(*kind))).collect()
    }

    /// The final frame of a full update: the twelve counters, and `ok` only if nothing failed.
    pub fn complete_frame(&self) -> Event {
        self.frame(self.ok, &self.message, json!(self.counts()))
    }

    /// The final frame of a stage. It is `ok` when the stage came to its end: clients give up all
    /// later stages otherwise, and one refused object is no reason for that. `errors` names it.
    pub fn stage_frame(&self) -> Event {
        let counters = COUNTERS.iter().filter(|(_, kind)| self.parts.contains(&kind.part()));
        let kinds = counters.map(|(_, kind)| self.accounts.get(kind).map_or(0, Account::in_step));
        let names: Vec<&str> = self.parts.iter().map(|part| part.name()).collect();
        let message = match (self.through, self.failed.is_empty()) {
            (true, true) => format!("{} sync completed.", names.join(", ")),
            (true, false) => format!("{} sync completed with errors.", names.join(", ")),
            (false, _) => self.message.clone(),
        };
        self.frame(self.through, &message, json!({ "count": kinds.sum::<usize>() }))
    }

    fn frame(&self, ok: bool, message: &str, mut result: Value) -> Event {
        result["created"] = json!(self.created);
        result["updated"] = json!(self.updated);
        result["deleted"] = json!(self.deleted);
        result["unchanged"] = json!(self.unchanged);
        result["failed"] = json!(self.failed.len());
        result["warnings"] = self.warnings.iter().take(LISTED).map(|text| json!(text)).collect();
        if self.refused {
            result["refused"] = json!(true);
        }
        let error = |failure: &Failure| {
            json!({
                "detail": format!("{}: {}", failure.object, failure.message),
                "object": failure.object,
            })
        };
        let errors: Value = self.failed.iter().take(LISTED).map(error).collect();
        let data = json!({ "ok": ok, "message": message, "result": result, "errors": errors });
        // Clients read this one whole, so it is not cut.
        Event { event: "complete", data }
    }

    /// Adds the accounts up and says it in one sentence.
    pub(super) fn conclude(&mut self, accounts: Accounts) {
        let by_kind = accounts.by_kind();
        let sum = |column: fn(&Account) -> usize| by_kind.values().map(column).sum();
        self.created = sum(|account| account.created);
        self.updated = sum(|account| account.updated);
        self.deleted = sum(|account| account.deleted);
        self.unchanged = sum(|account| account.unchanged);
        self.accounts = by_kind;
        self.objects = accounts.into_objects();
        self.ok = self.failed.is_empty();
        self.message = format!(
            "{}: {} created, {} updated, {} deleted, {} unchanged, {} failed",
            if self.ok { "sync completed" } else { "sync completed with errors" },
            self.created,
            self.updated,
            self.deleted,
            self.unchanged,
            self.failed.len()
        );
    }
}
