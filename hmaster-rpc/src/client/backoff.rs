//! Servers that can't be connected to, for a moment. Counterpart of `FailedServers`.
//!
//! The pause before connecting is tried again doubles with each failure up to the time that Java waits from the start,
//! so a server that is restarted is found sooner.

use std::collections::HashMap;
use std::time::Duration;

use hmaster_types::Address;
use tokio::time::Instant;

/// Remembers failures to connect.
#[derive(Debug)]
pub(super) struct Backoff {
    failed: HashMap<Address, Failed>,
    pause_max: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    pause: Duration,
    until: Instant,
}

const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Failures are forgotten when so many servers are remembered and their pauses are over.
const SERVERS_MAX: usize = 1000;

impl Backoff {
    pub(super) fn new(pause_max: Duration) -> Self {
        Self { failed: HashMap::new(), pause_max }
    }

    /// True if connecting failed a moment ago.
    pub(super) fn is_failed(&self, address: &Address, now: Instant) -> bool {
        self.failed.get(address).is_some_and(|failed| now < failed.until)
    }

    /// Connecting went well, or failed.
    pub(super) fn connected(&mut self, address: &Address, success: bool, now: Instant) {
        if success {
            self.failed.remove(address);
            return;
        }
        if self.failed.len() >= SERVERS_MAX {
            self.failed.retain(|_, failed| now < failed.until);
        }
        let pause = self.failed.get(address).map_or(PAUSE_MIN, |failed| failed.pause * 2).min(self.pause_max);
        self.failed.insert(address.clone(), Failed { pause, until: now + pause });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Address {
        Address { host: "h".into(), port }
    }

    #[test]
    fn pauses_double_up_to_the_bound_and_end_with_success() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            backoff.connected(&address(1), false, now);
            let pause = (0..)
                .map(|ms| Duration::from_millis(ms * 100))
                .find(|pause| !backoff.is_failed(&address(1), now + *pause));
            pauses.push(pause.unwrap().as_millis());
            now += pause.unwrap();
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.connected(&address(1), true, now);
        assert!(!backoff.is_failed(&address(1), now) && !backoff.is_failed(&address(2), now));
    }

    #[test]
    fn without_a_pause_nothing_is_remembered_for_long() {
        let mut backoff = Backoff::new(Duration::ZERO);
        let now = Instant::now();
        for port in 0..2000 {
            backoff.connected(&address(port), false, now);
            assert!(!backoff.is_failed(&address(port), now));
        }
        assert!(backoff.failed.len() <= SERVERS_MAX);
    }
}
