//! Renews a lease for as long as its session lives.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::{LeaseLoss, LeaseTerms, MonotonicClock, SessionLease};
use crate::session::{MultiOp, SessionState, ZkSession};

/// Keeps a lease renewed until it is dropped; then the lease is given up.
#[derive(Debug)]
pub struct LeaseKeeper {
    lease: SessionLease,
    _task: AbortOnDropHandle<()>,
}

impl LeaseKeeper {
    /// A lease on `session`, of which a request that was sent after `since` was answered.
    pub fn start(session: Arc<dyn ZkSession>, clock: Arc<dyn MonotonicClock>, since: Duration) -> Self {
        let terms = LeaseTerms::of(session.timeout());
        let lease = SessionLease::new(clock, since, terms);
        let task = tokio::spawn(keep(lease.clone(), session, terms.renew_every));
        Self { lease, _task: AbortOnDropHandle::new(task) }
    }

    /// The lease.
    pub fn lease(&self) -> &SessionLease {
        &self.lease
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.lease.lose(LeaseLoss::GivenUp);
    }
}

async fn keep(lease: SessionLease, session: Arc<dyn ZkSession>, renew_every: Duration) {
    let mut state = session.state();
    tokio::select! {
        biased;
        _ = lease.lost() => {}
        over = state.wait_for(|state| state.is_over()) => {
            let over = over.map_or(SessionState::Closed, |state| *state);
            lease.lose(LeaseLoss::SessionOver(over));
        }
        () = renew(&lease, &*session, renew_every) => {}
    }
}

/// Renews for ever. The requests' errors don't matter here: without answers the lease runs out.
async fn renew(lease: &SessionLease, session: &dyn ZkSession, renew_every: Duration) {
    let nothing = [MultiOp::Check { path: "/".into(), version: None }];
    loop {
        tokio::time::sleep(renew_every).await;
        loop {
            let before = lease.now();
            match session.multi(&nothing).await {
                Ok(()) => lease.renew(before),
                Err(error) if error.kind.is_reply() => lease.renew(before),
                Err(error) => {
                    tracing::warn!(%error, remaining = ?lease.remaining(), "lease not renewed");
                    tokio::time::sleep(renew_every / 4).await;
                    continue;
                }
            }
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::Chance;
    use tokio::time::Instant;

    use super::*;
    use crate::lease::TokioClock;
    use crate::memory::{Faults, MemorySession, MemoryZooKeeper};

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn leased(seed: u64) -> (MemoryZooKeeper, Arc<MemorySession>, LeaseKeeper) {
        leased_over(seed, Duration::ZERO)
    }

    fn leased_over(seed: u64, delay_max: Duration) -> (MemoryZooKeeper, Arc<MemorySession>, LeaseKeeper) {
        let zk = MemoryZooKeeper::new(Chance::seeded(seed));
        let session = zk.connect(TIMEOUT, Faults { delay_max, ..Faults::NONE });
        let keeper =
            LeaseKeeper::start(Arc::clone(&session) as _, Arc::new(TokioClock::start()), Duration::ZERO);
        (zk, session, keeper)
    }

    #[tokio::test(start_paused = true)]
    async fn lasts_as_long_as_the_servers_answer() {
        let (zk, session, keeper) = leased(1);
        for _ in 0..20 {
            tokio::time::sleep(TIMEOUT).await;
            assert!(keeper.lease().valid());
            zk.reset(session.id()); // a lost connection is no reason
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ends_before_the_servers_drop_the_session_whenever_the_partition_begins() {
        for seed in 0..100 {
            let (zk, session, keeper) = leased_over(seed, Duration::from_millis(seed * 20));
            tokio::time::sleep(TIMEOUT + Duration::from_millis(seed * 317)).await;
            zk.partition(session.id());
            let start = Instant::now();
            assert_eq!(keeper.lease().lost().await, LeaseLoss::RanOut);
            assert!(zk.is_kept(session.id()), "seed {seed}: acted {:?} into a partition", start.elapsed());
            assert!(start.elapsed() > TIMEOUT / 3, "seed {seed}: gave up after {:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_from_before_each_request() {
        for seed in 0..20 {
            let (_zk, _session, keeper) = leased_over(seed, Duration::from_secs(4));
            let terms = LeaseTerms::of(TIMEOUT);
            let start = Instant::now();
            let until = || start.elapsed() + keeper.lease().remaining();
            while until() == terms.length {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(until(), terms.length + terms.renew_every, "seed {seed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outlives_a_partition_that_ends_in_time() {
        let (zk, session, keeper) = leased(1);
        for _ in 0..20 {
            zk.partition(session.id());
            tokio::time::sleep(TIMEOUT * 9 / 20).await;
            zk.heal(session.id());
            tokio::time::sleep(TIMEOUT).await;
            assert!(keeper.lease().valid());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ends_with_the_session() {
        let (_zk, session, keeper) = leased(1);
        session.close().await;
        assert_eq!(keeper.lease().lost().await, LeaseLoss::SessionOver(SessionState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn ends_with_its_keeper() {
        let (_zk, _session, keeper) = leased(1);
        let lease = keeper.lease().clone();
        drop(keeper);
        assert_eq!(lease.loss(), Some(LeaseLoss::GivenUp));
    }
}
