//! Orders to open and close regions that were taken already. Counterpart of `submittedRegionProcedures` and
//! `executedRegionProcedures`.
//!
//! A master that doesn't know whether its order arrived repeats it. Ids are unique over all masters of a cluster, so one
//! that was seen is ignored, while it is being carried out and for ten minutes after it was reported. An order that
//! failed stays known for good: the master tries again under a new id.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The ids of orders.
#[derive(Debug, Default)]
pub(crate) struct ProcedureIds(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    submitted: HashSet<i64>,
    executed: HashMap<i64, Instant>,
    by_age: VecDeque<(Instant, i64)>,
}

/// No repetition is expected to be under way for longer.
const EXECUTED_KEPT: Duration = Duration::from_secs(600);
/// An order that no procedure waits for.
const NONE: i64 = -1;

impl ProcedureIds {
    /// Whether an order is new.
    pub(crate) fn submit(&self, id: i64) -> bool {
        if id == NONE {
            return true;
        }
        let mut state = self.0.lock();
        state.forget();
        !state.executed.contains_key(&id) && state.submitted.insert(id)
    }

    /// An order was carried out, and the master knows.
    pub(crate) fn finish(&self, id: i64) {
        if id == NONE {
            return;
        }
        let now = Instant::now();
        let mut state = self.0.lock();
        state.executed.insert(id, now);
        state.by_age.push_back((now, id));
        state.submitted.remove(&id);
    }
}

impl State {
    fn forget(&mut self) {
        while let Some((at, id)) = self.by_age.front().copied()
            && at.elapsed() >= EXECUTED_KEPT
        {
            self.by_age.pop_front();
            if self.executed.get(&id) == Some(&at) {
                self.executed.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_order_is_taken_once() {
        let ids = ProcedureIds::default();
        assert!(ids.submit(7) && !ids.submit(7) && ids.submit(8));
        ids.finish(7);
        assert!(!ids.submit(7));
        tokio::time::advance(EXECUTED_KEPT).await;
        assert!(ids.submit(7) && !ids.submit(8), "one that failed stays known");
    }

    #[test]
    fn orders_without_a_procedure_are_always_new() {
        let ids = ProcedureIds::default();
        assert!(ids.submit(NONE) && ids.submit(NONE));
        ids.finish(NONE);
        assert!(ids.submit(NONE));
    }
}
