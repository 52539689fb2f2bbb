//! Looks once more before it changes anything: what somebody changed since it was read is left to
//! them, and NetBox is told which version of each object is meant.

use std::collections::{BTreeMap, BTreeSet};

use proxbox_runtime::Query;
use sdk_netbox::Error;

use super::uncertain::holds;
use super::{Applier, Done, Progress, Ready};
use crate::mirror::read_versions;
use crate::plan::{Existing, Fields, Kind, Stage, Value, is_unset};

/// What a batch of changes is about to meet.
pub(super) struct Verified<'o> {
    /// The operations that are still to be sent.
    pub(super) batch: Vec<Ready<'o>>,
    /// When each of their objects was last changed; nothing where NetBox does not say of all.
    pub(super) versions: Vec<String>,
}

impl Applier<'_> {
    /// Takes out of a batch what somebody has changed since it was read, and what is as it should be
    /// by now.
    pub(super) async fn verify<'o>(
        &mut self,
        stage: Stage,
        batch: Vec<Ready<'o>>,
        progress: &mut Progress<'_>,
    ) -> Result<Verified<'o>, (Vec<Ready<'o>>, Error)> {
        // Nobody can have changed what this run has only just created.
        if batch.iter().all(|one| one.operation.before.is_empty()) {
            return Ok(Verified { batch, versions: Vec::new() });
        }
        let kind = stage.kind();
        let there = match self.read(kind, &batch).await {
            Ok(there) => there,
            Err(error) => return Err((batch, error)),
        };
        let (mut left, mut versions) = (Vec::new(), Vec::new());
        for one in batch {
            let Some((object, version)) = one.id.and_then(|id| there.get(&id)) else {
                let why = "is not in NetBox any more";
                self.settle(one.operation, Done::Skipped(why.into()), progress);
                continue;
            };
            let after = self.resolved(&one.operation.after);
            if after.iter().all(|(name, value)| holds(object, name, value)) {
                self.settle(one.operation, Done::Updated, progress);
            } else if let Some(field) = self.changed(kind, object, &one.operation.before) {
                let why =
                    format!("its {field} was changed in NetBox meanwhile; the next run looks");
                self.settle(one.operation, Done::Skipped(why), progress);
            } else {
                versions.extend(version.clone());
                left.push(one);
            }
        }
        if versions.len() < left.len() {
            versions.clear();
        }
        Ok(Verified { batch: left, versions })
    }

    async fn read(
        &self,
        kind: Kind,
        batch: &[Ready<'_>],
    ) -> Result<BTreeMap<i64, (Existing, Option<String>)>, Error> {
        let ids = batch.iter().filter_map(|one| one.id);
        let by_id = Query(ids.map(|id| ("id".to_owned(), id.to_string())).collect());
        let operations = batch.iter().map(|one| one.operation);
        let names: BTreeSet<&'static str> =
            operations.flat_map(|one| one.before.keys().chain(one.after.keys())).collect();
        let found = read_versions(self.netbox, kind, by_id, &names).await?;
        Ok(found.into_iter().map(|(object, version)| (object.id, (object, version))).collect())
    }

    /// A field that is not as it was read, and that this run has not written itself.
    fn changed(&self, kind: Kind, object: &Existing, before: &Fields) -> Option<&'static str> {
        let own = self.wrote.get(&(kind, object.id));
        let others = before.iter().filter(|(name, _)| own.is_none_or(|own| !own.contains(name)));
        let unset = |value: &Value| match value {
            Value::Set(names) => names.is_empty(),
            Value::Custom(values) => values.is_empty(),
            value => is_unset(value),
        };
        let mut others = others.filter(|(name, was)| match object.fields.get(name) {
            Some(have) => have != *was && !(unset(have) && unset(was)),
            None => !unset(was),
        });
        others.next().map(|(name, _)| name)
    }
}
