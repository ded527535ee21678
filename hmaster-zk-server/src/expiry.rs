//! When sessions expire. Counterpart of `ExpiryQueue` and `SessionTrackerImpl`.
//!
//! Deadlines are rounded up to whole ticks as in ZooKeeper, which makes sessions live up to a tick
//! longer than their timeout, never shorter.
//!
//! Different from ZooKeeper: when the server itself was asleep (a stalled disk, a stopped process)
//! past a deadline, it can't know which clients were alive meanwhile, and gives all of them the time
//! back instead of expiring them.

use std::collections::{BTreeMap, BTreeSet};

/// A deadline missed by more than this many ticks says that the server was asleep: while awake it
/// looks within a fraction of a tick.
const LATE_TICKS_MAX: u64 = 2;

/// But being late by less than this is no sleep, however short the ticks: on a busy machine it
/// happens again and again, and sessions must expire there too.
const LATE_MS_MAX: u64 = 1000;

/// Deadlines of sessions, on the monotonic clock in milliseconds.
#[derive(Debug)]
pub(crate) struct ExpiryQueue {
    tick_ms: u64,
    deadlines: BTreeMap<i64, u64>,
    queue: BTreeSet<(u64, i64)>,
}

impl ExpiryQueue {
    /// A queue that rounds to ticks of this length.
    pub(crate) fn new(tick_ms: u64) -> Self {
        Self { tick_ms: tick_ms.max(1), deadlines: BTreeMap::new(), queue: BTreeSet::new() }
    }

    /// Gives a session its full timeout from now.
    pub(crate) fn touch(&mut self, session: i64, timeout_ms: i32, now_ms: u64) {
        let timeout_ms = u64::try_from(timeout_ms).unwrap_or(0);
        let deadline = ((now_ms + timeout_ms) / self.tick_ms + 1) * self.tick_ms;
        let old = self.deadlines.insert(session, deadline);
        if old == Some(deadline) {
            return;
        }
        if let Some(old) = old {
            self.queue.remove(&(old, session));
        }
        self.queue.insert((deadline, session));
    }

    /// Forgets a session.
    pub(crate) fn remove(&mut self, session: i64) {
        if let Some(deadline) = self.deadlines.remove(&session) {
            self.queue.remove(&(deadline, session));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline_ms(&self) -> Option<u64> {
        self.queue.first().map(|(deadline, _)| *deadline)
    }

    /// Sessions by deadline, for `dump`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, i64)> {
        self.queue.iter().copied()
    }

    /// Takes the sessions whose time is over. If the earliest deadline is long past, all are
    /// postponed by what was slept, and a tick, instead.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Vec<i64> {
        let late_ms = self.next_deadline_ms().map_or(0, |deadline| now_ms.saturating_sub(deadline));
        if late_ms > LATE_MS_MAX.max(LATE_TICKS_MAX * self.tick_ms) {
            tracing::warn!(late_ms, "the server was stalled; sessions get this time back");
            self.postpone(late_ms + self.tick_ms);
        }
        let mut due = Vec::new();
        while let Some((deadline, session)) = self.queue.first().copied()
            && deadline <= now_ms
        {
            self.remove(session);
            due.push(session);
        }
        due
    }

    fn postpone(&mut self, by_ms: u64) {
        for deadline in self.deadlines.values_mut() {
            *deadline += by_ms;
        }
        self.queue = self.deadlines.iter().map(|(session, deadline)| (*deadline, *session)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_its_timeout_and_up_to_a_tick() {
        let mut queue = ExpiryQueue::new(100);
        queue.touch(1, 1000, 50);
        assert_eq!(queue.next_deadline_ms(), Some(1100));
        assert_eq!(queue.take_due(1099), []);
        assert_eq!(queue.take_due(1100), [1]);
        assert_eq!(queue.take_due(1200), [], "taken once");
    }

    #[test]
    fn a_touch_moves_the_deadline() {
        let mut queue = ExpiryQueue::new(100);
        queue.touch(1, 1000, 0);
        queue.touch(2, 1000, 0);
        queue.touch(1, 1000, 500);
        assert_eq!(queue.take_due(1100), [2]);
        queue.remove(1);
        assert_eq!(queue.next_deadline_ms(), None);
    }

    #[test]
    fn a_server_that_was_asleep_expires_nobody() {
        let mut queue = ExpiryQueue::new(100);
        queue.touch(1, 1000, 0);
        queue.touch(2, 2000, 0);
        assert_eq!(queue.take_due(31_100), [], "30 s late: everybody gets them back");
        assert_eq!(queue.iter().collect::<Vec<_>>(), [(31_200, 1), (32_200, 2)]);
        assert_eq!(queue.take_due(31_200), [1], "but no more than that");
    }
}
