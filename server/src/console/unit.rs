//! Names of systemd units, as far as they are passed on.

use crate::edge::ApiError;

/// Longer names are none of systemd's.
const LONGEST: usize = 255;

/// The name of a unit: what systemd itself writes into one, and nothing that a shell or journalctl would
/// take for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit(String);

impl Unit {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let known = |c: char| c.is_ascii_alphanumeric() || "@._:\\-".contains(c);
        let is_name = (1..=LONGEST).contains(&text.len())
            && text.chars().all(known)
            && !text.starts_with('-');
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => {
                let detail =
                    "service: letters, digits and @._:\\- as systemd writes them, up to 255";
                Err(ApiError::bad_request("The query is not valid", detail))
            }
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units_are_taken_and_nothing_else() {
        for text in ["nginx", "ssh.service", "getty@tty1.service", r"dev-disk\x2d1.swap", "a:b"] {
            assert_eq!(Unit::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "-u",
            "--file=/etc/shadow",
            "a b",
            "a;b",
            "a|b",
            "$(id)",
            "`id`",
            "!ls",
            "a'b",
            "a\"b",
            "a\nb",
            "a/b",
            "../x",
            "ü",
            "a&b",
            "*",
            &"a".repeat(256),
        ] {
            assert!(Unit::parse(text).is_err(), "{text}");
        }
    }
}
