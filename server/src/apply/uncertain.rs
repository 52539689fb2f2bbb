//! Writes of which nobody knows whether they happened: looked up first, sent again only if not.

use sdk_netbox::Error;

use super::{Applier, Done, Progress, Ready, Trouble};
use crate::mirror::read_kind;
use crate::plan::{Action, Existing, Kind, Stage, Value};

impl Applier<'_> {
    /// Reads the kind once, takes what is there as done and sends the rest once more.
    pub(super) async fn look_again(
        &mut self,
        stage: Stage,
        uncertain: Vec<(Ready<'_>, Error)>,
        progress: &mut Progress<'_>,
    ) {
        let kind = stage.kind();
        tracing::warn!(%kind, objects = uncertain.len(), "looking up writes of unknown outcome");
        let there = match read_kind(self.netbox, kind, Vec::new()).await {
            Ok(there) => there,
            Err(error) => {
                let text = error.to_string();
                self.watch(&Trouble::Netbox(error));
                for (one, cause) in uncertain {
                    let why = format!("{cause}; whether it happened is unknown: {text}");
                    self.settle(one.operation, Done::Failed(why), progress);
                }
                return;
            }
        };
        let mut missing = Vec::new();
        for (one, _) in uncertain {
            match self.happened(kind, &one, &there) {
                Some(done) => self.settle(one.operation, done, progress),
                None => missing.push(one.operation),
            }
        }
        for (one, error) in self.write(stage, missing, progress).await {
            let why = format!("{error}; it failed twice, the next run looks again");
            self.settle(one.operation, Done::Failed(why), progress);
        }
    }

    /// What NetBox shows of the operation; none if it did not happen.
    fn happened(&self, kind: Kind, one: &Ready<'_>, there: &[Existing]) -> Option<Done> {
        let same = |existing: &&Existing| Some(existing.id) == one.id;
        let after = self.resolved(&one.operation.after);
        match one.operation.action {
            Action::Delete(_) => there.iter().all(|object| !same(&object)).then_some(Done::Deleted),
            Action::Update(_) => {
                let object = there.iter().find(same)?;
                after
                    .iter()
                    .all(|(name, value)| holds(object, name, value))
                    .then_some(Done::Updated)
            }
            Action::Create => {
                let identity =
                    || kind.identity().iter().filter_map(|name| after.get_key_value(name));
                let is_it =
                    |object: &&Existing| identity().all(|(name, value)| holds(object, name, value));
                there.iter().find(is_it).map(|object| Done::Created(object.id))
            }
        }
    }
}

pub(super) fn holds(object: &Existing, name: &str, value: &Value) -> bool {
    match (object.fields.get(name), value) {
        (None, value) => matches!(value, Value::Null),
        (Some(Value::Custom(have)), Value::Custom(want)) => {
            want.iter().all(|(name, value)| have.get(name) == Some(value))
        }
        (Some(have), want) => have == want,
    }
}
