//! Timestamps for hbase:meta that never step back. A write with an earlier timestamp than what is there would not be
//! seen, and the clock of this master may be behind that of the one before (danger 11).

use std::collections::HashMap;
use std::sync::Arc;

use hmaster_types::Clock;
use parking_lot::Mutex;

/// The wall clock, held at the latest timestamp seen or given out.
#[derive(Debug)]
pub struct CatalogClock {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    latest_ms: i64,
    /// The timestamps that rows were given since the clock last moved.
    rows: HashMap<Vec<u8>, i64>,
}

impl State {
    fn advance(&mut self, now_ms: i64) {
        if now_ms > self.latest_ms {
            self.latest_ms = now_ms;
            self.rows.retain(|_, given_ms| *given_ms >= now_ms);
        }
    }
}

impl CatalogClock {
    /// Starts at the wall clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Takes note of a timestamp that was read.
    pub fn seen(&self, timestamp_ms: i64) {
        // Java's clients may write the largest timestamp to mean "now"; it would freeze the clock.
        if timestamp_ms < i64::MAX - 1 {
            self.state.lock().advance(timestamp_ms);
        }
    }

    /// The timestamp of a put of new rows or of several at once, later than that of any [`CatalogClock::put_ms`] before.
    pub fn now_ms(&self) -> i64 {
        let mut state = self.state.lock();
        state.advance(self.clock.now_ms().cast_signed());
        let after = state.rows.values().copied().max().map_or(i64::MIN, |given_ms| given_ms + 1);
        state.advance(after);
        state.latest_ms
    }

    /// The timestamp of a put that replaces another of the same row. It is later than the one before, even if the clock
    /// stands still: a put whose answer was lost may arrive once more, and must not hide what was put after it.
    pub fn put_ms(&self, row: &[u8]) -> i64 {
        let mut state = self.state.lock();
        state.advance(self.clock.now_ms().cast_signed());
        let latest_ms = state.latest_ms;
        let given_ms = state.rows.get(row).map_or(latest_ms, |given_ms| latest_ms.max(given_ms + 1));
        state.rows.insert(row.to_vec(), given_ms);
        given_ms
    }

    /// The timestamp of a delete marker. It hides every put up to it, so later puts must have a later one.
    pub fn delete_ms(&self) -> i64 {
        let mut state = self.state.lock();
        state.advance(self.clock.now_ms().cast_signed());
        let delete_ms = state.rows.values().copied().fold(state.latest_ms, i64::max);
        state.advance(delete_ms + 1);
        delete_ms
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

    #[test]
    fn each_put_of_a_row_is_later_than_the_one_before() {
        let wall = Arc::new(ManualClock::at(1000));
        let clock = CatalogClock::new(wall.clone());
        let puts = [b"a", b"a", b"b", b"a"].map(|row| clock.put_ms(row));
        assert_eq!(puts, [1000, 1001, 1000, 1002]);
        assert_eq!(clock.delete_ms(), 1002, "a marker hides them all");
        assert_eq!(clock.put_ms(b"a"), 1003);
        wall.set(1002);
        assert_eq!(clock.put_ms(b"a"), 1004);
        assert_eq!([clock.now_ms(), clock.now_ms()], [1005, 1005], "later than any row's");
        assert_eq!(clock.put_ms(b"a"), 1005);
        assert_eq!(clock.put_ms(b"a"), 1006);
        wall.set(2000);
        assert_eq!(clock.put_ms(b"a"), 2000);
    }
}
