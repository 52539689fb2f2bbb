//! What a run came to, for people.

use crate::cli::say::say;
use serde_json::Value;

/// One row of a table: an object type and how many there are.
pub type Row = (String, usize);

/// Prints rows with their numbers right-aligned.
pub fn print_table(title: &str, rows: &[Row]) {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    say!("{title}");
    for (name, count) in rows {
        say!("  {name:width$} {count:>6}");
    }
}

/// Prints the sentence of the last frame, and which objects failed and why, as the last frame lists them.
pub fn print_outcome(frame: &Value) {
    say!("  {}", frame["message"].as_str().unwrap_or("the run ended without a result"));
    let texts = frame["errors"].as_array().into_iter().flatten();
    // A run that failed as a whole has said so already.
    let whole = frame["message"].as_str().unwrap_or_default();
    let texts = texts.filter_map(|error| error["detail"].as_str());
    for text in texts.filter(|text| whole.is_empty() || !text.ends_with(whole)) {
        say!("  failed: {text}");
    }
    let warnings = frame["result"]["warnings"].as_array().into_iter().flatten();
    for text in warnings.filter_map(Value::as_str) {
        say!("  note: {text}");
    }
}
