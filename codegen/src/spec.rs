//! The OpenAPI documents in `specs/`: how they are written and counted.

use serde_json::{Map, Value};

/// HTTP methods that an OpenAPI path item may hold.
pub const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

/// How much a document describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Method and path pairs.
    pub operations: usize,
    /// Paths.
    pub paths: usize,
}

/// Counts a document's operations and paths.
pub fn count(spec: &Value) -> Counts {
    let paths = spec["paths"].as_object();
    let operations = paths
        .into_iter()
        .flat_map(Map::values)
        .map(|item| METHODS.iter().filter(|method| item.get(method).is_some()).count())
        .sum();
    Counts { operations, paths: paths.map_or(0, Map::len) }
}

/// Depth up to which each member gets its own line: one line per operation and per schema.
const OPEN_DEPTH: usize = 3;

/// Prints a document with sorted keys, one line per operation and schema, so that two runs are
/// byte-equal and a difference shows where it is.
pub fn print(spec: &Value) -> String {
    let mut text = String::new();
    write(&mut text, spec, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if depth < OPEN_DEPTH && !members.is_empty() => {
            text.push_str("{\n");
            let sorted = sorted(members);
            for (position, (name, member)) in sorted.iter().enumerate() {
                text.push_str(&" ".repeat(depth + 1));
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                write(text, member, depth + 1);
                text.push_str(if position + 1 < sorted.len() { ",\n" } else { "\n" });
            }
            text.push_str(&" ".repeat(depth));
            text.push('}');
        }
        Value::Object(members) => {
            text.push('{');
            for (position, (name, member)) in sorted(members).into_iter().enumerate() {
                text.push_str(if position > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(text, member, OPEN_DEPTH);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                text.push_str(if position > 0 { "," } else { "" });
                write(text, item, OPEN_DEPTH);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::print;

    #[test]
    fn printing_does_not_depend_on_the_order_of_keys() {
        let one = json!({"b": {"d": 1, "c": [true, null]}, "a": "x"});
        let other = json!({"a": "x", "b": {"c": [true, null], "d": 1}});
        assert_eq!(print(&one), print(&other));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&print(&one)).unwrap(), one);
    }
}
