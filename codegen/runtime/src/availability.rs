//! Since when and until when upstream has something.

use std::fmt;
use std::str::FromStr;

/// A release of a product: `9.1.3`. What is not stated is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u16, pub u16, pub u16);

impl Release {
    /// `9.1` of `9.1.3`: the part that servers and descriptions of one release share.
    pub const fn line(self) -> (u16, u16) {
        (self.0, self.1)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)?;
        match self.2 {
            0 => Ok(()),
            patch => write!(f, ".{patch}"),
        }
    }
}

/// A text that does not begin with a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRelease(pub String);

impl fmt::Display for NoRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no release such as 9.1 or 9.1.3", self.0)
    }
}

impl std::error::Error for NoRelease {}

impl FromStr for Release {
    type Err = NoRelease;

    /// Reads `9.1`, `9.1.3`, `6.2-4`, `9.0.0~11` and `4.6.8-Docker-3.3.0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers =
            text.trim().split(['.', '-', '~', '+']).map_while(|part| part.parse().ok());
        let major = numbers.next().ok_or_else(|| NoRelease(text.to_owned()))?;
        Ok(Self(major, numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
    }
}

/// The releases that have something, as far as they are known.
///
/// Only releases that are described in `specs/` are known: what the oldest of them had may be older.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Availability {
    /// The first release; absent where the oldest known one had it.
    pub since: Option<Release>,
    /// The last release; absent where the newest known one still has it.
    pub until: Option<Release>,
}

impl Availability {
    /// In every known release.
    pub const ALWAYS: Self = Self { since: None, until: None };

    /// From `since` on.
    pub const fn since(since: Release) -> Self {
        Self { since: Some(since), until: None }
    }

    /// Up to and with `until`.
    pub const fn until(until: Release) -> Self {
        Self { since: None, until: Some(until) }
    }

    /// From `since` up to and with `until`.
    pub const fn between(since: Release, until: Release) -> Self {
        Self { since: Some(since), until: Some(until) }
    }

    /// Whether a server of `release` has it. Major and minor number decide: a server and its
    /// description count their patches differently.
    pub fn has(self, release: Release) -> bool {
        self.since.is_none_or(|since| since.line() <= release.line())
            && self.until.is_none_or(|until| release.line() <= until.line())
    }
}

/// `needs 9.1`, `was there up to 8.4`.
impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.until) {
            (Some(since), Some(until)) => write!(f, "from {since} to {until}"),
            (Some(since), None) => write!(f, "since {since}"),
            (None, Some(until)) => write!(f, "up to {until}"),
            (None, None) => f.write_str("always"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_servers_write_them() {
        let cases = [
            ("9.1", Release(9, 1, 0)),
            ("9.1.3", Release(9, 1, 3)),
            ("6.2-4", Release(6, 2, 4)),
            ("9.0.0~11", Release(9, 0, 0)),
            ("4", Release(4, 0, 0)),
            ("4.6.8-Docker-3.3.0", Release(4, 6, 8)),
        ];
        for (text, release) in cases {
            assert_eq!(text.parse(), Ok(release), "{text}");
        }
        assert!("unknown".parse::<Release>().is_err());
    }

    #[test]
    fn the_patch_of_a_release_decides_nothing() {
        let since = Availability::since(Release(9, 1, 3));
        assert!(since.has(Release(9, 1, 0)) && since.has(Release(9, 2, 0)));
        assert!(!since.has(Release(8, 4, 9)));
        assert!(!Availability::until(Release(8, 4, 0)).has(Release(9, 0, 0)));
    }
}
