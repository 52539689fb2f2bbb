//! Why no description was found in what a source gave.

use thiserror::Error;

/// A source whose content is not a description.
#[derive(Debug, Error)]
#[error("{origin}, byte {byte}: {what}; the spec in specs/ is kept")]
pub struct CrawlError {
    /// The file or URL that was read.
    pub origin: String,
    /// Where reading stopped, counted from 0.
    pub byte: usize,
    /// What is wrong there.
    pub what: String,
}

impl CrawlError {
    pub(crate) fn new(origin: &str, byte: usize, what: impl Into<String>) -> Self {
        Self { origin: origin.to_owned(), byte, what: what.into() }
    }

    /// A JSON error, its line and column turned into a byte of the whole text.
    pub(crate) fn json(origin: &str, text: &str, start: usize, error: &serde_json::Error) -> Self {
        let json = &text[start..];
        let line_start: usize =
            json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        // Columns count from 1; at the end of the text there is no character to point at.
        let column = error.column().saturating_sub(usize::from(!error.is_eof()));
        let byte = (start + line_start + column).min(text.len());
        let what = if error.is_eof() {
            "the text ends inside the description: it was cut off".to_owned()
        } else {
            format!("not JSON: {error}")
        };
        Self::new(origin, byte, what)
    }
}
