//! What came of each operation: told, written down, and kept for those that follow.

use super::batches::guest;
use super::body;
use super::{Applier, Done, Progress};
use crate::plan::{Action, Fields, Kind, Operation, Ref, Value as Field};
use crate::store::{OperationState, Settlement};

impl Applier<'_> {
    /// Remembers what came of an operation, and tells.
    pub(super) fn settle(
        &mut self,
        operation: &Operation,
        done: Done,
        progress: &mut Progress<'_>,
    ) {
        let settlement = self.settlement(operation, &done);
        self.settled.push(settlement);
        let kind = operation.stage.kind();
        match &done {
            Done::Created(id) => {
                self.known.ids.insert(operation.key.clone(), *id);
            }
            Done::Updated => {
                if let Action::Update(target) = &operation.action
                    && let Ok(id) = self.known.id(target)
                {
                    self.wrote.entry((kind, id)).or_default().extend(operation.after.keys());
                }
            }
            Done::Failed(why) | Done::Skipped(why) => self.lose(operation, why),
            Done::Deleted => {}
        }
        progress(operation, &done);
    }

    /// What is written down of an operation, and what its object holds of ours from now on.
    fn settlement(&mut self, operation: &Operation, done: &Done) -> Settlement {
        let kind = operation.key.kind;
        let target = match &operation.action {
            Action::Create => None,
            Action::Update(target) => self.known.id(target).ok(),
            Action::Delete(id) => Some(*id),
        };
        let (state, object_id, why) = match done {
            Done::Created(id) => (OperationState::Confirmed, Some(*id), None),
            Done::Updated | Done::Deleted => (OperationState::Confirmed, target, None),
            Done::Failed(why) => (OperationState::Failed, target, Some(why.clone())),
            Done::Skipped(why) => (OperationState::Skipped, target, Some(why.clone())),
        };
        let written = match (done, object_id) {
            (Done::Created(_) | Done::Updated, Some(id)) => {
                let ours = operation.base.as_ref().unwrap_or(&operation.after);
                let fields = self.resolved(ours);
                (!fields.is_empty()).then(|| (kind, id, Some(self.base.merge(kind, id, &fields))))
            }
            (Done::Deleted, Some(id)) => {
                self.base.remove(kind, id);
                Some((kind, id, None))
            }
            _ => None,
        };
        Settlement { number: operation.number, state, object_id, why, written }
    }

    /// The fields with the ids of what was created meanwhile.
    pub(super) fn resolved(&self, fields: &Fields) -> Fields {
        let resolve = |value: &Field| match value {
            Field::Ref(reference) => match self.known.id(reference) {
                Ok(id) => Field::Ref(Ref::Id(id)),
                Err(_) => Field::Null,
            },
            Field::Refs(references) => {
                let ids = references.iter().filter_map(|one| self.known.id(one).ok());
                Field::Refs(ids.map(Ref::Id).collect())
            }
            Field::Custom(values) => Field::Custom(body::resolved(values, &self.known)),
            value => value.clone(),
        };
        fields.iter().map(|(name, value)| (name, resolve(value))).collect()
    }

    fn lose(&mut self, operation: &Operation, why: &str) {
        let kind = operation.stage.kind();
        match operation.action {
            Action::Delete(_) => {
                self.stuck.insert(guest(&operation.key).to_owned());
            }
            _ => self.addresses_failed |= kind == Kind::IpAddress,
        }
        if operation.action == Action::Create {
            self.lost.insert(operation.key.clone(), why.to_owned());
            if kind == Kind::Tag {
                self.known.lost_tags.push(operation.key.path.clone());
            }
        }
    }
}
