//! What a run came to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::event::Event;
use super::phase::COUNTERS;
use crate::plan::Kind;

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

    /// The final frame.
    pub fn complete_frame(&self) -> Event {
        let mut result = json!(self.counts());
        result["created"] = json!(self.created);
        result["updated"] = json!(self.updated);
        result["deleted"] = json!(self.deleted);
        result["unchanged"] = json!(self.unchanged);
        result["failed"] = json!(self.failed.len());
        result["warnings"] = self.warnings.iter().take(LISTED).map(|text| json!(text)).collect();
        let error = |failure: &Failure| {
            json!({
                "detail": format!("{}: {}", failure.object, failure.message),
                "object": failure.object,
            })
        };
        let errors: Value = self.failed.iter().take(LISTED).map(error).collect();
        let data = json!({
            "ok": self.ok, "message": self.message, "result": result, "errors": errors,
        });
        // Clients read this one whole, so it is not cut.
        Event { event: "complete", data }
    }

    /// Adds the accounts up and says it in one sentence.
    pub(super) fn conclude(&mut self, accounts: BTreeMap<Kind, Account>) {
        let sum = |column: fn(&Account) -> usize| accounts.values().map(column).sum();
        self.created = sum(|account| account.created);
        self.updated = sum(|account| account.updated);
        self.deleted = sum(|account| account.deleted);
        self.unchanged = sum(|account| account.unchanged);
        self.accounts = accounts;
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
