//! What an update has to send: the wanted fields that differ from what NetBox has.

use proxbox_runtime::{Record, record_to_value};
use serde_json::{Map, Value};

/// The members of `wanted` that differ from `current`, in the shape of a request.
///
/// `current` is an object as NetBox answers it, `wanted` one as it takes it, so a choice compares
/// by its value, a reference by its id or by the attributes given, tags as a set. Empty when
/// nothing is to be done: an update that changes nothing costs NetBox as much as any other.
pub fn changes(current: &dyn Record, wanted: &dyn Record) -> Map<String, Value> {
    let current = record_to_value(current);
    let Value::Object(wanted) = record_to_value(wanted) else {
        return Map::new();
    };
    wanted
        .into_iter()
        .filter(|(name, value)| !holds(name, &current[name.as_str()], value))
        .collect()
}

/// Whether what NetBox has is what is wanted.
fn holds(name: &str, current: &Value, wanted: &Value) -> bool {
    match (current, wanted) {
        (Value::Object(_), Value::Object(wanted)) if name == "custom_fields" => {
            // Custom fields that are not mentioned stay as they are.
            wanted.iter().all(|(key, value)| holds("", &current[key.as_str()], value))
        }
        (Value::Array(current), Value::Array(wanted)) => same_set(current, wanted),
        (Value::Object(current), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| current.get(key) == Some(value))
        }
        (Value::Object(current), Value::Number(_)) => {
            current.get("id").or(current.get("value")) == Some(wanted)
        }
        (Value::Object(current), wanted) => current.get("value") == Some(wanted),
        // An unset choice is read as null and may be written as "".
        (Value::Null, Value::String(text)) => text.is_empty(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (current, wanted) => current == wanted,
    }
}

fn same_set(current: &[Value], wanted: &[Value]) -> bool {
    current.len() == wanted.len()
        && wanted.iter().all(|one| current.iter().any(|have| holds("", have, one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn read_and_written_shapes_of_the_same_value_are_equal() {
        let tag = json!({"id": 1, "name": "Proxbox", "slug": "proxbox", "color": "ff5722"});
        let cases = [
            ("status", json!({"value": "active", "label": "Active"}), json!("active"), true),
            ("status", json!({"value": "active", "label": "Active"}), json!("planned"), false),
            ("site", json!({"id": 3, "name": "x"}), json!(3), true),
            ("site", json!({"id": 3, "slug": "x"}), json!({"slug": "x"}), true),
            ("site", json!(null), json!(3), false),
            ("site", json!({"id": 3}), json!(null), false),
            ("role", json!(null), json!(""), true),
            ("vcpus", json!(4.0), json!(4), true),
            ("tags", json!([tag]), json!([{"slug": "proxbox"}]), true),
            ("tags", json!([tag]), json!([]), false),
            ("custom_fields", json!({"a": 1, "b": 2}), json!({"b": 2}), true),
            ("custom_fields", json!({"a": 1}), json!({"b": 2}), false),
        ];
        for (name, current, wanted, same) in cases {
            assert_eq!(holds(name, &current, &wanted), same, "{current} / {wanted}");
        }
    }
}
