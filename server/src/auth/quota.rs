//! How many requests a key may make.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota as Rate, RateLimiter};

/// Requests of a minute for each key; a key that was silent may make them all at once.
#[derive(Debug)]
pub struct Quota {
    limiter: Option<DefaultKeyedRateLimiter<i64>>,
}

impl Quota {
    /// So many requests a minute; 0 is no limit.
    pub fn per_minute(requests: u32) -> Self {
        let rate = NonZeroU32::new(requests).map(Rate::per_minute);
        Self { limiter: rate.map(RateLimiter::keyed) }
    }

    /// Takes one request of a key, or says how long it has to wait.
    pub fn take(&self, key: i64) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&key).map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_quota_of_its_own() {
        let quota = Quota::per_minute(3);
        assert!((0..3).all(|_| quota.take(1).is_ok()));
        let wait = quota.take(1).unwrap_err();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert!(quota.take(2).is_ok());
        let endless = Quota::per_minute(0);
        assert!((0..1000).all(|_| endless.take(1).is_ok()));
    }
}
