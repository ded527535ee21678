//! Locks of rows. Counterpart of `RowLockImpl` and of `HRegion.getRowLock`.
//!
//! Who only writes a row shares its lock with others who do; who writes what depends on the row's content has it alone.
//! Several rows are locked in their order, so nobody waits for somebody who waits for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::to_string_binary;
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::time::timeout;

use super::RegionError;

type Lock = Arc<RwLock<()>>;

/// The locks of a region's rows, as far as there are any.
#[derive(Debug, Default)]
pub(super) struct RowLocks {
    locks: Arc<Mutex<HashMap<Bytes, Lock>>>,
}

/// Rows that are locked until this is dropped.
#[derive(Debug)]
pub(crate) struct RowGuards {
    locks: Arc<Mutex<HashMap<Bytes, Lock>>>,
    held: Vec<(Bytes, Option<Guard>)>,
}

/// How a row is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Shared,
    Alone,
}

#[derive(Debug)]
#[expect(dead_code, reason = "what counts is that they are held")]
enum Guard {
    Shared(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
}

impl RowLocks {
    /// Locks rows, each once.
    ///
    /// # Errors
    /// `RowLock` when one isn't free within `wait`.
    pub(super) async fn lock(
        &self,
        rows: Vec<Bytes>,
        mode: Mode,
        wait: Duration,
        region: &str,
    ) -> Result<RowGuards, RegionError> {
        let sorted: BTreeMap<Bytes, ()> = rows.into_iter().map(|row| (row, ())).collect();
        let mut guards = RowGuards { locks: Arc::clone(&self.locks), held: Vec::with_capacity(sorted.len()) };
        let deadline = tokio::time::Instant::now() + wait;
        for row in sorted.into_keys() {
            let lock = Arc::clone(self.locks.lock().entry(row.clone()).or_default());
            // Entered before it is locked: it is cleared away whatever happens.
            guards.held.push((row.clone(), None));
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let locked = match mode {
                Mode::Shared => timeout(left, lock.read_owned()).await.map(Guard::Shared),
                Mode::Alone => timeout(left, lock.write_owned()).await.map(Guard::Alone),
            };
            let locked = locked.map_err(|_| RegionError::RowLock {
                row: to_string_binary(&row),
                region: region.to_owned(),
            })?;
            guards.held.last_mut().expect("it was pushed above").1 = Some(locked);
        }
        Ok(guards)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.locks.lock().len()
    }
}

impl Drop for RowGuards {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        for (row, guard) in self.held.drain(..) {
            drop(guard);
            // The map has one handle; who waits or holds has another.
            if locks.get(&row).is_some_and(|lock| Arc::strong_count(lock) == 1) {
                locks.remove(&row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn rows(names: &'static [&'static str]) -> Vec<Bytes> {
        names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn shared_or_alone() {
        let locks = RowLocks::default();
        let first = locks.lock(rows(&["b", "a", "b"]), Mode::Shared, LONG, "r").await.unwrap();
        let second = locks.lock(rows(&["a"]), Mode::Shared, LONG, "r").await.unwrap();
        let refused = locks.lock(rows(&["a"]), Mode::Alone, LONG, "r").await.unwrap_err();
        assert_eq!(refused.to_string(), "Timed out waiting for lock for row: a in region r");
        drop((first, second));
        let alone = locks.lock(rows(&["a"]), Mode::Alone, LONG, "r").await.unwrap();
        assert!(locks.lock(rows(&["a"]), Mode::Shared, LONG, "r").await.is_err());
        assert!(locks.lock(rows(&["b"]), Mode::Alone, LONG, "r").await.is_ok());
        drop(alone);
        assert_eq!(locks.len(), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_it() {
        let locks = Arc::new(RowLocks::default());
        let held = locks.lock(rows(&["a"]), Mode::Alone, LONG, "r").await.unwrap();
        let waiting = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { locks.lock(rows(&["a"]), Mode::Alone, LONG, "r").await.map(drop) }
        });
        tokio::task::yield_now().await;
        drop(held);
        waiting.await.unwrap().unwrap();
        assert_eq!(locks.len(), 0);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_leaves_nothing() {
        let locks = RowLocks::default();
        let held = locks.lock(rows(&["b"]), Mode::Alone, LONG, "r").await.unwrap();
        {
            let wait = locks.lock(rows(&["a", "b"]), Mode::Alone, LONG, "r");
            let mut wait = std::pin::pin!(wait);
            assert!(futures_util::poll!(wait.as_mut()).is_pending());
        }
        assert_eq!(locks.len(), 1);
        drop(held);
        assert_eq!(locks.len(), 0);
    }
}
