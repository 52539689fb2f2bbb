//! What a request is answered with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// An answer: status, body, and an ETag where NetBox gives one.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Content,
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
}

#[derive(Debug)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    Html(String),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Content::Json(body), etag: None, location: None }
    }

    pub(super) fn nothing(status: u16) -> Self {
        Self { body: Content::Nothing, ..Self::json(status, Value::Null) }
    }

    pub(super) fn detail(status: u16, detail: impl Into<String>) -> Self {
        Self::json(status, json!({ "detail": detail.into() }))
    }

    pub(super) fn page(status: u16, title: &str, text: &str) -> Self {
        let page = format!(
            "<html>\n  <head>\n    <title>{title}</title>\n  </head>\n  <body>\n    \
             <h1><p>{title}</p></h1>\n    {text}\n  </body>\n</html>\n"
        );
        Self { body: Content::Html(page), ..Self::json(status, Value::Null) }
    }

    /// How NetBox reports what it did not foresee.
    pub(super) fn exception(name: &str, words: &str) -> Self {
        let body = json!({
            "error": words,
            "exception": name,
            "netbox_version": super::route::VERSION,
            "python_version": "3.12.1",
        });
        Self::json(500, body)
    }

    pub(super) fn tagged(mut self, last_updated: Option<&str>) -> Self {
        self.etag = last_updated.map(etag);
        self
    }
}

/// NetBox's ETag: the time of the last change, with an offset where bodies have a Z.
pub(super) fn etag(last_updated: &str) -> String {
    let time = last_updated.trim_end_matches('Z');
    format!("W/\"{time}+00:00\"")
}

/// What is wrong with one object.
#[derive(Debug, Default, Clone)]
pub(super) struct Errors(BTreeMap<String, Value>);

impl Errors {
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        let entry = self.0.entry(field.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(messages) = entry {
            messages.push(Value::String(message.into()));
        }
    }

    /// What something is wrong with.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes what is wrong with one thing back.
    pub(super) fn remove(&mut self, field: &str) {
        self.0.remove(field);
    }

    /// What is wrong with a field, in a form of its own.
    pub(super) fn put(&mut self, field: &str, errors: Value) {
        self.0.insert(field.to_owned(), errors);
    }

    /// An error inside a field: `{"custom_fields": {"name": "message"}}`.
    pub(super) fn add_inner(&mut self, field: &str, name: &str, message: String) {
        let entry = self.0.entry(field.to_owned()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(members) = entry {
            members.insert(name.to_owned(), Value::String(message));
        }
    }

    pub(super) fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0.into_iter().collect())
    }
}
