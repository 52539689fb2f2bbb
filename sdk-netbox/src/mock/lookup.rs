//! NetBox's lookups: how a filter's value compares to a field's.

use jiff::Timestamp;
use regex::RegexBuilder;
use serde_json::Value;

use super::addresses::network;

/// Whether the values that an object has pass a filter; `None` if the lookup is not known.
///
/// Several wanted values are alternatives; with a negative lookup none of them may fit.
pub(super) fn passes(lookup: &str, have: &[Value], wanted: &[String]) -> Option<bool> {
    let any = |test: &dyn Fn(&Value, &str) -> bool| {
        have.iter().any(|have| wanted.iter().any(|wanted| test(have, wanted)))
    };
    Some(match lookup {
        "" => any(&equal),
        "n" => !any(&equal),
        "empty" => {
            let empty = have.iter().all(is_empty);
            empty == is_true(wanted.first()?)
        }
        "gt" => any(&|have, wanted| compare(have, wanted).is_some_and(|order| order.is_gt())),
        "gte" | "after" => {
            any(&|have, wanted| compare(have, wanted).is_some_and(|order| order.is_ge()))
        }
        "lt" => any(&|have, wanted| compare(have, wanted).is_some_and(|order| order.is_lt())),
        "lte" | "before" => {
            any(&|have, wanted| compare(have, wanted).is_some_and(|order| order.is_le()))
        }
        "regex" | "iregex" => any(&|have, wanted| {
            let regex = RegexBuilder::new(wanted).case_insensitive(lookup == "iregex").build();
            regex.is_ok_and(|regex| regex.is_match(&text(have)))
        }),
        text_lookup => {
            let (negative, positive) = match text_lookup.strip_prefix('n') {
                Some(positive) => (true, positive),
                None => (false, text_lookup),
            };
            let test = textual(positive)?;
            any(&|have, wanted| test(&text(have).to_lowercase(), &wanted.to_lowercase()))
                != negative
        }
    })
}

fn textual(lookup: &str) -> Option<fn(&str, &str) -> bool> {
    Some(match lookup {
        "ic" => |have, wanted| have.contains(wanted),
        "ie" => |have, wanted| have == wanted,
        "isw" => |have, wanted| have.starts_with(wanted),
        "iew" => |have, wanted| have.ends_with(wanted),
        _ => return None,
    })
}

pub(super) fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "1" | "yes")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn equal(have: &Value, wanted: &str) -> bool {
    match have {
        Value::Null => wanted == "null",
        Value::Bool(truth) => *truth == is_true(wanted),
        Value::Number(number) => number.as_f64() == wanted.parse().ok(),
        Value::String(text) => text == wanted || same_address(text, wanted),
        Value::Array(items) => items.iter().any(|item| equal(item, wanted)),
        Value::Object(_) => false,
    }
}

/// An address without a mask means the host, whatever its mask; MAC addresses have many spellings.
fn same_address(have: &str, wanted: &str) -> bool {
    match (network(have), network(wanted)) {
        (Some(have), Some(net)) => {
            have.addr() == net.addr() && (!wanted.contains('/') || have == net)
        }
        _ => {
            let digits = |text: &str| -> String {
                let all = text.chars().filter(|letter| !":-.".contains(*letter));
                all.map(|letter| letter.to_ascii_lowercase()).collect()
            };
            have.len() == 17 && have.matches(':').count() == 5 && digits(have) == digits(wanted)
        }
    }
}

fn compare(have: &Value, wanted: &str) -> Option<std::cmp::Ordering> {
    if let Some(number) = have.as_f64() {
        return number.partial_cmp(&wanted.parse().ok()?);
    }
    let have = have.as_str()?;
    match (have.parse::<Timestamp>(), instant(wanted)) {
        (Ok(have), Some(wanted)) => Some(have.cmp(&wanted)),
        _ => Some(have.cmp(wanted)),
    }
}

/// A time; without an offset it is UTC, as NetBox's own time zone is unless configured.
fn instant(text: &str) -> Option<Timestamp> {
    // A plus sign that was not encoded arrives as a space.
    let text = text.replace(' ', "+");
    text.parse()
        .ok()
        .or_else(|| format!("{text}Z").parse().ok())
        .or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lookups_compare_as_netbox_does() {
        let cases = [
            ("", json!("web"), "web", true),
            ("", json!("Web"), "web", false),
            ("ie", json!("Web"), "web", true),
            ("ic", json!("my-Web-1"), "web", true),
            ("nic", json!("my-Web-1"), "web", false),
            ("isw", json!("web-1"), "WEB", true),
            ("niew", json!("web-1"), "2", true),
            ("n", json!("a"), "b", true),
            ("empty", json!(""), "true", true),
            ("empty", json!("x"), "true", false),
            ("gte", json!(4), "4", true),
            ("gt", json!(4), "4", false),
            ("regex", json!("web-12"), r"^web-\d+$", true),
            ("gte", json!("2026-01-02T00:00:00.5Z"), "2026-01-02T00:00:00+00:00", true),
            ("", json!("10.0.0.1/24"), "10.0.0.1", true),
            ("", json!("10.0.0.1/24"), "10.0.0.1/25", false),
            ("", json!("AA:BB:CC:00:11:22"), "aa:bb:cc:00:11:22", true),
            ("", json!(true), "True", true),
            ("", json!(null), "null", true),
        ];
        for (lookup, have, wanted, expected) in cases {
            let passed = passes(lookup, std::slice::from_ref(&have), &[wanted.to_owned()]);
            assert_eq!(passed, Some(expected), "{have} {lookup} {wanted}");
        }
        assert_eq!(passes("nope", &[json!(1)], &["1".into()]), None);
    }
}
