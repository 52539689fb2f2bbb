//! The rows that the plugin keeps beside NetBox's objects.

use super::draft::{Draft, Wanted};
use super::{Fields, Key, Kind, Ref};
use crate::part::Part;

/// Settles the state beside an object, where NetBox has the plugin.
pub(super) fn plan(draft: &mut Draft<'_>, of: Kind, path: &str, parent: &Ref, fields: Fields) {
    let part = of.part();
    plan_in(draft, part, of, path, parent, fields);
}

/// The same for an object of another part than its kind's.
pub(super) fn plan_in(
    draft: &mut Draft<'_>,
    part: Part,
    of: Kind,
    path: &str,
    parent: &Ref,
    mut fields: Fields,
) {
    let Some(kind) = of.state().filter(|kind| draft.mirror.knows(*kind)) else { return };
    let Some(reference) = kind.fields().first() else { return };
    // The rows of parts that are not asked for were not read.
    if parent.id().is_some() && !draft.policy.parts.contains(&part) {
        return;
    }
    let found = parent.id().and_then(|id| draft.state_of(kind, id));
    fields.insert(reference.name, parent.clone().into());
    fields.insert("proxmox_last_updated", draft.policy.stamp.at.as_str().into());
    fields.insert("last_run_id", draft.policy.stamp.run.as_str().into());
    draft.settle(Wanted::new(Key::new(kind, path), found, fields).in_part(part));
}
