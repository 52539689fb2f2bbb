//! Calls that change something: permitted by the endpoint, written down before they are sent, carried
//! out even when the client does not wait, and once only where it gives them a name.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use sdk_proxmox::Passed;
use serde_json::{Value, json};

use super::mask::{digest, masked, shortened};
use super::{Call, Sender, answer};
use crate::edge::{ApiError, App};
use crate::store::{AuditEntry, AuditRow, Written};

/// Answers of changes are a task's name or an error; more is passed on without being looked at.
const LONGEST: usize = 1 << 20;

/// Carries a change out.
pub(crate) async fn write(
    app: App,
    sender: Sender,
    call: Call,
    body: Option<Passed>,
) -> Result<Response, ApiError> {
    let row = &call.session.row;
    if !row.allow_writes {
        let detail = format!(
            "Proxmox endpoint {} is read-only; allow_writes on the endpoint opens it.",
            row.name
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "The endpoint is read-only", detail)
            .with("reason", "endpoint_writes_disabled")
            .with("endpoint_id", row.id));
    }
    let entry = AuditEntry {
        request_id: sender.id.0.to_string(),
        key_id: sender.caller.key,
        key_label: sender.caller.label.clone(),
        endpoint_id: row.id,
        endpoint: row.name.clone(),
        operation: call.operation.clone(),
        parameters: masked(call.op, &call.members),
        digest: digest(&call.members),
        idempotency_key: call.name.clone(),
    };
    // A client that hangs up must not leave a change that nobody knows the end of.
    let sent = app.consoles.tasks.spawn(begin(app.clone(), call, body, entry));
    sent.await.map_err(|error| ApiError::internal(&error))?
}

/// Writes down what is about to be sent, and sends it, unless the same was sent before.
async fn begin(
    app: App,
    call: Call,
    body: Option<Passed>,
    entry: AuditEntry,
) -> Result<Response, ApiError> {
    match app.store.add_audit(&entry).await? {
        Written::New(number) => {
            tracing::info!(
                endpoint = %entry.endpoint, operation = %entry.operation, key = entry.key_id,
                "change sent"
            );
            carry_out(app, call, body, number).await
        }
        Written::Before(before) => replayed(&before, &entry),
    }
}

async fn carry_out(
    app: App,
    call: Call,
    body: Option<Passed>,
    number: i64,
) -> Result<Response, ApiError> {
    let answered = match call.send(&app, body).await {
        Ok(forwarded) if forwarded.status() == StatusCode::UNAUTHORIZED => {
            // Whose credentials are refused has changed nothing.
            let refused = answer::passed_on(&call.session.row.name, forwarded);
            let told = refused.as_ref().err().map(ToString::to_string).unwrap_or_default();
            settle(&app, number, None, &told).await;
            return refused;
        }
        Ok(forwarded) => match answer::passed_on(&call.session.row.name, forwarded) {
            Ok(response) => read(response).await,
            Err(error) => Err(error),
        },
        Err(failed) if failed.sent => Err(failed.error),
        Err(failed) => {
            // A call that was never sent may be sent again under the same name.
            settle(&app, number, None, &failed.error.to_string()).await;
            return Err(failed.error);
        }
    };
    let (status, result, answered) = match answered {
        Ok((status, result, response)) => (Some(status), result, Ok(response)),
        Err(error) => (Some(error.status().as_u16()), error.to_string(), Err(error)),
    };
    settle(&app, number, status, &result).await;
    answered
}

/// Writes down what came of a change. Whoever asked for it is told of the change in any case.
async fn settle(app: &App, number: i64, status: Option<u16>, result: &str) {
    if let Err(error) = app.store.settle_audit(number, status, result).await {
        tracing::error!(%error, number, "what came of a change was not written down");
    }
}

/// What an answer says, and the answer again. Of a long one only the beginning is looked at.
async fn read(response: Response) -> Result<(u16, String, Response), ApiError> {
    let status = response.status().as_u16();
    let (parts, body) = response.into_parts();
    let mut chunks = body.into_data_stream();
    let mut seen = Vec::new();
    while seen.len() <= LONGEST {
        let Some(chunk) = chunks.next().await else { break };
        seen.extend_from_slice(&chunk.map_err(|error| {
            ApiError::bad_gateway("Proxmox broke off", format!("its answer broke off: {error}"))
        })?);
    }
    let told: Value = serde_json::from_slice(&seen).unwrap_or_default();
    // A task or an error; whatever else an answer holds may be a secret.
    let result = match (&told["data"], &told["message"]) {
        (Value::String(text), _) if text.starts_with("UPID:") => shortened(text),
        (_, Value::String(text)) => shortened(text.trim()),
        _ => String::new(),
    };
    let seen = futures_util::stream::iter([Ok(Bytes::from(seen))]);
    Ok((status, result, Response::from_parts(parts, Body::from_stream(seen.chain(chunks)))))
}

/// What came of the same request before.
fn replayed(before: &AuditRow, entry: &AuditEntry) -> Result<Response, ApiError> {
    let conflict = |detail: String| {
        Err(ApiError::new(StatusCode::CONFLICT, "This name was used before", detail))
    };
    let same = before.operation == entry.operation
        && before.endpoint_id == entry.endpoint_id
        && before.digest == entry.digest;
    if !same {
        return conflict(format!("Idempotency-Key was used for {}.", before.operation));
    }
    let Some(status) = before.status.and_then(|status| u16::try_from(status).ok()) else {
        return conflict(format!(
            "{} was sent at {} and has not been answered: look what became of it.",
            before.operation, before.at
        ));
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let body = match status.is_success() {
        true if before.result.as_ref().is_none_or(String::is_empty) => {
            json!({ "data": null, "detail": "It was done before; what was answered is not kept." })
        }
        true => json!({ "data": before.result }),
        false => json!({ "data": null, "message": before.result, "detail": before.result }),
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    Ok(response)
}
