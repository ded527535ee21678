//! How long a process may act on the strength of its ZooKeeper session. No Java counterpart: a Java master goes on
//! until it is told that its session expired, which after a partition or a pause comes too late.
//!
//! The servers drop a session when they haven't heard of it for its timeout, and only then can another master take
//! the znode. So a lease runs from before the last request that was answered, for two thirds of the timeout, by this
//! machine's own clock. What the third that is left covers:
//!
//! - The leader hears of a session from the server it is connected to, up to half a tick late, and a session is at
//!   least two ticks long: a quarter, if that server dies.
//! - Requests that renew are a tenth apart.
//! - Clocks that don't run equally fast, and what was begun while the lease was valid.
//!
//! A request that renews is a transaction that only checks: unlike a read or a ping, which any server answers by
//! itself, it is answered after a quorum of servers agreed to it. A server that is cut off from the others answers
//! pings for a while, and must not extend a lease.
//!
//! A lease that ran out stays so, whatever is answered later: what began on its strength has been stopped.

mod clock;
mod keeper;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::session::SessionState;

pub use clock::{BootClock, MonotonicClock, TokioClock};
pub use keeper::LeaseKeeper;

/// Leave to act until a moment that moves on as long as ZooKeeper answers. Cheap to clone; all clones are one lease.
#[derive(Clone)]
pub struct SessionLease {
    shared: Arc<Shared>,
}

/// Why a lease is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaseLoss {
    /// No proof of the session's life in time.
    #[error("ZooKeeper did not answer in time")]
    RanOut,
    /// The session is over.
    #[error("the ZooKeeper session is over ({0:?})")]
    SessionOver(SessionState),
    /// Someone else removed or replaced the znode the lease was about.
    #[error("the znode was taken away")]
    Deposed,
    /// Whoever kept it renewed has stopped.
    #[error("given up")]
    GivenUp,
}

/// How long a lease runs and how often it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerms {
    /// From before a request that was answered.
    pub length: Duration,
    /// Between two requests that renew.
    pub renew_every: Duration,
}

struct Shared {
    clock: Arc<dyn MonotonicClock>,
    length: Duration,
    /// When it runs out, unless it is lost.
    until: Mutex<Duration>,
    loss: watch::Sender<Option<LeaseLoss>>,
}

impl LeaseTerms {
    /// What suits a session of `timeout`; the essay above says why.
    pub fn of(timeout: Duration) -> Self {
        Self { length: timeout * 2 / 3, renew_every: timeout / 10 }
    }
}

impl SessionLease {
    /// Timers stand still while the machine sleeps, the lease's clock doesn't: look at least this often.
    const LOOK_EVERY: Duration = Duration::from_secs(1);

    /// A lease on the strength of a request that was sent after `since` and answered.
    pub fn new(clock: Arc<dyn MonotonicClock>, since: Duration, terms: LeaseTerms) -> Self {
        let until = Mutex::new(since + terms.length);
        let shared = Shared { clock, length: terms.length, until, loss: watch::Sender::new(None) };
        Self { shared: Arc::new(shared) }
    }

    /// Whether one may act now. Ask right before acting; once it says no it never says yes again.
    pub fn valid(&self) -> bool {
        self.loss().is_none()
    }

    /// Why it is no more, none while it is valid.
    pub fn loss(&self) -> Option<LeaseLoss> {
        // The lock is held over the look at the clock, so that a renewal can't come between that and the verdict.
        let until = self.shared.until.lock();
        if self.shared.clock.now() >= *until {
            self.record(LeaseLoss::RanOut);
        }
        *self.shared.loss.borrow()
    }

    /// How long it is valid if nothing renews it.
    pub fn remaining(&self) -> Duration {
        if !self.valid() {
            return Duration::ZERO;
        }
        self.shared.until.lock().saturating_sub(self.shared.clock.now())
    }

    /// Completes when it is no more.
    pub async fn lost(&self) -> LeaseLoss {
        let mut recorded = self.shared.loss.subscribe();
        loop {
            if let Some(loss) = self.loss() {
                return loss;
            }
            let look = tokio::time::sleep(self.remaining().min(Self::LOOK_EVERY));
            tokio::select! {
                biased;
                _ = recorded.changed() => {}
                () = look => {}
            }
        }
    }

    /// Ends it.
    pub fn lose(&self, loss: LeaseLoss) {
        self.record(loss);
    }

    /// Extends it on the strength of a request that was sent after `since` and answered.
    pub(crate) fn renew(&self, since: Duration) {
        let mut until = self.shared.until.lock();
        if self.shared.clock.now() >= *until {
            return self.record(LeaseLoss::RanOut);
        }
        *until = (*until).max(since + self.shared.length);
    }

    fn now(&self) -> Duration {
        self.shared.clock.now()
    }

    fn record(&self, loss: LeaseLoss) {
        self.shared.loss.send_if_modified(|recorded| {
            let first = recorded.is_none();
            recorded.get_or_insert(loss);
            first
        });
    }
}

impl fmt::Debug for SessionLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLease").field("loss", &*self.shared.loss.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that runs while tokio's stands still, as in a machine that slept.
    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Hand {
        fn advance(&self, by: Duration) {
            self.0.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        }
    }

    impl MonotonicClock for Hand {
        fn now(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn lease() -> (Arc<Hand>, SessionLease) {
        let clock = Arc::new(Hand::default());
        let terms = LeaseTerms::of(3 * SECOND);
        (Arc::clone(&clock), SessionLease::new(clock, Duration::ZERO, terms))
    }

    #[test]
    fn runs_for_two_thirds_of_the_timeout() {
        let (clock, lease) = lease();
        clock.advance(2 * SECOND - Duration::from_millis(1));
        assert!(lease.valid());
        assert_eq!(lease.remaining(), Duration::from_millis(1));
        clock.advance(Duration::from_millis(1));
        assert_eq!(lease.loss(), Some(LeaseLoss::RanOut));
        assert_eq!(lease.remaining(), Duration::ZERO);
    }

    #[test]
    fn counts_from_the_request_not_from_its_reply() {
        let (clock, lease) = lease();
        clock.advance(SECOND + SECOND / 2);
        lease.renew(SECOND);
        assert_eq!(lease.remaining(), SECOND + SECOND / 2);
        lease.renew(Duration::ZERO);
        assert_eq!(lease.remaining(), SECOND + SECOND / 2, "an older request takes nothing away");
    }

    #[test]
    fn what_ran_out_is_not_brought_back() {
        let (clock, lease) = lease();
        clock.advance(2 * SECOND);
        lease.renew(2 * SECOND);
        assert!(!lease.valid());
        assert_eq!(lease.loss(), Some(LeaseLoss::RanOut));
    }

    #[test]
    fn the_first_reason_stays() {
        let (clock, lease) = lease();
        lease.lose(LeaseLoss::Deposed);
        clock.advance(9 * SECOND);
        assert_eq!(lease.loss(), Some(LeaseLoss::Deposed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_is_noticed_by_the_next_look() {
        let (clock, lease) = lease();
        let lost = tokio::spawn({
            let lease = lease.clone();
            async move { lease.lost().await }
        });
        tokio::task::yield_now().await;
        clock.advance(9 * SECOND);
        assert!(!lost.is_finished());
        let start = tokio::time::Instant::now();
        assert_eq!(lost.await.unwrap(), LeaseLoss::RanOut);
        assert!(start.elapsed() <= SessionLease::LOOK_EVERY);
    }
}
