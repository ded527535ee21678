//! Timestamps for hbase:meta that never step back. A write with an earlier timestamp than what is there would not be
//! seen, and the clock of this master may be behind that of the one before (danger 11).

use std::sync::Arc;

use hmaster_types::Clock;
use parking_lot::Mutex;

/// The wall clock, held at the latest timestamp seen or given out.
#[derive(Debug)]
pub struct CatalogClock {
    clock: Arc<dyn Clock>,
    latest_ms: Mutex<i64>,
}

impl CatalogClock {
    /// Starts at the wall clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, latest_ms: Mutex::new(0) }
    }

    /// Takes note of a timestamp that was read.
    pub fn seen(&self, timestamp_ms: i64) {
        // Java's clients may write the largest timestamp to mean "now"; it would freeze the clock.
        if timestamp_ms < i64::MAX - 1 {
            let mut latest = self.latest_ms.lock();
            *latest = (*latest).max(timestamp_ms);
        }
    }

    /// The timestamp of a put.
    pub fn now_ms(&self) -> i64 {
        let mut latest = self.latest_ms.lock();
        *latest = (*latest).max(self.clock.now_ms().cast_signed());
        *latest
    }

    /// The timestamp of a delete marker. It hides every put up to it, so later puts must have a later one.
    pub fn delete_ms(&self) -> i64 {
        let now_ms = self.now_ms();
        self.seen(now_ms + 1);
        now_ms
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::ManualClock;

    use super::*;

    #[test]
    fn time_never_steps_back() {
        let wall = Arc::new(ManualClock::at(1000));
        let clock = CatalogClock::new(wall.clone());
        assert_eq!(clock.now_ms(), 1000);
        wall.set(500);
        assert_eq!(clock.now_ms(), 1000);
        clock.seen(2000);
        assert_eq!(clock.now_ms(), 2000, "an earlier master's clock was ahead");
        clock.seen(i64::MAX);
        wall.set(3000);
        assert_eq!(clock.now_ms(), 3000);
    }

    #[test]
    fn a_put_after_a_delete_is_seen() {
        let clock = CatalogClock::new(Arc::new(ManualClock::at(1000)));
        let deleted = clock.delete_ms();
        assert!(clock.now_ms() > deleted);
    }
}
