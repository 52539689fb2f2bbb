//! Commands in guests are written down like changes of Proxmox.

use serde_json::json;

use super::guest::Guest;
use crate::edge::{ApiError, App};
use crate::proxy::{Sender, digest};
use crate::store::{AuditEntry, Written};

/// Writes down that a command is about to run; the number settles the entry.
pub(super) async fn begin(
    app: &App,
    sender: &Sender,
    guest: &Guest,
    argv: &[String],
) -> Result<i64, ApiError> {
    let entry = AuditEntry {
        request_id: sender.id.0.to_string(),
        key_id: sender.caller.key,
        key_label: sender.caller.label.clone(),
        endpoint_id: guest.session.row.id,
        endpoint: guest.session.row.name.clone(),
        operation: format!("EXEC /nodes/{}/{}/{}", guest.node, guest.kind.word(), guest.vmid),
        // Arguments may be anything: a password, too.
        parameters: json!({ "command": argv.first(), "arguments": argv.len().saturating_sub(1) }),
        digest: digest(&argv),
        idempotency_key: None,
    };
    match app.store.add_audit(&entry).await? {
        Written::New(number) => Ok(number),
        Written::Before(row) => Ok(row.id),
    }
}

/// Writes down what came of it.
pub(super) async fn end(app: &App, number: i64, status: u16, result: &str) {
    if let Err(error) = app.store.settle_audit(number, Some(status), result).await {
        tracing::error!(%error, "the end of a command was not written down");
    }
}
