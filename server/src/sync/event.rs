//! The frames of a run, as `reference` clients read them: small enough to survive their logs.

use serde_json::{Value, json};

use super::phase::Phase;
use crate::apply::Done;
use crate::plan::{DuplicateName, Kind, Operation};

/// The NetBox plugin cuts a frame in its log at 600 characters, after which it no longer parses.
const LONGEST: usize = 560;

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The frame's name: `step`, `item_progress`, …
    pub event: &'static str,
    /// Its content, an object.
    pub data: Value,
}

impl Event {
    /// A frame whose lists and texts are cut until it is small enough.
    pub(super) fn new(event: &'static str, mut data: Value) -> Self {
        while data.to_string().len() > LONGEST && shrink(&mut data) {}
        Self { event, data }
    }

    /// `bootstrap_done`: what the run stands on.
    pub(super) fn bootstrap(
        created: &[String],
        patched: &[String],
        unchanged: &[String],
        failed: &[String],
    ) -> Self {
        let reason = (!failed.is_empty()).then_some("some objects could not be written");
        let data = json!({
            "ok": failed.is_empty(), "skipped": false, "reason": reason, "warnings": failed,
            "created": created, "patched": patched, "unchanged": unchanged,
        });
        Self::new("bootstrap_done", data)
    }

    /// `bootstrap_done` of a run that could not begin.
    pub(super) fn bootstrap_failed(reason: &str) -> Self {
        let data = json!({
            "ok": false, "skipped": true, "reason": reason, "warnings": [],
            "created": [], "patched": [], "unchanged": [],
        });
        Self::new("bootstrap_done", data)
    }

    pub(super) fn step_started(phase: Phase, message: &str) -> Self {
        let data = json!({ "step": phase.name(), "status": "started", "message": message });
        Self::new("step", data)
    }

    pub(super) fn step_ended(phase: Phase, tally: &Tally, seconds: f64) -> Self {
        let status = if tally.failed == 0 { "completed" } else { "failed" };
        let data = json!({
            "step": phase.name(), "status": status, "message": tally.sentence(phase),
            "result": { "count": tally.seen }, "duration_seconds": rounded(seconds),
        });
        Self::new("step", data)
    }

    pub(super) fn discovery(phase: Phase, count: usize, to_do: &[&Operation]) -> Self {
        let item = |one: &&Operation| json!({ "name": one.label, "item_type": item_type(one) });
        let items: Vec<Value> = to_do.iter().take(5).map(item).collect();
        let data = json!({
            "event": "discovery", "phase": phase.name(), "status": "discovered",
            "message": format!("{count} objects, {} to write", to_do.len()),
            "count": count, "items": items,
            "progress": progress(0, to_do.len()), "metadata": {},
        });
        Self::new("discovery", data)
    }

    pub(super) fn item(phase: Phase, one: &Operation, done: &Done, tally: &Tally) -> Self {
        let (operation, status) = match done {
            Done::Created(_) => ("created", "completed"),
            Done::Updated => ("updated", "completed"),
            Done::Deleted => ("deleted", "completed"),
            Done::Skipped(_) => ("skipped", "completed"),
            Done::Failed(_) => ("failed", "failed"),
        };
        let id = match done {
            Done::Created(id) => Some(*id),
            _ => None,
        };
        let mut data = json!({
            "event": "item_progress", "phase": phase.name(), "status": status,
            "message": format!("{operation} {} {}", one.key.kind, one.label),
            "item": { "name": one.label, "netbox_id": id, "item_type": item_type(one) },
            "operation": operation, "progress": progress(tally.done(), tally.to_do),
        });
        match done {
            Done::Failed(why) => data["error"] = json!(why),
            Done::Skipped(why) => data["warning"] = json!(why),
            _ => {}
        }
        Self::new("item_progress", data)
    }

    pub(super) fn summary(phase: Phase, tally: &Tally) -> Self {
        let status = if tally.failed == 0 { "completed" } else { "completed_with_errors" };
        let data = json!({
            "event": "phase_summary", "phase": phase.name(), "status": status,
            "message": tally.sentence(phase),
            "result": {
                "created": tally.created, "updated": tally.updated, "deleted": tally.deleted,
                "failed": tally.failed, "skipped": tally.skipped, "total": tally.seen,
            },
        });
        Self::new("phase_summary", data)
    }

    pub(super) fn error(phase: &str, object: &str, category: &str, message: &str) -> Self {
        let data = json!({
            "event": "error_detail", "phase": phase, "item": { "name": object },
            "category": category, "message": message, "suggestion": suggestion(category),
        });
        Self::new("error_detail", data)
    }

    /// Something that people should know although nothing failed.
    pub(super) fn warning(step: &str, message: &str) -> Self {
        let data = json!({ "step": step, "status": "warning", "message": message });
        Self::new("step", data)
    }

    pub(super) fn duplicate_name(one: &DuplicateName) -> Self {
        let data = json!({
            "event": "duplicate_name_resolved", "cluster": one.cluster,
            "original_name": one.original, "resolved_name": one.resolved, "vmid": one.vmid,
            "suffix_index": one.index, "operator_renamed": false,
        });
        Self::new("duplicate_name_resolved", data)
    }

    /// `substep`: a part of the preparation, named in words.
    pub(super) fn substep(phase: &str, substep: &str, message: &str, millis: u128) -> Self {
        let data = json!({
            "event": "substep", "phase": phase, "substep": substep, "status": "completed",
            "message": message, "timing": { "elapsed_ms": u64::try_from(millis).unwrap_or(0) },
        });
        Self::new("substep", data)
    }
}

/// What came of a phase so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    pub(super) seen: usize,
    pub(super) to_do: usize,
    pub(super) created: usize,
    pub(super) updated: usize,
    pub(super) deleted: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl Tally {
    pub(super) fn count(&mut self, done: &Done) {
        let column = match done {
            Done::Created(_) => &mut self.created,
            Done::Updated => &mut self.updated,
            Done::Deleted => &mut self.deleted,
            Done::Failed(_) => &mut self.failed,
            Done::Skipped(_) => &mut self.skipped,
        };
        *column += 1;
    }

    fn done(&self) -> usize {
        self.created + self.updated + self.deleted + self.failed + self.skipped
    }

    fn sentence(&self, phase: Phase) -> String {
        format!(
            "{}: {} created, {} updated, {} deleted, {} failed, {} skipped",
            phase.name(),
            self.created,
            self.updated,
            self.deleted,
            self.failed,
            self.skipped
        )
    }
}

/// The words that the contract has for kinds.
fn item_type(one: &Operation) -> &'static str {
    match one.key.kind {
        Kind::Device => "node",
        Kind::VirtualMachine => "virtual_machine",
        Kind::VirtualDisk => "virtual_disk",
        Kind::Interface => "node_interface",
        Kind::VmInterface => "vm_interface",
        Kind::IpAddress => "vm_ip",
        kind => kind.noun(),
    }
}

fn progress(current: usize, total: usize) -> Value {
    let percent = if total == 0 { 100.0 } else { 100.0 * current as f64 / total as f64 };
    json!({ "current": current, "total": total, "percent": rounded(percent) })
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn suggestion(category: &str) -> &'static str {
    match category {
        "connection" => "check address, port and firewalls",
        "authentication" => "check the token of the endpoint",
        "permission" => "grant the token the missing rights",
        "validation" => "correct the object named here; the next run tries again",
        _ => "see the server's log; the next run tries again",
    }
}

/// Halves the longest list, else the longest text; false when nothing is left to cut.
fn shrink(data: &mut Value) -> bool {
    let lists = |value: &Value| value.as_array().map(Vec::len).filter(|len| *len > 1);
    let texts = |value: &Value| value.as_str().map(str::len).filter(|len| *len > 60);
    if let Some(Value::Array(items)) = largest(data, &lists) {
        let half = items.len() / 2;
        items.truncate(half);
        return true;
    }
    if let Some(Value::String(text)) = largest(data, &texts) {
        let kept: String = text.chars().take(text.chars().count() * 2 / 3).collect();
        *text = format!("{}…", kept.trim_end_matches('…'));
        return true;
    }
    false
}

fn largest<'v>(
    data: &'v mut Value,
    size: &impl Fn(&Value) -> Option<usize>,
) -> Option<&'v mut Value> {
    let mut best: Option<(usize, &'v mut Value)> = None;
    let mut open = vec![data];
    while let Some(value) = open.pop() {
        let own = size(value);
        if own > best.as_ref().map(|(size, _)| *size) {
            best = own.map(|size| (size, value));
            continue;
        }
        match value {
            Value::Object(members) => open.extend(members.values_mut()),
            Value::Array(items) => open.extend(items.iter_mut()),
            _ => {}
        }
    }
    best.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_is_longer_than_the_plugins_log_keeps() {
        let names: Vec<String> = (0..100).map(|n| format!("tag:something-{n}")).collect();
        let long = "x".repeat(5000);
        for event in [
            Event::bootstrap(&names, &names, &names, &names),
            Event::bootstrap_failed(&long),
            Event::error("devices", &long, "validation", &long),
        ] {
            let text = event.data.to_string();
            assert!(text.len() <= 600, "{} {text}", text.len());
        }
    }

    #[test]
    fn a_short_frame_stays_as_it_is() {
        let event = Event::bootstrap(&["tag:Proxbox".into()], &[], &[], &[]);
        assert_eq!(event.data["created"], json!(["tag:Proxbox"]));
    }
}
