//! How much one run may delete.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Key, Kind, Operation, Plan, Skipped};

/// So many objects of one kind in one cluster, or a tenth of them where that is more.
const OF_A_KIND: usize = 5;

/// So many objects in all.
const IN_ALL: usize = 50;

/// What is said of each object whose deletion is held back.
pub const HELD: &str = "is to be deleted; that is held back";

/// Deletions that were taken out of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// How many objects would have been deleted.
    pub deletions: usize,
    /// Which limit is in the way, and what to do.
    pub why: String,
}

/// Takes all deletions out of a plan that has more of them than a run may do, unless exactly this
/// number is `allowed`. The plugin's rows are no loss, since they show what Proxmox has now; those of a
/// machine that is to go count like its other parts.
pub(super) fn hold_back(plan: &mut Plan, allowed: Option<usize>) {
    let is_delete = |one: &Operation| matches!(one.action, Action::Delete(_));
    let machines: BTreeSet<String> = plan
        .operations
        .iter()
        .filter(|one| is_delete(one) && one.key.kind == Kind::VirtualMachine)
        .map(|one| one.key.path.clone())
        .collect();
    let is_one = |one: &Operation| {
        let counts = !one.key.kind.is_of_plugin() || machines.contains(one.key.parent());
        is_delete(one) && counts
    };
    let mut deleted: BTreeMap<(&str, Kind), usize> = BTreeMap::new();
    for one in plan.operations.iter().filter(|one| is_one(one)) {
        *deleted.entry(place(&one.key)).or_default() += 1;
    }
    let deletions: usize = deleted.values().sum();
    let Some(limit) = exceeded(plan, &deleted, deletions) else { return };
    if allowed == Some(deletions) {
        return;
    }
    let why = format!(
        "{deletions} deletions are held back: {limit}. Look at the plan; if it is right, allow \
         exactly this number with `--allow-deletes {deletions}`"
    );
    plan.held_back = Some(HeldBack { deletions, why });
    let held = |one: &mut Operation| is_one(one);
    for one in plan.operations.extract_if(.., held) {
        plan.skipped.push(Skipped { key: one.key, why: HELD.into() });
    }
}

/// The limit that a plan exceeds.
fn exceeded(plan: &Plan, deleted: &BTreeMap<(&str, Kind), usize>, all: usize) -> Option<String> {
    for ((cluster, kind), count) in deleted {
        let keys = plan.operations.iter().map(|one| &one.key);
        let keys = keys.chain(plan.unchanged.keys()).chain(plan.orphaned.keys());
        let known: BTreeSet<&Key> = keys.filter(|key| place(key) == (*cluster, *kind)).collect();
        let most = OF_A_KIND.max(known.len() / 10);
        if *count > most {
            return Some(format!(
                "of {} {kind} objects in {cluster} one run may delete {most}, and this would be {count}",
                known.len()
            ));
        }
    }
    (all > IN_ALL).then(|| format!("one run may delete {IN_ALL} objects"))
}

/// The cluster that an object belongs to, and its kind.
fn place(key: &Key) -> (&str, Kind) {
    (key.path.split('/').next().unwrap_or_default(), key.kind)
}
