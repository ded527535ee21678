//! How often an operation is tried, and when. Counterpart of `RetryCounter`.

use std::time::Duration;

use crate::error::{ZkError, ZkErrorKind};

/// How often an operation is tried again, and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after the first one. `zookeeper.recovery.retry`.
    pub retries_max: u32,
    /// Before the second repetition; doubles from one to the next. `zookeeper.recovery.retry.intervalmill`.
    pub pause: Duration,
    /// No pause is longer. `zookeeper.recovery.retry.maxsleeptime`.
    pub pause_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries_max: 3, pause: Duration::from_secs(1), pause_max: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    fn pause_before(&self, retry: u32) -> Duration {
        match retry {
            0 => Duration::ZERO,
            _ => self.pause.saturating_mul(1 << (retry - 1).min(31)).min(self.pause_max),
        }
    }
}

/// The tries of one operation.
#[derive(Debug)]
pub(super) struct Attempts {
    policy: RetryPolicy,
    retries: u32,
    in_doubt: bool,
}

impl Attempts {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, retries: 0, in_doubt: false }
    }

    /// Whether an earlier try may have been carried out.
    pub(super) fn in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Returns when it is time to try again; gives `error` back if that is pointless or was done often enough.
    pub(super) async fn again(&mut self, error: ZkError) -> Result<(), ZkError> {
        let throttled = error.kind == ZkErrorKind::Throttled;
        let unknown = error.kind.is_outcome_unknown();
        self.in_doubt |= unknown;
        if !(throttled || unknown) || self.retries >= self.policy.retries_max {
            return Err(error);
        }
        tracing::debug!(%error, retries = self.retries, "trying again");
        let pause = self.policy.pause_before(self.retries + u32::from(throttled));
        self.retries += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let policy = RetryPolicy { pause_max: Duration::from_secs(5), ..RetryPolicy::default() };
        let seconds: Vec<_> = (0..6).map(|retry| policy.pause_before(retry).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 5, 5]);
        assert_eq!(policy.pause_before(u32::MAX), policy.pause_max);
    }
}
