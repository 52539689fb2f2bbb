//! From operations to requests, and from answers to what came of them.

use super::calls::Batch;
use super::{Done, Ready, Sent, Trouble};
use crate::plan::{Action, Key, Kind, Operation, Stage};

/// The path of the guest that an object is a part of: `lab/100` of `lab/100/net0`.
pub(super) fn guest(key: &Key) -> &str {
    let parts = key.path.match_indices('/').nth(1);
    parts.map_or(&key.path, |(end, _)| key.path.get(..end).unwrap_or(&key.path))
}

/// Batches of about `size`. Disks of one guest stay together: NetBox adds up their sizes, and two
/// requests at the same time would each miss what the other saves.
pub(super) fn batches(operations: Vec<&Operation>, size: usize) -> Vec<Vec<&Operation>> {
    let mut batches: Vec<Vec<&Operation>> = Vec::new();
    for one in operations {
        let stays = |batch: &Vec<&Operation>| {
            let siblings = |last: &&Operation| {
                let key = &one.key;
                key.kind == Kind::VirtualDisk && last.key.parent() == key.parent()
            };
            batch.len() < size || batch.last().is_some_and(siblings)
        };
        match batches.last_mut() {
            Some(batch) if stays(batch) => batch.push(one),
            _ => batches.push(vec![one]),
        }
    }
    batches
}

/// The batch of operations that all do the same.
pub(super) fn as_batch(stage: Stage, ready: &[Ready<'_>]) -> (Vec<usize>, Batch) {
    let numbers = ready.iter().map(|one| one.operation.number).collect();
    let bodies = || ready.iter().map(|one| one.body.clone()).collect();
    let batch = match (stage, ready.first().map(|one| &one.operation.action)) {
        (Stage::Remove(_), _) => Batch::Delete(ready.iter().filter_map(|one| one.id).collect()),
        (_, Some(Action::Create)) => Batch::Create(bodies()),
        _ => Batch::Update(bodies()),
    };
    (numbers, batch)
}

pub(super) fn judge(one: &Ready<'_>, answer: Result<i64, Trouble>) -> Sent {
    Sent::Done(match (answer, &one.operation.action) {
        (Ok(id), Action::Create) => Done::Created(id),
        (Ok(_), Action::Update(_)) => Done::Updated,
        (Ok(_), Action::Delete(_)) => Done::Deleted,
        (Err(Trouble::Netbox(error)), Action::Update(_)) if error.status() == Some(412) => {
            return Sent::Changed;
        }
        (Err(Trouble::Netbox(error)), _) if error.is_ambiguous() => return Sent::Uncertain(error),
        (Err(Trouble::Netbox(error)), _) => Done::Failed(error.to_string()),
        (Err(Trouble::Record(error)), _) => {
            Done::Failed(format!("not sent, since it cannot be written down: {error}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Part;
    use crate::plan::{Fields, Reason};

    fn operation(kind: Kind, path: &str) -> Operation {
        Operation {
            number: 0,
            stage: Stage::Write(kind),
            part: Part::VirtualMachines,
            key: Key::new(kind, path),
            label: path.to_owned(),
            action: Action::Create,
            before: Fields::new(),
            after: Fields::new(),
            base: None,
            reason: Reason::Missing,
        }
    }

    #[test]
    fn disks_of_one_guest_are_never_in_two_requests() {
        let paths = ["lab/1/a", "lab/1/b", "lab/2/a", "lab/2/b", "lab/2/c", "lab/3/a"];
        for (kind, expected) in
            [(Kind::VirtualDisk, vec![2, 3, 1]), (Kind::VmInterface, vec![2, 2, 2])]
        {
            let operations: Vec<_> = paths.iter().map(|path| operation(kind, path)).collect();
            let all = operations.iter().collect();
            let sizes: Vec<usize> = batches(all, 2).iter().map(Vec::len).collect();
            assert_eq!(sizes, expected, "{kind}");
        }
    }
}
