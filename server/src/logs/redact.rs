//! Leaves out of a text what looks like a secret.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// Names with values behind them, tokens that begin in a known way, and credentials in URLs.
const PATTERNS: [(&str, &str); 5] = [
    (
        r#"(?i)\b([\w-]*(?:password|passwd|secret|token|ticket|cookie|api[_-]?key|authorization|otp)[\w-]*["']?\s*[=:]\s*)(?:(")(?:[^"\\]|\\.)*"?|(')[^']*'?|(?:(?:bearer|basic|token)\s+)?[^\s"',;&}]+)"#,
        "${1}${2}${3}[redacted]${2}${3}",
    ),
    (r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+", "${1} [redacted]"),
    (r"\b(P(?:VE|BS|DM)APIToken)[=\s:][^\s,;]+", "${1}=[redacted]"),
    (r"\b(pxb|nbt)_[\w.]+", "${1}_[redacted]"),
    (r"(://)[^/\s:@]+:[^/\s@]+@", "${1}[redacted]@"),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    // Constants that the tests compile.
    PATTERNS.iter().filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, *with))).collect()
});

/// Whether there is anything to leave out: of most texts there is not, and one look says so.
static ANY: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(PATTERNS.map(|(pattern, _)| pattern)).ok());

/// The text without what looks like a secret.
pub fn redact(text: &str) -> String {
    if ANY.as_ref().is_some_and(|any| !any.is_match(text)) {
        return text.to_owned();
    }
    let redacted = COMPILED.iter().fold(Cow::Borrowed(text), |text, (pattern, with)| match pattern
        .replace_all(&text, *with)
    {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    });
    redacted.into_owned()
}

/// Whether what is called so is a secret, whatever its value looks like.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "ticket", "cookie", "key", "authorization", "otp"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
        assert!(ANY.is_some());
    }

    #[test]
    fn secrets_are_left_out_and_the_rest_stays() {
        for (text, expected) in [
            ("password=hunter2 user=root@pam", "password=[redacted] user=root@pam"),
            (r#"{"token_value": "s3cr3t", "a": 1}"#, r#"{"token_value": "[redacted]", "a": 1}"#),
            ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
            ("sent Bearer abc.def=", "sent Bearer [redacted]"),
            ("PVEAPIToken=root@pam!x=1-2-3 sent", "PVEAPIToken=[redacted] sent"),
            ("the key pxb_abcdefgh_0123456789 opens", "the key pxb_[redacted] opens"),
            ("at https://root:pw@host/x", "at https://[redacted]@host/x"),
            ("X-Proxbox-API-Key: abc", "X-Proxbox-API-Key: [redacted]"),
            (r#"password="correct horse" a=1"#, r#"password="[redacted]" a=1"#),
            (r#"{"password": "a\"b, c", "d": 2}"#, r#"{"password": "[redacted]", "d": 2}"#),
            ("secret='a, b' c", "secret='[redacted]' c"),
            ("run ended", "run ended"),
            ("no token was sent", "no token was sent"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
