//! Which failures are tried again, and how long to wait before.

use std::time::Duration;

use http::Method;

use crate::api_error::ApiError;
use crate::error::Error;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// A server that asks for more patience than this is better reported than waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// How often, and which methods, are tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) times: u32,
    /// The caller vouches that a PATCH may be repeated.
    pub(crate) patches: bool,
}

impl Retry {
    /// How long to wait before try number `tried + 1`; nothing if the failure is final.
    pub(crate) fn delay(&self, method: &Method, tried: u32, error: &Error) -> Option<Duration> {
        if tried > self.times || !error.is_retryable() {
            return None;
        }
        // 429 is given before the request is looked at, and what lost a deadlock was rolled back; all
        // else may have had an effect.
        let rolled_back = error.api().is_some_and(ApiError::is_deadlock);
        let untouched = error.is_not_sent() || error.status() == Some(429) || rolled_back;
        if !(untouched || self.is_repeatable(method)) {
            return None;
        }
        match error.api().and_then(|api| api.retry_after) {
            Some(asked) => (asked <= LONGEST_ASKED).then_some(asked),
            None => Some(backoff(tried)),
        }
    }

    fn is_repeatable(&self, method: &Method) -> bool {
        method.is_idempotent() || (*method == Method::PATCH && self.patches)
    }
}

/// Doubles with each try; spread so that clients that failed together do not come back together.
fn backoff(tried: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << tried.saturating_sub(1).min(8));
    doubled.min(LONGEST).mul_f64(rand::random_range(0.5..1.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn api(method: &Method, status: u16) -> Error {
        let api = ApiError { status, ..ApiError::default() };
        Error::new(method, "/", ErrorKind::Api(api))
    }

    fn broken(method: &Method) -> Error {
        let source = Box::new(std::io::Error::other("reset"));
        Error::new(method, "/", ErrorKind::Interrupted { source })
    }

    fn refused(method: &Method) -> Error {
        let source = Box::new(std::io::Error::other("refused"));
        let reason = String::new();
        Error::new(method, "/", ErrorKind::Connect { reason, source })
    }

    fn deadlock(method: &Method) -> Error {
        let body = br#"{"error":"deadlock detected\nDETAIL: ...","exception":"OperationalError"}"#;
        Error::new(method, "/", ErrorKind::Api(ApiError::read(500, None, body)))
    }

    #[test]
    fn only_what_cannot_happen_twice_is_repeated() {
        let careful = Retry { times: 3, patches: false };
        let vouched = Retry { times: 3, patches: true };
        type Failure = fn(&Method) -> Error;
        let cases: [(Retry, Method, Failure, bool); 12] = [
            (careful, Method::GET, broken, true),
            (careful, Method::PUT, broken, true),
            (careful, Method::DELETE, broken, true),
            (careful, Method::POST, broken, false),
            (careful, Method::POST, refused, true),
            (careful, Method::PATCH, broken, false),
            (vouched, Method::PATCH, broken, true),
            (careful, Method::POST, |m| api(m, 429), true),
            (careful, Method::POST, |m| api(m, 503), false),
            (careful, Method::GET, |m| api(m, 500), false),
            (careful, Method::POST, deadlock, true),
            (careful, Method::PATCH, deadlock, true),
        ];
        for (retry, method, error, again) in cases {
            let error = error(&method);
            assert_eq!(retry.delay(&method, 1, &error).is_some(), again, "{error}");
        }
    }

    #[test]
    fn tries_end_and_waits_are_bounded() {
        let retry = Retry { times: 2, patches: false };
        assert!(retry.delay(&Method::GET, 2, &broken(&Method::GET)).is_some());
        assert!(retry.delay(&Method::GET, 3, &broken(&Method::GET)).is_none());
        for tried in 1..40 {
            assert!(backoff(tried) <= LONGEST.mul_f64(1.5));
        }
    }
}
