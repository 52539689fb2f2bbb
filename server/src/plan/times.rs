//! Points in time as NetBox writes them.

use jiff::Timestamp;

use super::Value;

/// Unix seconds as RFC 3339 in UTC; null for what is no time.
pub(super) fn time(seconds: Option<i64>) -> Value {
    let instant = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    instant.map(|instant| instant.to_string()).into()
}
