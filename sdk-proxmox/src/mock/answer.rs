//! What the handlers answer, and how it goes over the wire.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

/// A success: `data`, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Answer {
    pub(crate) data: Value,
    pub(crate) beside: Map<String, Value>,
}

/// A refusal or failure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) errors: BTreeMap<String, String>,
}

pub(crate) type Outcome = Result<Answer, Refusal>;

impl From<Value> for Answer {
    fn from(data: Value) -> Self {
        Self { data, beside: Map::new() }
    }
}

/// The answer of a handler.
pub(crate) fn data(data: impl Into<Value>) -> Outcome {
    Ok(Answer::from(data.into()))
}

/// A refusal with this status and text.
pub(crate) fn refuse(status: u16, text: impl Into<String>) -> Refusal {
    Refusal { status, text: text.into(), errors: BTreeMap::new() }
}

/// The failure that Proxmox uses for almost everything.
pub(crate) fn failed(text: impl Into<String>) -> Refusal {
    refuse(500, text)
}

/// Parameters that were refused.
pub(crate) fn bad_params(errors: BTreeMap<String, String>) -> Refusal {
    Refusal { status: 400, text: "Parameter verification failed.".into(), errors }
}

/// One parameter that was refused.
pub(crate) fn bad_param(name: &str, text: impl Into<String>) -> Refusal {
    bad_params(BTreeMap::from([(name.to_owned(), text.into())]))
}

impl Refusal {
    /// Refusals of pveproxy itself, and of the connection to another node, have no body.
    fn is_bare(&self) -> bool {
        self.status == 401 || self.status >= 595
    }

    /// The text, with the parameters that were refused.
    fn plain(&self) -> String {
        let errors = self.errors.iter().map(|(field, text)| format!("parameter '{field}': {text}"));
        let errors: Vec<String> = errors.collect();
        if errors.is_empty() { self.text.clone() } else { errors.join("; ") }
    }

    fn body(&self, with_message: bool) -> Option<Value> {
        if self.is_bare() {
            return None;
        }
        let mut body = json!({ "data": null });
        if with_message {
            body["message"] = format!("{}\n", self.text).into();
        }
        if !self.errors.is_empty() {
            let errors: Map<_, _> = self
                .errors
                .iter()
                .map(|(field, text)| (field.clone(), format!("{text}\n").into()))
                .collect();
            body["errors"] = errors.into();
        }
        Some(body)
    }
}

/// Where the text of an error is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Told {
    /// In the reason phrase alone: PVE before 8.4.
    Reason,
    /// There, and in the body's `message`.
    Message,
    /// The body is the text, though the header says JSON: the products in Rust.
    Plain,
}

/// The HTTP answer.
pub(crate) fn response(outcome: &Outcome, told: Told) -> Response {
    let (status, reason, body) = match outcome {
        Ok(answer) => {
            let mut body = answer.beside.clone();
            body.insert("data".into(), answer.data.clone());
            (200, None, Some(Value::from(body).to_string()))
        }
        Err(refusal) if told == Told::Plain => (refusal.status, None, Some(refusal.plain())),
        Err(refusal) => {
            let body = refusal.body(told == Told::Message);
            (refusal.status, Some(&refusal.text), body.map(|body| body.to_string()))
        }
    };
    let mut response = Response::new(Body::from(body.clone().unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if body.is_some() {
        let json = HeaderValue::from_static("application/json;charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
    }
    if status >= 400 {
        // pveproxy ends the connection after every error.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let phrase = reason.map(|reason| reason.replace(['\r', '\n'], " "));
    if let Some(Ok(phrase)) =
        phrase.map(|text| hyper::ext::ReasonPhrase::try_from(text.into_bytes()))
    {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A page of HTML instead of an answer.
pub(crate) fn page(status: u16, html: &str) -> Response {
    let mut response = Response::new(Body::from(html.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// The same answer with a body that ends in the middle.
pub(crate) async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let chunks = [Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
    Response::from_parts(parts, Body::from_stream(futures_util::stream::iter(chunks)))
}
