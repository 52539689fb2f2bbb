//! Regular expressions of the descriptions.

#[cfg(feature = "patterns")]
pub(crate) use engine::matches;

/// Without the feature `patterns` no text is compared with a pattern.
#[cfg(not(feature = "patterns"))]
pub(crate) const fn matches(_: &'static str, _: &str) -> bool {
    true
}

#[cfg(feature = "patterns")]
mod engine {
    use std::collections::HashMap;
    use std::sync::{LazyLock, RwLock};

    use fancy_regex::Regex;

    type Compiled = HashMap<&'static str, Option<&'static Regex>>;

    static COMPILED: LazyLock<RwLock<Compiled>> = LazyLock::new(RwLock::default);

    /// Whether the whole text fits. Each pattern is compiled once. What the engine cannot read, or gives up on, fits: it is the
    /// server's to judge.
    pub(crate) fn matches(pattern: &'static str, text: &str) -> bool {
        let known = COMPILED.read().ok().and_then(|compiled| compiled.get(pattern).copied());
        let regex = known.unwrap_or_else(|| compile(pattern));
        regex.is_none_or(|regex| regex.is_match(text).unwrap_or(true))
    }

    /// Descriptions are static, so there is one expression per pattern for as long as the program runs.
    fn compile(pattern: &'static str) -> Option<&'static Regex> {
        let regex =
            Regex::new(&format!("^(?:{pattern})$")).ok().map(|regex| &*Box::leak(Box::new(regex)));
        if let Ok(mut compiled) = COMPILED.write() {
            return *compiled.entry(pattern).or_insert(regex);
        }
        regex
    }
}

#[cfg(all(test, feature = "patterns"))]
mod tests {
    use super::matches;

    #[test]
    fn the_whole_text_must_fit() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(matches("^a$|^b$", "b"));
        assert!(matches("(unreadable", "anything"));
    }
}
