//! Wall clocks that follow tokio's time, so that paused time stands still for everybody, and that can be set wrong.

use std::sync::atomic::{AtomicI64, Ordering};

use hmaster_types::Clock;
use tokio::time::Instant;

/// When every world begins, in milliseconds since 1970.
const BEGINNING_MS: u64 = 1_700_000_000_000;

/// A wall clock. Each process has its own, which may be off.
#[derive(Debug)]
pub struct WorldClock {
    beginning: Instant,
    offset_ms: AtomicI64,
}

impl WorldClock {
    /// Shows the right time.
    pub(super) fn new(beginning: Instant) -> Self {
        Self { beginning, offset_ms: AtomicI64::new(0) }
    }

    /// Sets it wrong by so many milliseconds, ahead or behind.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::SeqCst);
    }
}

impl Clock for WorldClock {
    fn now_ms(&self) -> u64 {
        let passed = u64::try_from(self.beginning.elapsed().as_millis()).unwrap_or(u64::MAX);
        (BEGINNING_MS + passed).saturating_add_signed(self.offset_ms.load(Ordering::SeqCst))
    }
}
