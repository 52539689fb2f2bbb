//! What a request gives for an operation, checked against its description before anything is sent.

use axum::body::{Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use proxbox_runtime::{
    FieldFlags, Kind, Matched, Op, OpFlags, Release, Scalar, Violation, takes_slashes,
    unavailable_members, validate_params,
};
use sdk_proxmox::Passed;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::target::Filter;
use super::upload;
use crate::edge::{ApiError, BODY_LIMIT, read_body};

/// What a request gives.
pub(super) struct Given {
    pub(super) op: &'static Op,
    /// All parameters, those in the path among them.
    pub(super) members: Map<String, Value>,
    /// Which endpoint is meant.
    pub(super) filter: Filter,
    /// A file that is passed on as it comes.
    pub(super) body: Option<Passed>,
    /// What the client calls the request, so that sending it again does nothing more.
    pub(super) name: Option<String>,
}

/// Reads query and body, and checks them. `release` is the one that the path names.
pub(super) async fn read(
    matched: Matched,
    request: Request,
    release: Option<Release>,
) -> Result<Given, ApiError> {
    let Matched { op, values } = matched;
    let name = idempotency_key(request.headers())?;
    let mut filter = Filter::default();
    let mut members = Map::new();
    let query = request.uri().query().unwrap_or_default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !filter.take(op, &name, &value)? {
            add(&mut members, &name, value.into_owned().into());
        }
    }
    let (sent, body) = match request.body().is_end_stream() {
        true => (Map::new(), None),
        false => Box::pin(read_members(op, request)).await?,
    };
    for (name, value) in sent {
        add(&mut members, &name, value);
    }
    for (name, value) in values {
        let broken = |rule| {
            let violation = Violation { field: name.to_owned(), rule, given: String::new() };
            Err(refused(op, &[violation]))
        };
        if value.contains('/') && !takes_slashes(name) {
            return broken("must be one segment of the path".to_owned());
        }
        let again = members.insert(name.to_owned(), value.clone().into());
        if again.is_some_and(|again| shown(&again) != value) {
            return broken(format!("is {value} in the path and something else beside it"));
        }
    }
    say_truth_in_numbers(op, &mut members);
    check(op, &members)?;
    if let Some(missing) = release.and_then(|release| unavailable_members(op, &members, release)) {
        let detail =
            format!("{}: {}; this is {}.", missing.what, missing.availability, missing.release);
        return Err(ApiError::bad_request("Parameter verification failed.", detail));
    }
    Ok(Given { op, members, filter, body, name })
}

/// A value as a path has it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Refuses parameters that break a rule of the operation.
pub(super) fn check(op: &Op, members: &Map<String, Value>) -> Result<(), ApiError> {
    let broken = validate_params(op, members);
    if broken.is_empty() { Ok(()) } else { Err(refused(op, &broken)) }
}

/// The parameters of a read: those in its path, and what a query has of the others. An empty one counts
/// as none.
pub(crate) fn narrowed(
    op: &Op,
    mut members: Map<String, Value>,
    query: &str,
) -> Result<Map<String, Value>, ApiError> {
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = op.params.field(&name);
        if !value.is_empty() && field.is_some_and(|field| !field.flags.has(FieldFlags::PATH)) {
            add(&mut members, &name, value.into_owned().into());
        }
    }
    say_truth_in_numbers(op, &mut members);
    check(op, &members)?;
    Ok(members)
}

/// A parameter that comes again makes a list.
fn add(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.get_mut(name) {
        None => _ = members.insert(name.to_owned(), value),
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

async fn read_members(
    op: &Op,
    mut request: Request,
) -> Result<(Map<String, Value>, Option<Passed>), ApiError> {
    let kind = content_type(request.headers());
    if kind == "multipart/form-data" {
        if !op.flags.has(OpFlags::UPLOAD) {
            return Err(unsupported(format!("{op} takes no file.")));
        }
        let (members, file) = upload::read(request).await?;
        return Ok((members, Some(file)));
    }
    DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
    let bytes: Bytes = read_body(Bytes::from_request(request, &())).await?;
    if bytes.is_empty() {
        return Ok((Map::new(), None));
    }
    let members = match kind.as_str() {
        "application/json" => json(&bytes)?,
        "application/x-www-form-urlencoded" => form(&bytes),
        _ => {
            let takes = "application/json or application/x-www-form-urlencoded";
            return Err(unsupported(format!("Send Content-Type: {takes}.")));
        }
    };
    Ok((members, None))
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Without what was sent: it may be a password.
        let detail = format!(
            "A JSON object of parameters is expected, see line {} column {}.",
            error.line(),
            error.column()
        );
        ApiError::bad_request("The body is not valid", detail)
    })
}

fn form(bytes: &[u8]) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        add(&mut members, &name, value.into_owned().into());
    }
    members
}

pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn unsupported(detail: String) -> ApiError {
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not understood", detail)
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The name that a client gives a request.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=255).contains(&text.trim().len()) => Ok(Some(text.trim().to_owned())),
        _ => {
            let detail = "Idempotency-Key: 1 to 255 visible characters.";
            Err(ApiError::bad_request("The header is not valid", detail))
        }
    }
}

/// Proxmox takes 1 and 0 where people write true and false.
fn say_truth_in_numbers(op: &Op, members: &mut Map<String, Value>) {
    for (name, value) in members {
        let is_bool = op.params.field(name).is_some_and(|field| matches!(field.kind, Kind::Bool));
        if let (true, Value::String(text)) = (is_bool, &*value)
            && let Some(truth) = Scalar::Text(text).as_bool()
        {
            *value = i64::from(truth).into();
        }
    }
}

/// 400 with each rule that is broken: in a sentence, and by field as Proxmox has it.
fn refused(op: &Op, broken: &[Violation]) -> ApiError {
    let secret = |violation: &Violation| {
        let field = op.params.field(violation.field.split('.').next().unwrap_or_default());
        field.is_some_and(|field| field.flags.has(FieldFlags::SECRET))
    };
    let shown = |violation: &Violation| match secret(violation) {
        true => Violation { given: String::new(), ..violation.clone() }.to_string(),
        false => violation.to_string(),
    };
    let detail: Vec<String> = broken.iter().map(shown).collect();
    let errors: Map<String, Value> = broken
        .iter()
        .map(|violation| (violation.field.clone(), violation.rule.clone().into()))
        .collect();
    ApiError::bad_request("Parameter verification failed.", detail.join("; "))
        .with("errors", errors)
        .with("data", Value::Null)
}
