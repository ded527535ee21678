//! What the servers of a swarm see of a master's work: orders that came, and reports that were taken.

use std::time::Duration;

use hmaster_protocol::pb::region_state_transition::TransitionCode;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

/// Counts for all servers. What was counted is given out once, by [`Tally::take`].
#[derive(Debug)]
pub struct Tally {
    counts: Mutex<Counts>,
    changed: watch::Sender<()>,
}

/// What happened between two looks.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// From an order to open until the master has taken the report, in microseconds.
    pub opened_us: Vec<u32>,
    /// The same of orders to close.
    pub closed_us: Vec<u32>,
    /// Reports that a region can't be opened.
    pub failed_opens: u64,
    /// When the first order to open came.
    pub first_order: Option<Instant>,
    /// When the last order to open came.
    pub last_order: Option<Instant>,
    /// When the last report was taken.
    pub last_report: Option<Instant>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Tally {
    /// An order to open a region came.
    pub(crate) fn ordered(&self) {
        let now = Instant::now();
        let mut counts = self.counts.lock();
        counts.first_order.get_or_insert(now);
        counts.last_order = Some(now);
    }

    /// A master has taken a report.
    pub(crate) fn reported(&self, code: TransitionCode, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut counts = self.counts.lock();
        match code {
            TransitionCode::Opened => counts.opened_us.push(micros),
            TransitionCode::Closed => counts.closed_us.push(micros),
            _ => counts.failed_opens += 1,
        }
        counts.last_report = Some(Instant::now());
        drop(counts);
        self.touch();
    }

    /// Something changed that somebody may wait for.
    pub(crate) fn touch(&self) {
        self.changed.send_replace(());
    }

    /// Wakes whenever something has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// All since the last call.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts.lock())
    }
}

/// How long most took. In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Latency {
    /// The middle.
    pub p50_ms: f64,
    /// Nine of ten took at most this.
    pub p90_ms: f64,
    /// 99 of a hundred took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Latency {
    /// None of nothing.
    pub fn of(micros: &[u32]) -> Option<Self> {
        let mut sorted = micros.to_vec();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| f64::from(sorted[(last as f64 * share).round() as usize]) / 1000.0;
        Some(Self { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), max_ms: at(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_given_once() {
        let tally = Tally::default();
        tally.ordered();
        tally.reported(TransitionCode::Opened, Duration::from_millis(2));
        tally.reported(TransitionCode::Closed, Duration::from_secs(1 << 40));
        tally.reported(TransitionCode::FailedOpen, Duration::ZERO);
        let counts = tally.take();
        assert_eq!(
            (counts.opened_us, counts.closed_us, counts.failed_opens),
            (vec![2000], vec![u32::MAX], 1)
        );
        assert!(counts.first_order.is_some() && counts.last_report.is_some());
        assert!(tally.take().opened_us.is_empty());
    }

    #[test]
    fn percentiles() {
        assert_eq!(Latency::of(&[]), None);
        let micros: Vec<u32> = (0..=100).rev().map(|n| n * 1000).collect();
        let expected = Latency { p50_ms: 50.0, p90_ms: 90.0, p99_ms: 99.0, max_ms: 100.0 };
        assert_eq!(Latency::of(&micros), Some(expected));
    }
}
