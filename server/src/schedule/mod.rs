//! When runs start by themselves.

mod keeper;

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions, parse_crontab_with};
use jiff::Timestamp;

pub use keeper::Keeper;

/// A run that is later than that was missed: the server was down, or the machine asleep.
const LATE: i64 = 120;

/// What becomes of a run that was missed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Missed {
    /// It is left out; the next one comes at its time.
    #[default]
    Skip,
    /// It is made up for, once, however many were missed.
    Run,
}

/// A text that is no schedule.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is no schedule: {why}. Five fields are expected, and a time zone if it is not UTC: \
     `30 2 * * * Europe/Berlin` is every night at half past two"
)]
pub struct NoSchedule {
    text: String,
    why: String,
}

/// The first time after `now` that fits, in unix seconds, later by a part of `jitter` seconds.
pub fn next_run(cron: &str, jitter: i64, now: Timestamp) -> Result<i64, NoSchedule> {
    let fail = |why: String| NoSchedule { text: cron.to_owned(), why };
    let next = parse(cron).and_then(|cron| cron.find_next(now)).map_err(|error| {
        // The whole of it is several lines with a mark below the text.
        fail(error.to_string().lines().last().unwrap_or_default().trim().to_owned())
    })?;
    let late = if jitter > 0 { rand::random_range(0..=jitter) } else { 0 };
    Ok(next.timestamp().as_second().saturating_add(late))
}

fn parse(cron: &str) -> Result<Crontab, cronexpr::Error> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    parse_crontab_with(cron, options)
}

/// Whether a run that was due then is started now.
fn is_started(due: i64, now: Timestamp, missed: Missed) -> bool {
    now.as_second().saturating_sub(due) <= LATE || missed == Missed::Run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_run_is_found_in_its_time_zone() {
        let now = at("2026-01-01T00:00:00Z");
        for (cron, expected) in [
            ("30 2 * * *", "2026-01-01T02:30:00Z"),
            ("30 2 * * * Europe/Berlin", "2026-01-01T01:30:00Z"),
            ("*/15 * * * *", "2026-01-01T00:15:00Z"),
            ("0 0 * * *", "2026-01-02T00:00:00Z"),
        ] {
            assert_eq!(next_run(cron, 0, now).unwrap(), at(expected).as_second(), "{cron}");
        }
    }

    #[test]
    fn jitter_makes_a_run_later_and_never_earlier() {
        let now = at("2026-01-01T00:00:00Z");
        let exact = next_run("0 1 * * *", 0, now).unwrap();
        for _ in 0..100 {
            let next = next_run("0 1 * * *", 60, now).unwrap();
            assert!((exact..=exact + 60).contains(&next), "{next}");
        }
    }

    #[test]
    fn what_is_no_schedule_says_what_one_looks_like() {
        for text in ["", "daily", "61 * * * *", "* * * * * Middle/Earth", "* * * *"] {
            let error = next_run(text, 0, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("Europe/Berlin"), "{error}");
        }
    }

    #[test]
    fn a_missed_run_is_left_out_or_made_up_for() {
        let due = at("2026-01-01T00:00:00Z");
        let after = |seconds| Timestamp::from_second(due.as_second() + seconds).unwrap();
        for missed in [Missed::Skip, Missed::Run] {
            assert!(is_started(due.as_second(), after(LATE), missed));
            assert_eq!(is_started(due.as_second(), after(LATE + 1), missed), missed == Missed::Run);
        }
    }
}
