//! When a call is made again, and how long to wait before.

use std::time::Duration;

use proxbox_runtime::Method;

use crate::{Error, Reply};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
/// The longest that is waited because a server asks for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a call is made again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) times: u32,
}

impl Retry {
    /// How long to wait before making the call again; `None` where it must not be.
    ///
    /// `attempt` counts from zero. A call that changes something more the second time is only made
    /// again when nothing of it was sent.
    pub(crate) fn after(
        self,
        attempt: u32,
        method: Method,
        outcome: &Result<Reply, Error>,
    ) -> Option<Duration> {
        let reply = match outcome {
            Ok(reply) => reply,
            Err(error) => return self.after_error(attempt, method, error),
        };
        let again = match reply.status {
            429 | 503 => method.is_idempotent(),
            // Whoever says so stands in between, and does not know what became of it.
            502 | 504 => method == Method::Get,
            _ => false,
        };
        let told = reply.retry_after;
        // Whoever wants more patience than that gets it from the caller.
        if !again || attempt >= self.times || told.is_some_and(|told| told > PATIENCE) {
            return None;
        }
        let own = pause(attempt, rand::random_range(0.5..1.0));
        Some(told.map_or(own, |told| told.max(own)))
    }

    /// The same for a call that got no answer.
    pub(crate) fn after_error(
        self,
        attempt: u32,
        method: Method,
        error: &Error,
    ) -> Option<Duration> {
        let again = match error {
            error if error.is_not_sent() => error.is_retryable(),
            // A time-out was waited for once already: the caller decides whether to wait again.
            // What was lost may have been done: setting or deleting it again may undo what came after.
            error => method == Method::Get && matches!(error, Error::Lost { .. }),
        };
        (again && attempt < self.times).then(|| pause(attempt, rand::random_range(0.5..1.0)))
    }
}

/// Doubles with each attempt; `share` spreads clients that failed at the same moment.
fn pause(attempt: u32, share: f64) -> Duration {
    FIRST.saturating_mul(1 << attempt.min(10)).min(LONGEST).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{CallName, ConnectFailure};

    fn call() -> CallName {
        CallName { method: Method::Get, path: "/version".into() }
    }

    fn refused() -> Result<Reply, Error> {
        let why = ConnectFailure::Refused;
        Err(Error::Connect { call: call(), host: Arc::from("a"), why, source: "x".into() })
    }

    fn lost() -> Result<Reply, Error> {
        Err(Error::Lost { call: call(), host: Arc::from("a"), source: "x".into() })
    }

    fn status(status: u16) -> Result<Reply, Error> {
        Ok(Reply { status, ..Reply::default() })
    }

    #[test]
    fn only_what_cannot_happen_twice_is_sent_twice() {
        let retry = Retry { times: 2 };
        let cases = [
            (Method::Get, lost(), true),
            (Method::Put, lost(), false),
            (Method::Delete, lost(), false),
            (Method::Post, lost(), false),
            (Method::Post, refused(), true),
            (Method::Get, status(503), true),
            (Method::Post, status(503), false),
            (Method::Put, status(503), true),
            (Method::Put, status(504), false),
            (Method::Delete, status(502), false),
            (Method::Get, status(504), true),
            (Method::Get, status(200), false),
            (Method::Get, status(500), false),
            (Method::Get, status(595), false),
        ];
        for (method, outcome, expected) in cases {
            assert_eq!(
                retry.after(0, method, &outcome).is_some(),
                expected,
                "{method} {outcome:?}"
            );
        }
        assert!(retry.after(2, Method::Get, &lost()).is_none());
    }

    #[test]
    fn the_pause_grows_to_a_bound() {
        assert_eq!(pause(0, 1.0), FIRST);
        assert_eq!(pause(1, 0.5), FIRST);
        assert_eq!(pause(40, 1.0), LONGEST);
    }

    #[test]
    fn a_server_is_given_the_time_that_it_asks_for_up_to_a_minute() {
        let retry = Retry { times: 2 };
        let busy = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            Ok(Reply { status: 503, retry_after, ..Reply::default() })
        };
        assert_eq!(retry.after(0, Method::Get, &busy(7)), Some(Duration::from_secs(7)));
        assert_eq!(retry.after(0, Method::Get, &busy(600)), None);
        assert_eq!(retry.after(0, Method::Post, &busy(7)), None);
    }
}
