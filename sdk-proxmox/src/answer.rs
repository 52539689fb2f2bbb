//! Reads an answer: what failed and why, or the value in its envelope.

use std::collections::BTreeMap;

use proxbox_runtime::{Decoded, Slot, Value, decode_member};

use crate::{ApiError, CallName, Error, Reply};

const START: usize = 500;

impl ApiError {
    /// Reads an answer with an error status.
    ///
    /// Since release 8.4 the text is in the member `message`; before, only in the reason phrase;
    /// pveproxy itself and proxies in front of it answer with plain text, HTML or nothing.
    pub fn read(call: CallName, reply: &Reply) -> Self {
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let reason = reply.reason.as_deref().map(str::trim).unwrap_or_default();
        let raw = start(&reply.body);
        let message = [
            body.get("message").and_then(Value::as_str).map(str::trim),
            Some(reason),
            Some(raw.trim()).filter(|text| body.is_null() && is_plain(text)),
            Some(in_words(reply.status)),
        ];
        let message = message.into_iter().flatten().find(|text| !text.is_empty());
        Self {
            call,
            status: reply.status,
            reason: reason.to_owned(),
            message: message.unwrap_or_default().to_owned(),
            errors: body.get("errors").map(field_errors).unwrap_or_default(),
            raw,
        }
    }
}

/// Passes answers with a success status; all others become errors.
pub(crate) fn check(call: CallName, reply: Reply) -> Result<Reply, Error> {
    match reply.status {
        200..300 => Ok(reply),
        _ => Err(Error::Api(Box::new(ApiError::read(call, &reply)))),
    }
}

/// Takes the value out of its envelope.
pub(crate) fn decode<T: Slot + Default>(
    call: CallName,
    reply: &Reply,
) -> Result<Decoded<T>, Error> {
    decode_member(&reply.body, "data").map_err(|source| unreadable(call, reply, source))
}

pub(crate) fn unreadable(call: CallName, reply: &Reply, source: serde_json::Error) -> Error {
    // What did not parse is not one of the answers that hold tickets, but keep it short.
    let start = start(&reply.body).chars().take(80).collect();
    Error::Decode { call, start, source }
}

fn start(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(START).collect()
}

fn is_plain(text: &str) -> bool {
    !text.starts_with('<') && !text.starts_with('{')
}

/// PVE sends a map of texts; an older or newer server may send anything.
fn field_errors(errors: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    match errors {
        Value::Object(fields) => {
            fields.iter().map(|(field, value)| (field.clone(), text(value))).collect()
        }
        Value::Null => BTreeMap::new(),
        other => BTreeMap::from([(String::new(), text(other))]),
    }
}

/// For answers that say nothing themselves.
fn in_words(status: u16) -> &'static str {
    match status {
        300..=399 => "redirected; use the address of a node itself",
        401 => "not authenticated; the token or ticket was not accepted",
        595 => "the node cannot be reached (no connection)",
        596 => "the node cannot be reached (TLS failed, or it took too long)",
        597..=599 => "the node ended the connection",
        status => http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("failed without a reason"),
    }
}

#[cfg(test)]
mod tests {
    use proxbox_runtime::Method;

    use super::*;

    fn error(status: u16, reason: Option<&str>, body: &str) -> Error {
        let call = CallName { method: Method::Get, path: "/nodes/pve9/qemu/100/config".into() };
        let reason = reason.map(str::to_owned);
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        check(call, Reply { status, reason, body, ..Reply::default() })
            .expect_err("an error status")
    }

    #[test]
    fn the_text_is_found_wherever_a_release_puts_it() {
        let missing = "Configuration file 'nodes/pve9/qemu-server/100.conf' does not exist";
        let cases = [
            (500, Some(missing), r#"{"data":null}"#.to_owned()),
            (500, None, format!(r#"{{"data":null,"message":"{missing}\n"}}"#)),
            (500, None, missing.to_owned()),
        ];
        for (status, reason, body) in cases {
            let error = error(status, reason, &body);
            assert_eq!(
                error.to_string(),
                format!("GET /nodes/pve9/qemu/100/config: 500 {missing}"),
            );
            assert!(error.is_not_found());
        }
    }

    #[test]
    fn an_answer_without_any_text_is_put_into_words() {
        assert!(error(401, None, "").to_string().ends_with("not accepted"));
        assert!(error(502, None, "<html>bad</html>").to_string().ends_with("502 Bad Gateway"));
    }

    #[test]
    fn refused_parameters_are_named() {
        let body = r#"{"data":null,"errors":{"vmid":"VM 100 already exists\n"}}"#;
        let error = error(400, Some("Parameter verification failed."), body);
        let shown = error.to_string();
        assert!(shown.ends_with("failed. (vmid: VM 100 already exists)"), "{shown}");
        assert!(error.is_conflict());
        assert!(!error.is_not_found());
        assert_eq!(error.field_errors().map(BTreeMap::len), Some(1));
    }

    #[test]
    fn statuses_and_texts_have_one_meaning() {
        type Test = fn(&Error) -> bool;
        let cases: &[(u16, &str, Test)] = &[
            (500, "hostname lookup 'x' failed - failed to get address", Error::is_node_unreachable),
            (500, "storage 'x' does not exist", Error::is_not_found),
            (500, "no such user ('x@pve')", Error::is_not_found),
            (404, "", Error::is_not_found),
            (595, "No route to host", Error::is_node_unreachable),
            (596, "", Error::is_node_unreachable),
            (501, "Method 'GET /x' not implemented", Error::is_not_implemented),
            (403, "Permission check failed (/, Sys.Audit)", Error::is_forbidden),
            (401, "No ticket", Error::is_auth),
            (500, "VM is locked (backup)", Error::is_locked),
            (500, "can't lock file '/run/lock/x' - got timeout", Error::is_locked),
            (500, "got timeout", Error::is_retryable),
            (500, "CT 100 already exists on node 'a'", Error::is_conflict),
        ];
        let tests: [Test; 6] = [
            Error::is_node_unreachable,
            Error::is_not_found,
            Error::is_not_implemented,
            Error::is_forbidden,
            Error::is_auth,
            Error::is_conflict,
        ];
        for (status, text, expected) in cases {
            let error = error(*status, Some(text), "");
            assert!(expected(&error), "{status} {text}");
            assert!(tests.iter().filter(|test| test(&error)).count() <= 1, "{status} {text}");
        }
    }
}
