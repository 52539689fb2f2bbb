//! Calls that change something: permitted by the endpoint, written down before they are sent, carried
//! out even when the client does not wait, and once only where it gives them a name.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sdk_proxmox::Passed;
use serde_json::{Value, json};

use super::mask::masked;
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
        idempotency_key: call.name.clone(),
    };
    let number = match app.store.add_audit(&entry).await? {
        Written::New(number) => number,
        Written::Before(before) => return replayed(&before, &entry),
    };
    tracing::info!(
        endpoint = %entry.endpoint, operation = %entry.operation, key = entry.key_id, "change sent"
    );
    // A client that hangs up must not leave a change that nobody knows the end of.
    let sent = tokio::spawn(async move { carry_out(app, call, body, number).await });
    sent.await.map_err(|error| ApiError::internal(&error))?
}

async fn carry_out(
    app: App,
    call: Call,
    body: Option<Passed>,
    number: i64,
) -> Result<Response, ApiError> {
    let answered = match call.send(&app, body).await {
        Ok(forwarded) => match answer::passed_on(&call.session.row.name, forwarded) {
            Ok(response) => read(response).await,
            Err(error) => Err(error),
        },
        Err(failed) if failed.sent => Err(failed.error),
        Err(failed) => {
            // A call that was never sent may be sent again under the same name.
            app.store.settle_audit(number, None, &failed.error.to_string()).await?;
            return Err(failed.error);
        }
    };
    let (status, result, answered) = match answered {
        Ok((status, result, response)) => (Some(status), result, Ok(response)),
        Err(error) => (Some(error.status().as_u16()), error.to_string(), Err(error)),
    };
    app.store.settle_audit(number, status, &result).await?;
    answered
}

/// What an answer says, and the answer again.
async fn read(response: Response) -> Result<(u16, String, Response), ApiError> {
    let status = response.status().as_u16();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST).await.map_err(|error| {
        ApiError::bad_gateway("Proxmox did not do it", format!("its answer broke off: {error}"))
    })?;
    let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let result = match (&told["data"], &told["message"]) {
        (Value::String(text), _) => text.clone(),
        (_, Value::String(text)) => text.trim().to_owned(),
        _ => String::new(),
    };
    Ok((status, result, Response::from_parts(parts, Body::from(bytes))))
}

/// What came of the same request before.
fn replayed(before: &AuditRow, entry: &AuditEntry) -> Result<Response, ApiError> {
    let conflict = |detail: String| {
        Err(ApiError::new(StatusCode::CONFLICT, "This name was used before", detail))
    };
    let same = before.operation == entry.operation
        && before.endpoint_id == entry.endpoint_id
        && before.parameters == entry.parameters.to_string();
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
        true => json!({ "data": before.result }),
        false => json!({ "data": null, "message": before.result, "detail": before.result }),
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    Ok(response)
}
