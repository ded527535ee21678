//! A count of changes that tasks can wait on. Like tokio's `watch`, but whoever has waited longest wakes first: `watch`
//! spreads those who wait over queues by a dice of its own, and a run of the simulation would not be the same twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    wake: Notify,
}

/// Where changes are announced. Clones announce the same ones.
#[derive(Debug, Default, Clone)]
pub struct Changes(Arc<Shared>);

/// Sees changes that were announced since it last looked.
#[derive(Debug)]
pub struct ChangeWatch {
    shared: Arc<Shared>,
    seen: u64,
}

impl Changes {
    /// Something has changed: wakes all who wait.
    pub fn announce(&self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.wake.notify_waiters();
    }

    /// Sees changes from now on.
    pub fn subscribe(&self) -> ChangeWatch {
        ChangeWatch { seen: self.0.count.load(Ordering::SeqCst), shared: self.0.clone() }
    }
}

impl ChangeWatch {
    /// Counts everything up to now as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.count.load(Ordering::SeqCst);
    }

    /// True when something has changed that wasn't seen.
    pub fn has_changed(&self) -> bool {
        self.shared.count.load(Ordering::SeqCst) != self.seen
    }

    /// Waits for a change that wasn't seen, and counts it as seen. Can be dropped and begun anew without missing any.
    pub async fn changed(&mut self) {
        let shared = self.shared.clone();
        loop {
            let wake = shared.wake.notified();
            tokio::pin!(wake);
            // From here on an announcement wakes this, so looking first can't miss one.
            wake.as_mut().enable();
            if self.has_changed() {
                return self.mark_unchanged();
            }
            wake.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn an_announcement_before_the_wait_counts() {
        let changes = Changes::default();
        let mut watch = changes.subscribe();
        assert!(!watch.has_changed());
        changes.announce();
        watch.changed().await;
        assert!(!watch.has_changed());
        changes.announce();
        watch.mark_unchanged();
        assert!(!watch.has_changed(), "what was marked isn't seen again");
    }

    #[tokio::test]
    async fn who_has_waited_longest_wakes_first() {
        let (changes, woken) = (Changes::default(), Arc::new(Mutex::new(Vec::new())));
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let (mut watch, woken) = (changes.subscribe(), woken.clone());
                tokio::spawn(async move {
                    watch.changed().await;
                    woken.lock().push(number);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        changes.announce();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock(), (0..40).collect::<Vec<_>>());
    }
}
