//! Counts wrong keys of each client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong keys that a client may send within [`WINDOW`].
const ALLOWED: u32 = 5;
const WINDOW: Duration = Duration::from_secs(300);
/// Clients remembered at the same time, so that many addresses cannot fill the memory.
const REMEMBERED: usize = 10_000;

/// Wrong keys of late, by client.
#[derive(Debug, Default)]
pub struct Attempts {
    clients: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    first: Instant,
    wrong: u32,
}

/// What a wrong key gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is told that the key is wrong.
    Answer {
        /// Wrong keys that are still answered.
        remaining: u32,
    },
    /// It is told to come back later.
    Wait(Duration),
}

impl Attempts {
    /// Whether a client is told nothing more about wrong keys.
    pub fn are_used_up(&self, client: IpAddr, now: Instant) -> bool {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let count = clients.get(&network(client));
        count
            .is_some_and(|count| count.wrong >= ALLOWED && now.duration_since(count.first) < WINDOW)
    }

    /// Notes a wrong key.
    pub fn wrong(&self, client: IpAddr, now: Instant) -> Verdict {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= REMEMBERED {
            clients.retain(|_, count| now.duration_since(count.first) < WINDOW);
        }
        if clients.len() >= REMEMBERED {
            clients.clear();
        }
        let count = clients.entry(network(client)).or_insert(Count { first: now, wrong: 0 });
        if now.duration_since(count.first) >= WINDOW {
            *count = Count { first: now, wrong: 0 };
        }
        if count.wrong >= ALLOWED {
            return Verdict::Wait(WINDOW.saturating_sub(now.duration_since(count.first)));
        }
        count.wrong += 1;
        Verdict::Answer { remaining: ALLOWED - count.wrong }
    }
}

/// A client owns at least a /64 of IPv6 addresses; counting each of them would count nothing.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_sixth_wrong_key_has_to_wait_until_the_window_ends() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for remaining in (0..5).rev() {
            let verdict = attempts.wrong(client("10.0.0.1"), start);
            assert_eq!(verdict, Verdict::Answer { remaining });
        }
        assert!(attempts.are_used_up(client("10.0.0.1"), start));
        assert!(!attempts.are_used_up(client("10.0.0.2"), start));
        assert!(!attempts.are_used_up(client("10.0.0.1"), start + WINDOW));
        let later = start + Duration::from_secs(100);
        let wait = Verdict::Wait(Duration::from_secs(200));
        assert_eq!(attempts.wrong(client("10.0.0.1"), later), wait);
        let after = start + WINDOW;
        assert_eq!(attempts.wrong(client("10.0.0.1"), after), Verdict::Answer { remaining: 4 });
    }

    #[test]
    fn clients_are_counted_apart_and_ipv6_by_network() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for (address, remaining) in [
            ("10.0.0.1", 4),
            ("10.0.0.2", 4),
            ("::ffff:10.0.0.1", 3),
            ("2001:db8::1", 4),
            ("2001:db8::2", 3),
            ("2001:db8:0:1::1", 4),
        ] {
            let verdict = attempts.wrong(client(address), now);
            assert_eq!(verdict, Verdict::Answer { remaining }, "{address}");
        }
    }

    #[test]
    fn many_clients_do_not_fill_the_memory() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for n in 0..25_000_u32 {
            attempts.wrong(std::net::Ipv4Addr::from_bits(n).into(), now);
        }
        assert!(attempts.clients.lock().unwrap().len() <= REMEMBERED);
    }
}
