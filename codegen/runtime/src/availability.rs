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
/// Only releases that are described in `specs/` are known: what the oldest of them had may be older,
/// and of a release between two of them that differ nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Availability {
    /// The first release with it, and the last one before that lacks it; absent where the oldest
    /// known one had it.
    pub since: Option<(Release, Release)>,
    /// The last release with it, and the first one behind that lacks it; absent where the newest
    /// known one still has it.
    pub until: Option<(Release, Release)>,
}

impl Availability {
    /// In every known release.
    pub const ALWAYS: Self = Self { since: None, until: None };

    /// From `since` on; `after` lacks it.
    pub const fn since(since: Release, after: Release) -> Self {
        Self { since: Some((since, after)), until: None }
    }

    /// Up to and with `until`; `before` lacks it.
    pub const fn until(until: Release, before: Release) -> Self {
        Self { since: None, until: Some((until, before)) }
    }

    /// From `since` up to and with `until`.
    pub const fn between(since: Release, after: Release, until: Release, before: Release) -> Self {
        Self { since: Some((since, after)), until: Some((until, before)) }
    }

    /// Whether a server of `release` may have it: false only where it is known to lack it. Major and
    /// minor number decide: a server and its description count their patches differently.
    pub fn has(self, release: Release) -> bool {
        let line = release.line();
        let too_old =
            |(since, after): (Release, Release)| line <= after.line() && line < since.line();
        let too_new =
            |(until, before): (Release, Release)| line >= before.line() && line > until.line();
        !self.since.is_some_and(too_old) && !self.until.is_some_and(too_new)
    }
}

/// `needs 9.1`, `was there up to 8.4`.
impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.until) {
            (Some((since, _)), Some((until, _))) => write!(f, "from {since} to {until}"),
            (Some((since, _)), None) => write!(f, "since {since}"),
            (None, Some((until, _))) => write!(f, "up to {until}"),
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
        let since = Availability::since(Release(9, 1, 3), Release(9, 1, 1));
        assert!(since.has(Release(9, 1, 0)) && since.has(Release(9, 2, 0)));
        assert!(!since.has(Release(8, 4, 9)));
        assert!(!Availability::until(Release(8, 4, 0), Release(9, 0, 7)).has(Release(9, 0, 0)));
    }

    #[test]
    fn a_release_that_nobody_described_may_have_what_its_neighbours_differ_in() {
        let since = Availability::since(Release(4, 3, 0), Release(4, 0, 0));
        assert!(since.has(Release(4, 1, 0)) && since.has(Release(4, 3, 0)));
        assert!(!since.has(Release(4, 0, 2)));
        let until = Availability::until(Release(4, 0, 0), Release(4, 3, 0));
        assert!(until.has(Release(4, 1, 0)) && !until.has(Release(4, 3, 1)));
    }
}
