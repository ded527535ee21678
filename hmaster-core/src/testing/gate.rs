//! A gate that holds processes up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::changes::Changes;

/// Open at first. Clones are the same gate.
#[derive(Debug, Default, Clone)]
pub(super) struct Gate {
    closed: Arc<AtomicBool>,
    changes: Changes,
}

impl Gate {
    pub(super) fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
        self.changes.announce();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Waits until it is open.
    pub(super) async fn passed(&self) {
        let mut changes = self.changes.subscribe();
        while self.is_closed() {
            changes.changed().await;
        }
    }
}
