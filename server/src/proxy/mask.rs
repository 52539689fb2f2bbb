//! Parameters without their secrets, for the audit.

use proxbox_runtime::{FieldFlags, Op};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::logs::redact;

const MASK: &str = "[masked]";

/// Parts of names whose values are secrets, whatever the description says.
const WORDS: [&str; 9] =
    ["password", "secret", "token", "ticket", "privkey", "private", "apikey", "-key", "header"];

/// Names whose values may hold anything: keys, commands, what is typed or written into files.
const NAMES: [&str; 9] = [
    "key",
    "keys",
    "data",
    "command",
    "commands",
    "content",
    "input-data",
    "decryption-keys",
    "shadow",
];

/// Long texts are cut: the audit is no store of files.
const LONGEST: usize = 500;

/// The parameters without their secrets.
pub(super) fn masked(op: &Op, members: &Map<String, Value>) -> Value {
    let shown = |name: &str, value: &Value| match is_secret(op, name) {
        true => Value::from(MASK),
        false => cut(value),
    };
    members.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect()
}

fn is_secret(op: &Op, name: &str) -> bool {
    let flagged = op.params.field(name).is_some_and(|field| field.flags.has(FieldFlags::SECRET));
    // A token's name is in the path, and no secret.
    let in_path = op.params.field(name).is_some_and(|field| field.flags.has(FieldFlags::PATH));
    let lower = name.to_ascii_lowercase();
    flagged
        || (!in_path
            && (NAMES.contains(&lower.as_str()) || WORDS.iter().any(|word| lower.contains(word))))
}

/// The beginning of a text.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn cut(value: &Value) -> Value {
    match value {
        // URLs hold credentials, and commands options.
        Value::String(text) => shortened(&redact(text)).into(),
        // Lists and objects are shown as the text that they are sent as.
        Value::Array(_) | Value::Object(_) if value.to_string().len() > LONGEST => {
            cut(&value.to_string().into())
        }
        other => other.clone(),
    }
}

/// What tells these parameters from others, the secrets among them, without telling any.
pub(crate) fn digest(parameters: &impl serde::Serialize) -> Vec<u8> {
    // Names and values of JSON always become a text.
    let text = serde_json::to_vec(parameters).unwrap_or_default();
    Sha256::digest(text).to_vec()
}

#[cfg(test)]
mod tests {
    use sdk_proxmox::Product;
    use serde_json::json;

    use super::super::table::api_of;
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        let op = |method, path| api_of(Product::Pve).find(method, path).unwrap().op;
        for (method, path, given, expected) in [
            (
                "POST",
                "/access/users",
                json!({"userid": "a@pve", "password": "hunter2"}),
                json!({"userid": "a@pve", "password": MASK}),
            ),
            (
                "PUT",
                "/nodes/a/qemu/100/config",
                json!({"cipassword": "hunter2", "memory": "2048", "vmid": 100}),
                json!({"cipassword": MASK, "memory": "2048", "vmid": 100}),
            ),
            (
                "PUT",
                "/cluster/options",
                json!({"http_proxy": "http://u:hunter2@proxy:3128"}),
                json!({"http_proxy": "http://[redacted]@proxy:3128"}),
            ),
            (
                "POST",
                "/access/users/a@pve/token/ci",
                json!({"tokenid": "ci", "comment": "x"}),
                json!({"tokenid": "ci", "comment": "x"}),
            ),
        ] {
            let given = given.as_object().unwrap().clone();
            assert_eq!(masked(op(method, path), &given), expected, "{path}");
        }
    }
}
