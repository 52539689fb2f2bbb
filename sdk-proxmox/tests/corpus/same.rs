//! Equality of JSON as Proxmox means it.

use serde_json::Value;

/// Whether `left` and `right` say the same: `1`, `"1"` and `true` do, numbers and their text do, and
/// so do nothing, null and the empty text. The first difference is described.
pub(crate) fn same(at: &str, left: &Value, right: &Value) -> Result<(), String> {
    let different = || Err(format!("{at}: {left} became {right}"));
    match (left, right) {
        _ if is_nothing(left) && is_nothing(right) => Ok(()),
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys());
            names.into_iter().try_for_each(|name| {
                let member = |of: &serde_json::Map<String, Value>| of.get(name).cloned();
                let (left, right) = (member(left), member(right));
                same(&format!("{at}.{name}"), &left.unwrap_or_default(), &right.unwrap_or_default())
            })
        }
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                return Err(format!("{at}: {} rows became {}", left.len(), right.len()));
            }
            let mut pairs = left.iter().zip(right).enumerate();
            pairs
                .try_for_each(|(index, (left, right))| same(&format!("{at}[{index}]"), left, right))
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            different()
        }
        (Value::Bool(truth), Value::String(word)) | (Value::String(word), Value::Bool(truth))
            if spells(word, *truth) =>
        {
            Ok(())
        }
        _ if same_scalar(&plain(left), &plain(right)) => Ok(()),
        _ => different(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn spells(word: &str, truth: bool) -> bool {
    let words = if truth { ["1", "true", "on", "yes"] } else { ["0", "false", "off", "no"] };
    words.contains(&word)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(truth) => u8::from(*truth).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn same_scalar(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    match (left.trim().parse::<i128>(), right.trim().parse::<i128>()) {
        (Ok(left), Ok(right)) => left == right,
        _ => match (left.trim().parse::<f64>(), right.trim().parse::<f64>()) {
            (Ok(left), Ok(right)) => left == right,
            _ => false,
        },
    }
}

#[test]
fn spellings_are_the_same_and_values_are_not() {
    use serde_json::json;
    let equal = [
        (json!(1), json!("1")),
        (json!(true), json!(1)),
        (json!({"a": null}), json!({})),
        (json!({"a": ""}), json!({})),
        (json!(3.5e15), json!(3_500_000_000_000_000_i64)),
    ];
    for (left, right) in equal {
        assert_eq!(same("", &left, &right), Ok(()));
    }
    let different = [
        (json!([1]), json!([])),
        (json!({"a": 0}), json!({})),
        (json!({}), json!({"a": 0})),
        (json!("a"), json!("b")),
        (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)),
    ];
    for (left, right) in different {
        assert!(same("", &left, &right).is_err(), "{left} {right}");
    }
}
