//! Finished tasks of guests, in the plugin's table.

use std::collections::BTreeMap;

use super::draft::{Draft, Wanted};
use super::guests::Placed;
use super::times::time;
use super::{Fields, Key, Kind, Value};
use crate::inventory::{Inventory, Task};

/// `guests` are those of the inventory's cluster. Tasks of guests that are gone have no place.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    inventory: &Inventory,
    guests: &BTreeMap<i64, &Placed<'_>>,
) {
    if inventory.tasks.is_empty() || !draft.mirror.knows(Kind::TaskHistory) {
        return;
    }
    let rows = draft.mirror.all(Kind::TaskHistory);
    let existing: BTreeMap<String, i64> =
        rows.map(|row| (row.text("upid").to_owned(), row.id)).collect();
    for task in &inventory.tasks {
        if let Some(placed) = guests.get(&task.vmid) {
            let found = existing.get(&task.upid).copied();
            let key = Key::new(Kind::TaskHistory, &task.upid);
            let label = format!("{} of {}", task.kind, placed.label);
            let wanted = Wanted::new(key, found, fields(placed, task));
            draft.settle(wanted.labelled(label));
        }
    }
}

fn fields(placed: &Placed<'_>, task: &Task) -> Fields {
    Fields::from([
        ("virtual_machine", placed.machine.clone().into()),
        ("vm_type", placed.guest.kind.word().into()),
        ("upid", task.upid.as_str().into()),
        ("node", task.node.as_str().into()),
        ("pid", task.pid.into()),
        ("pstart", task.pstart.into()),
        ("task_id", task.vmid.to_string().into()),
        ("task_type", task.kind.as_str().into()),
        ("username", task.user.as_str().into()),
        ("start_time", time(Some(task.start))),
        ("end_time", time(task.end)),
        ("description", format!("{} {}", task.kind, task.vmid).into()),
        ("status", cut(&task.status)),
        ("task_state", "stopped".into()),
        ("exitstatus", cut(&task.status)),
    ])
}

/// Errors of tasks can be long.
fn cut(status: &str) -> Value {
    Value::Text(status.chars().take(255).collect())
}
