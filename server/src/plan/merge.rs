//! What becomes of one field: what Proxmox says, what NetBox holds, and what was last written there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{FieldRule, Mode, Value};

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Merged {
    /// It is as it should be, or not ours to decide.
    Unchanged,
    /// It gets this value.
    Write(Value),
    /// Somebody edited it, and Proxmox has not changed since: the edit stays.
    Kept,
    /// Somebody edited it, and Proxmox has changed since: Proxmox wins, and it is said.
    Overruled(Value),
}

/// Three-way: whoever changed a field since the last run decides; a fact of Proxmox wins where both
/// did. Without a last value the field's mode alone decides.
pub(super) fn merge(
    rule: &FieldRule,
    mode: Mode,
    have: &Value,
    want: &Value,
    base: Option<&Value>,
) -> Merged {
    if matches!(mode, Mode::Seed | Mode::Human | Mode::Stamp)
        || have == want
        || (is_unset(have) && is_unset(want))
    {
        return Merged::Unchanged;
    }
    match (mode, have, want) {
        (Mode::Union, _, Value::Set(want)) => union(set(have), want, base.map(set)),
        (_, _, Value::Custom(want)) => custom(members(have), want, base.map(members)),
        _ => single(rule, mode, have, want, base),
    }
}

fn single(
    rule: &FieldRule,
    mode: Mode,
    have: &Value,
    want: &Value,
    base: Option<&Value>,
) -> Merged {
    debug_assert!(mode != Mode::Union, "{} is no set", rule.name);
    let Some(base) = base else {
        let ours = match mode {
            Mode::Marked(mark) => matches!(have, Value::Text(text) if text.starts_with(mark)),
            // What is set where Proxmox has nothing is not from here.
            _ => !is_unset(want),
        };
        return if ours { Merged::Write(want.clone()) } else { Merged::Unchanged };
    };
    let same = |one: &Value, other: &Value| one == other || (is_unset(one) && is_unset(other));
    if same(have, base) {
        Merged::Write(want.clone())
    } else if same(want, base) || matches!(mode, Mode::Marked(_)) {
        Merged::Kept
    } else {
        Merged::Overruled(want.clone())
    }
}

/// Ours are added and taken away one by one: what somebody added stays, and what somebody took
/// away stays away.
fn union(
    have: &BTreeSet<String>,
    want: &BTreeSet<String>,
    base: Option<&BTreeSet<String>>,
) -> Merged {
    let nothing = BTreeSet::new();
    let ours = base.unwrap_or(&nothing);
    let mut result = have.clone();
    result.extend(want.difference(ours).cloned());
    for gone in ours.difference(want) {
        result.remove(gone);
    }
    match () {
        () if result != *have => Merged::Write(Value::Set(result.into())),
        () if want.is_subset(have) => Merged::Unchanged,
        () => Merged::Kept,
    }
}

/// Member by member; only those that change are written.
fn custom(
    have: &BTreeMap<String, Json>,
    want: &BTreeMap<String, Json>,
    base: Option<&BTreeMap<String, Json>>,
) -> Merged {
    let (mut write, mut kept) = (BTreeMap::new(), false);
    for (name, value) in want {
        let now = have.get(name).unwrap_or(&Json::Null);
        if now == value {
            continue;
        }
        let edited = base.is_some_and(|base| base.get(name).is_some_and(|last| last != now));
        let same = base.is_some_and(|base| base.get(name) == Some(value));
        if edited && same {
            kept = true;
        } else {
            write.insert(name.clone(), value.clone());
        }
    }
    match (write.is_empty(), kept) {
        (false, _) => Merged::Write(Value::Custom(write)),
        (true, true) => Merged::Kept,
        (true, false) => Merged::Unchanged,
    }
}

fn set(value: &Value) -> &BTreeSet<String> {
    static NOTHING: BTreeSet<String> = BTreeSet::new();
    match value {
        Value::Set(names) => names,
        _ => &NOTHING,
    }
}

fn members(value: &Value) -> &BTreeMap<String, Json> {
    static NOTHING: BTreeMap<String, Json> = BTreeMap::new();
    match value {
        Value::Custom(values) => values,
        _ => &NOTHING,
    }
}

/// Whether the value stands for nothing.
pub(crate) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Refs(references) => references.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    const RULE: FieldRule =
        FieldRule { name: "x", shape: Shape::Text, mode: Mode::Owned, flag: None };

    fn text(have: &str, want: &str, base: Option<&str>, mode: Mode) -> Merged {
        let base = base.map(Value::from);
        merge(&RULE, mode, &have.into(), &want.into(), base.as_ref())
    }

    #[test]
    fn whoever_changed_a_field_decides() {
        use Merged::{Kept, Overruled, Unchanged, Write};
        let marked = Mode::Marked("our ");
        for (have, want, base, mode, expected) in [
            ("a", "a", Some("b"), Mode::Owned, Unchanged),
            // Proxmox changed.
            ("a", "b", Some("a"), Mode::Owned, Write("b".into())),
            // Somebody edited.
            ("edited", "a", Some("a"), Mode::Owned, Kept),
            ("", "a", Some("a"), Mode::Owned, Kept),
            // Both did.
            ("edited", "b", Some("a"), Mode::Owned, Overruled("b".into())),
            ("edited", "our b", Some("our a"), marked, Kept),
            // Nobody knows what was there.
            ("x", "a", None, Mode::Owned, Write("a".into())),
            ("our x", "our a", None, marked, Write("our a".into())),
            ("x", "our a", None, marked, Unchanged),
            ("x", "", None, Mode::Owned, Unchanged),
            ("a", "", Some("a"), Mode::Owned, Write("".into())),
            // Not ours to decide.
            ("x", "a", Some("x"), Mode::Seed, Unchanged),
            ("x", "a", Some("x"), Mode::Human, Unchanged),
        ] {
            assert_eq!(text(have, want, base, mode), expected, "{have} {want} {base:?} {mode:?}");
        }
    }

    #[test]
    fn tags_come_and_go_one_by_one() {
        let set = |names: &[&str]| -> Value {
            Value::Set(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>().into())
        };
        for (have, want, base, expected) in [
            (&["mine"][..], &["a"][..], None, Merged::Write(set(&["a", "mine"]))),
            (&["mine", "a"], &["a"], None, Merged::Unchanged),
            // Gone in Proxmox.
            (
                &["mine", "a", "b"],
                &["a"],
                Some(&["a", "b"][..]),
                Merged::Write(set(&["a", "mine"])),
            ),
            // Taken away by somebody.
            (&["mine"], &["a"], Some(&["a"]), Merged::Kept),
            // New in Proxmox, while another one was taken away.
            (&["mine"], &["a", "b"], Some(&["a"]), Merged::Write(set(&["b", "mine"]))),
        ] {
            let base = base.map(set);
            let merged = merge(&RULE, Mode::Union, &set(have), &set(want), base.as_ref());
            assert_eq!(merged, expected, "{have:?} {want:?} {base:?}");
        }
    }
}
