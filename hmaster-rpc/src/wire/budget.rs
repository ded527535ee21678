//! A bound on bytes that all connections share. Counterpart of `RpcServer.callQueueSizeInBytes`.
//!
//! Java adds a request to the count when all of it is in memory. Here bytes count from the moment they arrive, so
//! that many half-received requests can't take more memory than finished ones may.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes are held, and how many may be.
#[derive(Debug, Default)]
pub struct ByteBudget {
    held: AtomicU64,
    max: u64,
}

/// A share of a [`ByteBudget`], given back when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Arc<ByteBudget>,
    bytes: u64,
}

impl ByteBudget {
    /// A budget of `bytes_max`.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { held: AtomicU64::new(0), max: bytes_max })
    }

    /// Bytes held now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// An empty share, which can [`grow`](Held::grow).
    pub fn share(self: &Arc<Self>) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// Takes as many bytes more as lead to `bytes` in all; says whether the budget had them.
    #[must_use]
    pub fn grow(&mut self, bytes: u64) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes) else { return true };
        let budget = &self.budget;
        let take = |held: u64| held.checked_add(more).filter(|sum| *sum <= budget.max);
        let taken = budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if taken {
            self.bytes = bytes;
        }
        taken
    }

    /// Bytes of this share.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_within_the_budget_and_come_back() {
        let budget = ByteBudget::new(10);
        let (mut a, mut b) = (budget.share(), budget.share());
        assert!(a.grow(6) && !b.grow(5) && b.grow(4));
        assert_eq!((budget.held(), a.bytes(), b.bytes()), (10, 6, 4));
        assert!(a.grow(3), "less than it has: nothing to take");
        assert_eq!(a.bytes(), 6);
        drop(a);
        assert!(b.grow(10) && !b.grow(u64::MAX));
        drop(b);
        assert_eq!(budget.held(), 0);
    }
}
