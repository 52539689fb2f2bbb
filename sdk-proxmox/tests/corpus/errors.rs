//! Refusals and failures: each becomes an error that says what Proxmox said and knows its class.

use bytes::Bytes;
use proxbox_runtime::Method;
use sdk_proxmox::{ApiError, CallName, Error, Reply};
use serde_json::Value;

use crate::{Recording, Tally};

/// Tries all recordings with an error status.
pub(crate) fn check(recordings: &[Recording]) -> Tally {
    let mut tally = Tally::default();
    for recording in recordings.iter().filter(|recording| recording.status >= 300) {
        tally.tried += 1;
        let wrong = class_and_text(recording).err();
        tally.wrong.extend(wrong.map(|why| format!("{}: {why}", recording.file)));
    }
    tally
}

fn class_and_text(recording: &Recording) -> Result<(), String> {
    let call = CallName { method: Method::Get, path: recording.path.as_str().into() };
    let body = Bytes::from(recording.body.clone());
    let reply = Reply {
        status: recording.status,
        reason: recording.reason.clone(),
        body,
        ..Reply::default()
    };
    let error = Error::Api(Box::new(ApiError::read(call, &reply)));
    let shown = error.to_string();
    let said = said(recording);
    if let Some(text) = said.iter().find(|text| !shown.contains(text.trim())) {
        return Err(format!("`{shown}` does not say `{text}`"));
    }
    let says = |needle: &str| said.iter().any(|text| text.contains(needle));
    let status = recording.status;
    let lookup = says("hostname lookup");
    let missing = says("does not exist") || says("no such ") || says("No such ");
    let classes: [(&str, bool, bool); 6] = [
        ("authentication", status == 401, error.is_auth()),
        ("forbidden", status == 403, error.is_forbidden()),
        ("not implemented", status == 501, error.is_not_implemented()),
        ("unreachable", (595..600).contains(&status) || lookup, error.is_node_unreachable()),
        ("not found", status == 404 || (missing && !lookup), error.is_not_found()),
        ("conflict", says("already exists"), error.is_conflict()),
    ];
    match classes.iter().find(|(_, expected, is)| expected != is) {
        Some((class, expected, _)) => {
            Err(format!("`{shown}` is {}{class}", if *expected { "not " } else { "" }))
        }
        None => Ok(()),
    }
}

/// All texts of a recorded failure: reason phrase or message, and one per parameter.
fn said(recording: &Recording) -> Vec<String> {
    let body: Value = serde_json::from_slice(&recording.body).unwrap_or_default();
    let message = body.get("message").and_then(Value::as_str).map(str::to_owned);
    let fields = body.get("errors").and_then(Value::as_object).into_iter().flatten();
    let fields = fields.filter_map(|(_, text)| text.as_str().map(str::to_owned));
    message.or_else(|| recording.reason.clone()).into_iter().chain(fields).collect()
}
