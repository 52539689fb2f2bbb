//! The viewer's script: a JSON array assigned to a name, then the viewer's own code.

use serde::Deserialize;
use serde_json::Value;

use super::CrawlError;

/// Names that the array is assigned to, newest first.
const MARKERS: [&str; 2] = ["apiSchema", "pveapi"];

/// The tree of the API in the script's text. Code before and behind it is skipped.
pub fn read_apidoc(origin: &str, text: &str) -> Result<Vec<Value>, CrawlError> {
    if text.trim().is_empty() {
        return Err(CrawlError::new(origin, 0, "empty"));
    }
    if super::is_html(text) {
        return Err(CrawlError::new(origin, 0, "an HTML page where a script was expected"));
    }
    let start = array_start(text).ok_or_else(|| {
        CrawlError::new(origin, 0, "no `apiSchema = [` in it: not the script of an API viewer")
    })?;
    let mut json = serde_json::Deserializer::from_str(&text[start..]);
    let tree = Vec::<Value>::deserialize(&mut json)
        .map_err(|error| CrawlError::json(origin, text, start, &error))?;
    if tree.is_empty() {
        return Err(CrawlError::new(origin, start, "the description is an empty list"));
    }
    Ok(tree)
}

/// Where the array begins: behind `name =`.
fn array_start(text: &str) -> Option<usize> {
    MARKERS.iter().find_map(|marker| {
        text.match_indices(marker).find_map(|(at, _)| {
            let rest = text[at + marker.len()..].trim_start().strip_prefix('=')?.trim_start();
            rest.starts_with('[').then(|| text.len() - rest.len())
        })
    })
}
