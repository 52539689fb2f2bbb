//! Regular expressions of both dialects in the one form that Rust's engines read.

/// The expression for the whole text, in Rust's spelling.
///
/// Perl's prints compiled parts as `(?^i:…)`, has `\0` and leaves out lower bounds (`{,5}`), and is
/// anchored by the server. PBS and PDM write `/^…$/`; without `^` and `$` any part may match.
pub fn in_rust(pattern: &str) -> String {
    let slashed = pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with('/');
    let whole = match slashed {
        true => unslashed(&pattern[1..pattern.len() - 1]),
        false => pattern.to_owned(),
    };
    let mut text = String::with_capacity(whole.len());
    let mut rest = whole.as_str();
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let (new, length) = match c {
            '\\' if rest.starts_with("\\0") => ("\\x00", 2),
            '\\' => {
                let length = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                (&rest[..length], length)
            }
            '(' if !in_class && rest.starts_with("(?^:") => ("(?:", 4),
            '(' if !in_class && rest.starts_with("(?^") => ("(?", 3),
            '{' if !in_class && rest.starts_with("{,") => ("{0,", 2),
            '[' => {
                in_class = true;
                // A bracket right behind the opening one is a member of the class.
                let length = ["[^]", "[]", "[^"]
                    .iter()
                    .find(|s| rest.starts_with(**s))
                    .map_or(1, |s| s.len());
                (&rest[..length], length)
            }
            ']' => {
                in_class = false;
                ("]", 1)
            }
            other => (&rest[..other.len_utf8()], other.len_utf8()),
        };
        text.push_str(new);
        rest = &rest[length..];
    }
    text
}

fn unslashed(inner: &str) -> String {
    // With lines of their own for `^` and `$`, one line that fits is enough.
    if let Some(body) = inner.strip_prefix("(?m)") {
        return format!("[\\s\\S]*(?m:{body})[\\s\\S]*");
    }
    let body = inner;
    let start = if body.starts_with('^') { "" } else { "[\\s\\S]*" };
    let end = if body.ends_with('$') && !body.ends_with("\\$") { "" } else { "[\\s\\S]*" };
    format!("{start}{body}{end}")
}

#[cfg(test)]
mod tests {
    use super::in_rust;

    #[test]
    fn spellings_of_perl_and_of_slashes_are_rewritten() {
        let cases = [
            ("(?^:a(?^i:b))", "(?:a(?i:b))"),
            ("[^\\0]{,4}", "[^\\x00]{0,4}"),
            ("/^a$/", "^a$"),
            ("/a/", "[\\s\\S]*a[\\s\\S]*"),
            ("/(?m)^a$/", "[\\s\\S]*(?m:^a$)[\\s\\S]*"),
            ("\\(?^x", "\\(?^x"),
            ("[(?^:]", "[(?^:]"),
        ];
        for (upstream, rust) in cases {
            assert_eq!(in_rust(upstream), rust);
        }
    }
}
