//! NetBox's error bodies, read into one shape.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

/// How much of a body is kept for messages.
const BODY_START: usize = 400;

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// NetBox's own words, where the error is not about fields.
    pub detail: Option<String>,
    /// What is wrong with which field of the object.
    pub fields: FieldErrors,
    /// What is wrong with which object of a bulk request.
    pub rows: Vec<RowError>,
    /// Class of the exception, when NetBox reports one with a 500. What it did was rolled back.
    pub exception: Option<String>,
    /// How long to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The first 400 characters of the body.
    pub body: String,
}

/// Messages by field; `__all__` and `non_field_errors` stand for the object as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldErrors(pub BTreeMap<String, Vec<String>>);

/// What is wrong with one object of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Which object.
    pub key: RowKey,
    /// What is wrong with it.
    pub fields: FieldErrors,
}

/// How a bulk error names its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKey {
    /// By its position in the request.
    Index(usize),
    /// By its id.
    Id(i64),
}

impl ApiError {
    /// Reads an error answer.
    pub(crate) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let mut error = Self { status, retry_after, ..Self::default() };
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => error.take_object(members),
            Ok(Value::Array(rows)) => error.take_rows(&rows),
            _ => error.detail = title(&String::from_utf8_lossy(body)),
        }
        error.body = String::from_utf8_lossy(body).chars().take(BODY_START).collect();
        error
    }

    /// Whether the database ended this request because it blocked another. It was rolled back, so it
    /// can be sent again, whatever its method.
    pub fn is_deadlock(&self) -> bool {
        self.status == 500
            && self.exception.is_some()
            && self.detail.as_deref().is_some_and(|words| words.contains("deadlock detected"))
    }

    fn take_object(&mut self, mut members: Map<String, Value>) {
        if let Some(exception) = members.get("exception").and_then(Value::as_str) {
            self.exception = Some(exception.to_owned());
            let words = members.get("error").and_then(Value::as_str);
            self.detail = words.map(str::to_owned);
            return;
        }
        // NetBox 4.7 names the rows of a bulk request that failed.
        if let Some(Value::Array(rows)) = members.get("errors") {
            self.rows = rows.iter().filter_map(named_row).collect();
            members.remove("errors");
        }
        if let Some(Value::String(detail)) = members.get("detail") {
            self.detail = Some(detail.clone());
            members.remove("detail");
        }
        self.fields = FieldErrors::read(&members);
    }

    fn take_rows(&mut self, rows: &[Value]) {
        let texts = rows.iter().all(Value::is_string);
        if texts && !rows.is_empty() {
            self.detail = Some(words(rows).join(" "));
            return;
        }
        let rows = rows.iter().enumerate().filter_map(|(index, row)| {
            Some(RowError {
                key: RowKey::Index(index),
                fields: FieldErrors::read(row.as_object()?),
            })
        });
        self.rows = rows.collect();
    }
}

impl FieldErrors {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages for one field.
    pub fn get(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// Reads `{"field": ["message"]}`; inner objects become `field.member`.
    pub(crate) fn read(members: &Map<String, Value>) -> Self {
        let mut errors = Self::default();
        errors.add("", members);
        errors
    }

    fn add(&mut self, prefix: &str, members: &Map<String, Value>) {
        for (name, value) in members {
            let name = format!("{prefix}{name}");
            match value {
                Value::Object(inner) => self.add(&format!("{name}."), inner),
                Value::Array(items) => {
                    self.0.entry(name).or_default().extend(words(items));
                }
                value => {
                    let items = std::slice::from_ref(value);
                    self.0.entry(name).or_default().extend(words(items));
                }
            }
        }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (field, messages)) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            let text = messages.join(" ");
            match field.as_str() {
                "__all__" | "non_field_errors" => f.write_str(text.trim_end_matches('.'))?,
                field => write!(f, "{field}: {}", text.trim_end_matches('.'))?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(detail) = &self.detail {
            write!(f, " {detail}")?;
        }
        if !self.fields.is_empty() {
            write!(f, " {}", self.fields)?;
        }
        let bad: Vec<&RowError> = self.rows.iter().filter(|row| !row.fields.is_empty()).collect();
        if let Some(first) = bad.first() {
            let key = match first.key {
                RowKey::Index(index) => format!("object {index} of the request"),
                RowKey::Id(id) => format!("object with id {id}"),
            };
            write!(f, " {key}: {}", first.fields)?;
            if bad.len() > 1 {
                write!(f, " (and {} more)", bad.len() - 1)?;
            }
        }
        let hint = match self.status {
            401 | 403 => "; check the token, its permissions and its allowed addresses",
            412 => "; somebody else changed the object, read it again",
            413 => "; send fewer objects at a time",
            429 => "; NetBox asks to slow down",
            500 if self.exception.is_some() => "; NetBox's log has the trace",
            _ => "",
        };
        f.write_str(hint)
    }
}

fn named_row(row: &Value) -> Option<RowError> {
    let index = row["index"].as_u64().and_then(|index| usize::try_from(index).ok());
    let key = index.map(RowKey::Index).or_else(|| row["id"].as_i64().map(RowKey::Id))?;
    let fields = match &row["errors"] {
        Value::Object(members) => FieldErrors::read(members),
        other => FieldErrors::read(&Map::from_iter([("__all__".to_owned(), other.clone())])),
    };
    Some(RowError { key, fields })
}

fn words(items: &[Value]) -> Vec<String> {
    let word = |item: &Value| match item {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    items.iter().map(word).collect()
}

/// What an HTML page calls itself; proxies answer with pages.
fn title(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_body_becomes_one_line() {
        let cases = [
            (
                400,
                r#"{"slug":["site with this slug already exists."]}"#,
                "400 slug: site with this slug already exists",
            ),
            (
                400,
                r#"{"custom_fields":{"zz":"Custom field 'zz' does not exist."}}"#,
                "400 custom_fields.zz: Custom field 'zz' does not exist",
            ),
            (
                400,
                r#"[{},{"__all__":["Two of a kind."]},{"name":["Too long."]}]"#,
                "400 object 1 of the request: Two of a kind (and 1 more)",
            ),
            (
                400,
                r#"{"detail":"1 of 2 failed","errors":[{"id":7,"errors":{"name":["Blank."]}}]}"#,
                "400 1 of 2 failed object with id 7: name: Blank",
            ),
            (
                403,
                r#"{"detail":"Invalid v1 token"}"#,
                "403 Invalid v1 token; check the token, its permissions and its allowed addresses",
            ),
            (404, "<html><title>Page \n Not Found</title></html>", "404 Page Not Found"),
            (
                500,
                r#"{"error":"duplicate key","exception":"IntegrityError"}"#,
                "500 duplicate key; NetBox's log has the trace",
            ),
            (400, r#"["Enter a valid value."]"#, "400 Enter a valid value."),
            (502, "", "502"),
        ];
        for (status, body, line) in cases {
            let error = ApiError::read(status, None, body.as_bytes());
            assert_eq!(error.to_string(), line);
        }
    }
}
