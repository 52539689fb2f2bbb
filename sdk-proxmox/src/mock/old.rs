//! Shapes of older releases, which send the same values in other spellings.

use serde_json::Value;

use super::Cluster;

/// Rewrites rows of guests as the cluster's release would send them.
///
/// Before 7.0 numbers of guests and processes are text, and marks that are not set are the empty
/// text instead of being left out.
pub(crate) fn guest(cluster: &Cluster, mut row: Value) -> Value {
    let major = cluster.release.split('.').next().and_then(|part| part.parse().ok());
    if major.is_none_or(|major: u32| major >= 7) {
        return row;
    }
    let Some(members) = row.as_object_mut() else { return row };
    for name in ["vmid", "pid"] {
        if let Some(number) = members.get_mut(name) {
            *number = number.to_string().into();
        }
    }
    members.entry("pid").or_insert(Value::Null);
    members.entry("template").or_insert_with(|| "".into());
    members.entry("lock").or_insert_with(|| "".into());
    row
}
