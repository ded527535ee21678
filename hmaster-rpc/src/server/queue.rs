//! Who runs, who waits, who is turned away: one class of calls. Counterpart of `FastPathBalancedQueueRpcExecutor`
//! with one queue.
//!
//! Decides only; [`Scheduler`](super::scheduler::Scheduler) does it. First come, first served. A call that finds a
//! handler free never waits.

use std::collections::VecDeque;

use super::options::QueueBounds;

/// Calls of one class.
#[derive(Debug)]
pub(crate) struct CallQueue<J> {
    bounds: QueueBounds,
    running: usize,
    waiting: VecDeque<J>,
}

/// What becomes of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission<J> {
    /// Run it; say [`CallQueue::next`] when it is done.
    Run(J),
    /// It waits.
    Waits,
    /// Too many wait.
    Full(J),
}

impl<J> CallQueue<J> {
    pub(crate) fn new(bounds: QueueBounds) -> Self {
        Self { bounds, running: 0, waiting: VecDeque::new() }
    }

    /// A call comes. When too many wait, those that `is_stale` says nobody waits for any more make room.
    pub(crate) fn admit(&mut self, job: J, is_stale: impl Fn(&J) -> bool) -> (Admission<J>, Vec<J>) {
        if self.running < self.bounds.handlers_max {
            self.running += 1;
            return (Admission::Run(job), Vec::new());
        }
        let mut stale = Vec::new();
        if self.waiting.len() >= self.bounds.waiting_max {
            let (old, kept): (VecDeque<_>, _) =
                std::mem::take(&mut self.waiting).into_iter().partition(is_stale);
            (stale, self.waiting) = (old.into(), kept);
        }
        if self.waiting.len() >= self.bounds.waiting_max {
            return (Admission::Full(job), stale);
        }
        self.waiting.push_back(job);
        (Admission::Waits, stale)
    }

    /// A handler is done with its call: the next one for it, if any waits.
    pub(crate) fn next(&mut self) -> Option<J> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            debug_assert!(self.running > 0, "a handler is done that wasn't running");
            self.running -= 1;
        }
        next
    }

    /// Takes all calls that wait.
    pub(crate) fn drain(&mut self) -> Vec<J> {
        std::mem::take(&mut self.waiting).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(handlers_max: usize, waiting_max: usize) -> CallQueue<u32> {
        CallQueue::new(QueueBounds { handlers_max, waiting_max })
    }

    fn never(_: &u32) -> bool {
        false
    }

    #[test]
    fn calls_run_then_wait_then_are_turned_away() {
        let mut queue = queue(2, 1);
        assert_eq!(queue.admit(1, never).0, Admission::Run(1));
        assert_eq!(queue.admit(2, never).0, Admission::Run(2));
        assert_eq!(queue.admit(3, never).0, Admission::Waits);
        assert_eq!(queue.admit(4, never).0, Admission::Full(4));
        assert_eq!((queue.next(), queue.next(), queue.next()), (Some(3), None, None));
        assert_eq!(queue.admit(5, never).0, Admission::Run(5));
    }

    #[test]
    fn calls_that_nobody_waits_for_make_room_in_order() {
        let mut queue = queue(1, 3);
        for job in 0..4 {
            let _ = queue.admit(job, never);
        }
        let (admission, stale) = queue.admit(9, |job| job % 2 == 1);
        assert_eq!((admission, stale), (Admission::Waits, vec![1, 3]));
        assert_eq!(queue.drain(), [2, 9]);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn without_room_to_wait_only_handlers_count() {
        let mut queue = queue(1, 0);
        assert_eq!(queue.admit(1, never).0, Admission::Run(1));
        assert_eq!(queue.admit(2, never).0, Admission::Full(2));
    }
}
