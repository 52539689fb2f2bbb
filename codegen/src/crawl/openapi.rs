//! NetBox's schema: one OpenAPI document.

use serde_json::Value;

use super::CrawlError;

/// The OpenAPI document in the text.
pub fn read_openapi(origin: &str, text: &str) -> Result<Value, CrawlError> {
    if text.trim().is_empty() {
        return Err(CrawlError::new(origin, 0, "empty"));
    }
    if super::is_html(text) {
        let what = "an HTML page where a schema was expected; ask for /api/schema/?format=json";
        return Err(CrawlError::new(origin, 0, what));
    }
    let document: Value =
        serde_json::from_str(text).map_err(|error| CrawlError::json(origin, text, 0, &error))?;
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.") || !document["paths"].is_object() {
        let what = format!("no OpenAPI 3 document with paths (openapi: \"{version}\")");
        return Err(CrawlError::new(origin, 0, what));
    }
    Ok(document)
}
