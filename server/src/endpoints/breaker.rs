//! Leaves an endpoint alone for a while that does not answer again and again: waiting for it would hold
//! up everybody who asks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row after which it is left alone.
const PATIENCE: u32 = 5;

/// How long it is left alone; then one request tries it.
const PAUSE: Duration = Duration::from_secs(15);

/// How an endpoint answered of late.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default, Clone, Copy)]
struct State {
    failures: u32,
    until: Option<Instant>,
    answered: Option<Instant>,
}

impl Breaker {
    /// Lets a request through, or says how long the endpoint is left alone.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            Some(until) if until > now => Err(until - now),
            Some(_) => {
                // This one tries it; the others wait for what comes of it.
                state.until = Some(now + PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes whether the endpoint answered, whatever it said, to a request that was sent at `sent`. One
    /// that got no answer while others did says nothing about the endpoint.
    pub(super) fn note(&self, answered: bool, sent: Instant, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *state = State { answered: Some(now), ..State::default() };
            return;
        }
        if state.answered.is_some_and(|answered| answered > sent) {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= PATIENCE {
            state.until = Some(now + PAUSE);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_does_not_answer_is_left_alone_and_tried_by_one() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..PATIENCE {
            assert!(breaker.admit(start).is_ok());
            breaker.note(false, start, start);
        }
        assert_eq!(breaker.admit(start), Err(PAUSE));
        let later = start + PAUSE;
        assert!(breaker.admit(later).is_ok(), "one tries it");
        assert!(breaker.admit(later).is_err(), "the others wait");
        breaker.note(true, later, later);
        assert!(breaker.admit(later).is_ok() && !breaker.is_open());
    }

    #[test]
    fn failures_that_are_not_in_a_row_change_nothing() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..20 {
            breaker.note(false, now, now);
            breaker.note(true, now, now);
        }
        assert!(breaker.admit(now).is_ok());
    }

    #[test]
    fn a_request_that_is_slow_while_others_are_answered_changes_nothing() {
        let (breaker, sent) = (Breaker::default(), Instant::now());
        breaker.note(true, sent, sent + PAUSE);
        for _ in 0..20 {
            breaker.note(false, sent, sent + 2 * PAUSE);
        }
        assert!(breaker.admit(sent + 2 * PAUSE).is_ok());
    }
}
