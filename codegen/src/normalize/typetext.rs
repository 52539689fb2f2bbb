//! Property strings whose format upstream does not publish: their keys, read from the usage line.
//!
//! `[[model=]<i6300esb|ib700>] [,action=<enum>]` names the keys `model` (the default key) and
//! `action`, and says which may be left out.

use serde_json::{Map, Value, json};

/// The OpenAPI form of a property string, if the usage line describes one.
pub(super) fn property_of(usage: &str) -> Option<Value> {
    if !usage.contains("=]<") && !usage.contains("=<") && !usage.contains("=]\\") {
        return None;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut default_key = None;
    for part in split_parts(usage) {
        let (name, value, is_default) = key_of(part.text)?;
        if is_default && default_key.is_none() {
            default_key = Some(name.to_owned());
        }
        if !part.optional {
            required.push(Value::from(name));
        }
        properties.insert(name.to_owned(), value_schema(value));
    }
    if properties.is_empty() {
        return None;
    }
    let mut property = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        property["required"] = required.into();
    }
    if let Some(key) = default_key {
        property["x-proxmox-default-key"] = key.into();
    }
    Some(property)
}

struct Part<'a> {
    text: &'a str,
    optional: bool,
}

/// Splits at spaces and commas that stand outside of angle brackets; the square brackets around a
/// part say that it may be left out.
fn split_parts(usage: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut angle, mut square) = (0, 0_i32, 0_i32);
    for (at, c) in usage.char_indices() {
        match c {
            '<' => angle += 1,
            '>' => angle -= 1,
            '[' if angle == 0 => square += 1,
            ']' if angle == 0 => square -= 1,
            ' ' if angle == 0 && square == 0 => {
                parts.push(&usage[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&usage[start..]);
    parts.into_iter().filter_map(part_of).collect()
}

fn part_of(text: &str) -> Option<Part<'_>> {
    let text = text.trim();
    let optional = bracket_spans_all(text);
    let inner = if optional { &text[1..text.len() - 1] } else { text };
    let inner = inner.trim_start_matches(',').trim();
    (!inner.is_empty()).then_some(Part { text: inner, optional })
}

/// Whether the bracket that the text begins with ends where the text ends.
fn bracket_spans_all(text: &str) -> bool {
    let (mut angle, mut square) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' => angle += 1,
            '>' => angle -= 1,
            '[' if angle == 0 => square += 1,
            ']' if angle == 0 => square -= 1,
            _ => {}
        }
        if square == 0 && angle == 0 {
            return at > 0 && at + 1 == text.len();
        }
    }
    false
}

/// `[model=]<…>` is the default key, `action=<…>` any other.
fn key_of(part: &str) -> Option<(&str, &str, bool)> {
    let (key, value) = part.split_once('=')?;
    let is_default = key.starts_with('[') && value.starts_with(']');
    let key = key.trim_start_matches('[');
    let plain =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    plain.then(|| (key, value.trim_start_matches(']'), is_default))
}

fn value_schema(value: &str) -> Value {
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(value);
    let simple = |choice: &str| {
        !choice.is_empty() && choice.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    match inner {
        "1|0" => json!({"type": "boolean"}),
        "integer" | "N" | "\\d+" | "COUNT" | "SECONDS" | "PORT" => json!({"type": "integer"}),
        "number" => json!({"type": "number"}),
        choices if choices.contains('|') && choices.split('|').all(simple) => {
            let mut values: Vec<&str> = choices.split('|').collect();
            values.sort_unstable();
            json!({"type": "string", "enum": values})
        }
        _ => json!({"type": "string"}),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::property_of;

    #[test]
    fn keys_defaults_and_what_may_be_left_out_are_read_from_a_usage_line() {
        let watchdog = property_of("[[model=]<i6300esb|ib700>] [,action=<enum>]").unwrap();
        assert_eq!(watchdog["x-proxmox-default-key"], "model");
        assert_eq!(watchdog["properties"]["model"]["enum"], json!(["i6300esb", "ib700"]));
        assert_eq!(watchdog["required"], json!(null));

        let remote = property_of("apitoken=<TOKEN> ,host=<ADDRESS> [,port=<PORT>]").unwrap();
        assert_eq!(remote["required"], json!(["apitoken", "host"]));
        assert_eq!(remote["properties"]["port"]["type"], "integer");

        let sev = property_of("[type=]<sev-type> [,allow-smt=<1|0>]").unwrap();
        assert_eq!(sev["x-proxmox-default-key"], "type");
        assert_eq!(sev["required"], json!(["type"]));

        let startup = property_of("[[order=]\\d+] [,up=\\d+] [,down=\\d+] ").unwrap();
        assert_eq!(startup["properties"]["up"]["type"], "integer");
    }

    #[test]
    fn a_usage_line_of_another_kind_is_no_property_string() {
        for usage in ["<string>", "<integer> (100 - 999)", "<boolean>", "(none|legacy)"] {
            assert_eq!(property_of(usage), None, "{usage}");
        }
    }
}
