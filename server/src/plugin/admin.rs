//! `/admin`: the log of late, and the state of the keys for credentials.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::console::taken_back;
use crate::edge::{ApiError, App, Body, Query};
use crate::logs::LogLine;
use crate::store::StoreError;

const MOST: usize = 5000;
const USUAL: usize = 200;

/// Which lines are wanted.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct Filters {
    level: Option<String>,
    errors_only: Option<bool>,
    operation_id: Option<String>,
    since: Option<String>,
    newer_than_id: Option<u64>,
    older_than_id: Option<u64>,
    #[serde(skip_serializing)]
    limit: Option<usize>,
    #[serde(skip_serializing)]
    offset: Option<usize>,
}

/// Answer of `/admin/logs`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    #[schema(value_type = Vec<LogLine>)]
    logs: Vec<Arc<LogLine>>,
    total: usize,
    has_more: bool,
    active_filters: Filters,
}

/// Answer of `/admin/encryption/status`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Encryption {
    attestation_version: u8,
    configured: bool,
    /// `env` or `local`
    active_key_source: &'static str,
    source: &'static str,
    encrypted_credentials_verified: bool,
    credentials: usize,
    credentials_opened: usize,
}

impl Filters {
    fn since(&self) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = &self.since else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(
                "The query is not valid",
                "since: a time as in 2026-01-31T12:00:00Z",
            )
        })
    }

    fn takes(&self, line: &LogLine, since: Option<Timestamp>) -> bool {
        let level = self.level.as_deref();
        let severe = matches!(line.level, "WARNING" | "ERROR");
        let time = || line.timestamp.parse::<Timestamp>().ok();
        level.is_none_or(|level| level.eq_ignore_ascii_case(line.level))
            && (self.errors_only != Some(true) || severe)
            && self.operation_id.as_ref().is_none_or(|id| line.operation_id.as_ref() == Some(id))
            && self.newer_than_id.is_none_or(|id| line.id > id)
            && self.older_than_id.is_none_or(|id| line.id < id)
            && since.is_none_or(|since| time().is_some_and(|time| time >= since))
    }
}

/// What was logged of late, newest first.
pub(super) async fn logs(
    State(app): State<App>,
    Query(filters): Query<Filters>,
) -> Result<Json<Page>, ApiError> {
    let since = filters.since()?;
    let mut logs = app.settings.logs.lines(|line| filters.takes(line, since));
    let total = logs.len();
    logs.reverse();
    let (offset, limit) =
        (filters.offset.unwrap_or(0), filters.limit.unwrap_or(USUAL).clamp(1, MOST));
    let logs: Vec<_> = logs.into_iter().skip(offset).take(limit).collect();
    let has_more = offset.saturating_add(logs.len()) < total;
    Ok(Json(Page { logs, total, has_more, active_filters: filters }))
}

/// What is logged, as it is.
pub(super) async fn stream(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(filters): Query<Filters>,
) -> Result<Response, ApiError> {
    let since = filters.since()?;
    let mut news = app.settings.logs.watch();
    let known = match filters.newer_than_id {
        Some(_) => app.settings.logs.lines(|line| filters.takes(line, since)),
        None => Vec::new(),
    };
    let mut seen = known.last().map_or(0, |line| line.id);
    let (keepalive, closing) = (app.settings.keepalive, app.runs.closing());
    let open = app.metrics.stream("logs");
    let taken_back = taken_back(app.clone(), caller, None);
    let frames = async_stream::stream! {
        let _open = open;
        let silence = tokio::time::sleep(keepalive);
        tokio::pin!(closing, silence, taken_back);
        for line in known {
            yield frame(&line);
        }
        loop {
            let line = tokio::select! {
                line = news.recv() => line,
                () = &mut silence => {
                    yield Bytes::from_static(b": keepalive\n\n");
                    silence.as_mut().reset(Instant::now() + keepalive);
                    continue;
                }
                reason = &mut taken_back => {
                    yield Bytes::from(format!("event: ended\ndata: {{\"reason\":\"{reason}\"}}\n\n"));
                    break;
                }
                () = &mut closing => {
                    yield Bytes::from_static(b"event: server_shutdown\ndata: {}\n\n");
                    break;
                }
            };
            match line {
                Ok(line) if line.id > seen && filters.takes(&line, since) => {
                    seen = line.id;
                    yield frame(&line);
                }
                // A line that is not wanted says nothing to the client.
                Ok(_) => continue,
                Err(RecvError::Lagged(missed)) => {
                    yield Bytes::from(format!("event: gap\ndata: {{\"missed\":{missed}}}\n\n"));
                }
                Err(RecvError::Closed) => break,
            }
            silence.as_mut().reset(Instant::now() + keepalive);
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let frames = futures_util::StreamExt::map(frames, Ok::<_, Infallible>);
    Ok((headers, HttpBody::from_stream(frames)).into_response())
}

fn frame(line: &LogLine) -> Bytes {
    // A line of texts and numbers always becomes JSON.
    let data = serde_json::to_string(line).unwrap_or_default();
    format!("id: {}\nevent: log\ndata: {data}\n\n", line.id).into()
}

/// Body of POST `/admin/encryption/key`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnKey {
    /// 16 characters or more, without commas and spaces.
    #[schema(write_only)]
    key: String,
}

/// Seals all credentials anew with a key of the operator's own.
pub(super) async fn set_key(
    State(app): State<App>,
    Body(body): Body<OwnKey>,
) -> Result<Json<Encryption>, ApiError> {
    let key = SecretString::from(body.key);
    if key.expose_secret().contains(|c: char| c == ',' || c.is_whitespace() || c.is_control()) {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = "key: commas and spaces stand between keys and not within one";
        return Err(ApiError::new(status, "The key is not valid", detail));
    }
    rotate(&app, Some(&key)).await
}

/// Seals all credentials anew with a new key.
pub(super) async fn generate_key(State(app): State<App>) -> Result<Json<Encryption>, ApiError> {
    rotate(&app, None).await
}

/// Forgets the key, where nothing is sealed with it.
pub(super) async fn delete_key(State(app): State<App>) -> Result<Json<Encryption>, ApiError> {
    let sealed = app.store.attest().await?.sealed;
    if sealed > 0 {
        let detail = format!(
            "{sealed} credentials are sealed with the key; delete their endpoints, or replace the key."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "The key is in use", detail));
    }
    rotate(&app, None).await
}

async fn rotate(app: &App, key: Option<&SecretString>) -> Result<Json<Encryption>, ApiError> {
    if app.store.attest().await?.source != "local" {
        return Err(StoreError::KeysAreGiven.into());
    }
    let rotation = app.store.rotate(key).await?;
    tracing::info!(credentials = rotation.resealed, "sealed anew");
    encryption(State(app.clone())).await
}

/// Where the keys for credentials come from, and whether they open all of them.
pub(super) async fn encryption(State(app): State<App>) -> Result<Json<Encryption>, ApiError> {
    let attested = app.store.attest().await?;
    Ok(Json(Encryption {
        attestation_version: 1,
        configured: true,
        active_key_source: attested.source,
        source: attested.source,
        encrypted_credentials_verified: attested.is_whole(),
        credentials: attested.sealed,
        credentials_opened: attested.opened,
    }))
}
