//! A lock per region that a step holds while it reads a region's state, writes hbase:meta and changes the state.
//! Counterpart of `RegionStateNode.lock`.
//!
//! The lock manager keeps two procedures from having one region in hand. This lock is for the recovery of a dead server,
//! which must look at regions that other procedures have in hand and may not do so in the middle of their steps.

use std::sync::{Arc, Weak};

use dashmap::DashMap;
use hmaster_types::EncodedName;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Locks of regions, made when they are needed and forgotten when nobody has them.
#[derive(Debug, Default)]
pub struct RegionLocks(DashMap<EncodedName, Weak<Mutex<()>>>);

/// A region's lock, held until this is dropped.
#[derive(Debug)]
pub struct RegionGuard<'a> {
    locks: &'a RegionLocks,
    region: EncodedName,
    held: Option<OwnedMutexGuard<()>>,
}

impl RegionLocks {
    /// Waits for the lock of `region`.
    pub async fn lock(&self, region: EncodedName) -> RegionGuard<'_> {
        let held = self.mutex(region).lock_owned().await;
        RegionGuard { locks: self, region, held: Some(held) }
    }

    fn mutex(&self, region: EncodedName) -> Arc<Mutex<()>> {
        let mut slot = self.0.entry(region).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let mutex = Arc::new(Mutex::new(()));
            *slot = Arc::downgrade(&mutex);
            mutex
        })
    }
}

impl Drop for RegionGuard<'_> {
    fn drop(&mut self) {
        self.held.take();
        self.locks.0.remove_if(&self.region, |_, mutex| mutex.strong_count() == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holder_per_region() {
        let locks = RegionLocks::default();
        let held = locks.lock(EncodedName::META).await;
        let other = locks.lock(EncodedName::Meta(7)).await;
        assert!(locks.mutex(EncodedName::META).try_lock().is_err());
        drop((held, other));
        assert!(locks.0.is_empty(), "nobody holds them, nothing is kept");
    }
}
