//! How long to wait before a failed step is tried again. Counterpart of `RetryCounter` with
//! `ExponentialBackoffPolicyWithLimit`, as `ProcedureUtil.createRetryCounter` makes it.

use std::time::Duration;

/// Waits that double from one attempt to the next, up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failure (`hbase.procedure.retry.sleep.interval.ms`).
    pub interval_ms: u64,
    /// No wait is longer (`hbase.procedure.retry.max.sleep.time.ms`); 0 stands for no bound, as in Java.
    pub interval_ms_max: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { interval_ms: 1_000, interval_ms_max: 600_000 }
    }
}

impl RetryPolicy {
    /// The wait after failure number `attempt`, counted from 0.
    pub fn delay(&self, attempt: u32) -> Duration {
        let doubled = self.interval_ms.saturating_mul(1u64.checked_shl(attempt).unwrap_or(u64::MAX));
        let bound = if self.interval_ms_max == 0 { u64::MAX } else { self.interval_ms_max };
        Duration::from_millis(doubled.min(bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_bound() {
        let policy = RetryPolicy::default();
        let delays: Vec<u64> = (0..12).map(|attempt| policy.delay(attempt).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(policy.delay(u32::MAX), Duration::from_secs(600));
        assert_eq!(RetryPolicy { interval_ms: 0, interval_ms_max: 0 }.delay(70), Duration::ZERO);
    }
}
