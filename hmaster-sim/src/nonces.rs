//! Remembers which increments and appends were done, so that one that a client repeats isn't done twice. Counterpart of
//! `ServerNonceManager`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use hmaster_types::{Clock, Nonce};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// How long a nonce is remembered (`hbase.hash.nonce.grace.period`).
const GRACE_MS: u64 = 30 * 60 * 1000;
/// More are forgotten sooner, the oldest first.
const NONCES_MAX: usize = 200_000;

/// The nonces of a server.
#[derive(Debug)]
pub(crate) struct Nonces {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    nonces: HashMap<Nonce, Status>,
    /// Those that were done, and when, in the order in which they are forgotten.
    done: VecDeque<(Nonce, u64)>,
}

#[derive(Debug)]
enum Status {
    Running(Arc<Notify>),
    Done,
}

/// An operation under way. When it is dropped without [`NonceGuard::succeeded`], it counts as never begun.
#[derive(Debug)]
pub(crate) struct NonceGuard {
    nonces: Arc<Nonces>,
    nonce: Nonce,
    succeeded: bool,
}

impl Nonces {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Begins an operation; none when it was done before. Waits for one with the same nonce that is under way.
    pub(crate) async fn begin(self: &Arc<Self>, nonce: Nonce) -> Option<NonceGuard> {
        loop {
            let running = {
                let mut state = self.state.lock();
                state.forget(self.clock.now_ms());
                match state.nonces.get(&nonce) {
                    Some(Status::Done) => return None,
                    Some(Status::Running(ended)) => Arc::clone(ended).notified_owned(),
                    None => {
                        state.nonces.insert(nonce, Status::Running(Arc::default()));
                        return Some(NonceGuard { nonces: Arc::clone(self), nonce, succeeded: false });
                    }
                }
            };
            running.await;
        }
    }

    /// An operation was found in a log, written at `done_ms`.
    pub(crate) fn report(&self, nonce: Nonce, done_ms: u64) {
        if done_ms.saturating_add(GRACE_MS) > self.clock.now_ms() {
            self.state.lock().done(nonce, self.clock.now_ms());
        }
    }
}

impl State {
    fn done(&mut self, nonce: Nonce, now_ms: u64) {
        match self.nonces.insert(nonce, Status::Done) {
            Some(Status::Running(ended)) => ended.notify_waiters(),
            Some(Status::Done) => return,
            None => {}
        }
        self.done.push_back((nonce, now_ms));
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some((nonce, done_ms)) = self.done.front().copied() {
            if done_ms.saturating_add(GRACE_MS) > now_ms && self.done.len() <= NONCES_MAX {
                break;
            }
            self.done.pop_front();
            self.nonces.remove(&nonce);
        }
    }
}

impl NonceGuard {
    /// The operation is durable.
    pub(crate) fn succeeded(&mut self) {
        self.succeeded = true;
    }
}

impl Drop for NonceGuard {
    fn drop(&mut self) {
        let now_ms = self.nonces.clock.now_ms();
        let mut state = self.nonces.state.lock();
        if self.succeeded {
            state.done(self.nonce, now_ms);
        } else if let Some(Status::Running(ended)) = state.nonces.remove(&self.nonce) {
            ended.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::ManualClock;

    use super::*;

    const NONCE: Nonce = Nonce { group: 1, value: 2 };

    fn nonces() -> (Arc<ManualClock>, Arc<Nonces>) {
        let clock = Arc::new(ManualClock::at(10 * GRACE_MS));
        (Arc::clone(&clock), Arc::new(Nonces::new(clock)))
    }

    #[tokio::test]
    async fn done_once() {
        let (clock, nonces) = nonces();
        nonces.begin(NONCE).await.unwrap().succeeded();
        assert!(nonces.begin(NONCE).await.is_none());
        assert!(nonces.begin(Nonce { group: 2, ..NONCE }).await.is_some());
        clock.advance(GRACE_MS);
        assert!(nonces.begin(NONCE).await.is_some(), "it is forgotten");
    }

    #[tokio::test]
    async fn what_failed_may_be_repeated() {
        let (_, nonces) = nonces();
        drop(nonces.begin(NONCE).await);
        assert!(nonces.begin(NONCE).await.is_some());
    }

    #[tokio::test]
    async fn who_comes_meanwhile_waits() {
        for succeeds in [true, false] {
            let (_, nonces) = nonces();
            let mut first = nonces.begin(NONCE).await.unwrap();
            let second = tokio::spawn({
                let nonces = Arc::clone(&nonces);
                async move { nonces.begin(NONCE).await.is_some() }
            });
            tokio::task::yield_now().await;
            if succeeds {
                first.succeeded();
            }
            drop(first);
            assert_eq!(second.await.unwrap(), !succeeds);
        }
    }

    #[tokio::test]
    async fn a_log_tells_too() {
        let (clock, nonces) = nonces();
        nonces.report(NONCE, clock.now_ms());
        nonces.report(Nonce { value: 3, ..NONCE }, 0);
        assert!(nonces.begin(NONCE).await.is_none());
        assert!(nonces.begin(Nonce { value: 3, ..NONCE }).await.is_some());
    }
}
