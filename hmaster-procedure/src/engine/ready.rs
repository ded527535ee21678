//! Who is next. Counterpart of the run queues of `MasterProcedureScheduler` and of the worker threads' number.
//!
//! Each [`Priority`] has a lane and a bound on its running steps, so that steps which hang on a dead hbase:meta never
//! keep those from running that bring it back. Within a lane, procedures that have run before, and children, go before
//! those that haven't; each of the two in order of arrival.

use std::collections::VecDeque;

use hmaster_types::ProcId;

use crate::Priority;

/// How many steps of each priority may run at once. Steps wait rather than compute, so the bounds are about fairness
/// and the load on region servers, not about threads; Java's `hbase.procedure.worker…` bounds threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBounds {
    /// Of [`Priority::Meta`]. There are few such procedures, and nothing should keep one waiting.
    pub meta_steps_max: usize,
    /// Of [`Priority::Server`].
    pub server_steps_max: usize,
    /// Of [`Priority::Peer`].
    pub peer_steps_max: usize,
    /// Of [`Priority::SystemTable`].
    pub system_table_steps_max: usize,
    /// Of [`Priority::Table`].
    pub table_steps_max: usize,
}

impl Default for StepBounds {
    fn default() -> Self {
        Self {
            meta_steps_max: 64,
            server_steps_max: 64,
            peer_steps_max: 32,
            system_table_steps_max: 64,
            table_steps_max: 256,
        }
    }
}

impl StepBounds {
    fn of(&self, class: Class) -> usize {
        [
            self.meta_steps_max,
            self.server_steps_max,
            self.peer_steps_max,
            self.system_table_steps_max,
            self.table_steps_max,
        ][class.0 as usize]
    }
}

/// The place of a priority in [`Priority::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl From<Priority> for Class {
    fn from(priority: Priority) -> Self {
        Self(priority as u8)
    }
}

#[derive(Debug, Default)]
struct Lane {
    resumed: VecDeque<ProcId>,
    fresh: VecDeque<ProcId>,
    running: usize,
}

/// Procedures in line for a step. It may name some that aren't any more: whoever takes one checks.
#[derive(Debug)]
pub(crate) struct ReadyQueues {
    lanes: [Lane; Priority::ALL.len()],
    bounds: StepBounds,
}

impl ReadyQueues {
    pub(crate) fn new(bounds: StepBounds) -> Self {
        Self { lanes: Default::default(), bounds }
    }

    /// Lines up a procedure that has run before, or is a child.
    pub(crate) fn push_resumed(&mut self, class: Class, id: ProcId) {
        self.lanes[class.0 as usize].resumed.push_back(id);
    }

    /// Lines up a procedure that hasn't run, or lets others go first.
    pub(crate) fn push_fresh(&mut self, class: Class, id: ProcId) {
        self.lanes[class.0 as usize].fresh.push_back(id);
    }

    /// The next in line of the most urgent priority whose bound isn't reached.
    pub(crate) fn pop(&mut self) -> Option<(Class, ProcId)> {
        for (class, lane) in (0..).map(Class).zip(&mut self.lanes) {
            if lane.running < self.bounds.of(class)
                && let Some(id) = lane.resumed.pop_front().or_else(|| lane.fresh.pop_front())
            {
                return Some((class, id));
            }
        }
        None
    }

    pub(crate) fn step_started(&mut self, class: Class) {
        self.lanes[class.0 as usize].running += 1;
    }

    pub(crate) fn step_ended(&mut self, class: Class) {
        self.lanes[class.0 as usize].running -= 1;
    }

    /// How many steps are running.
    pub(crate) fn running(&self) -> usize {
        self.lanes.iter().map(|lane| lane.running).sum()
    }

    /// How many steps of a priority are running, and how many procedures are in line for one.
    pub(crate) fn load(&self, class: Class) -> (usize, usize) {
        let lane = &self.lanes[class.0 as usize];
        (lane.running, lane.resumed.len() + lane.fresh.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_first_then_resumed_then_fresh() {
        let mut queues = ReadyQueues::new(StepBounds::default());
        let (meta, table) = (Class::from(Priority::Meta), Class::from(Priority::Table));
        queues.push_fresh(table, ProcId(1));
        queues.push_fresh(table, ProcId(2));
        queues.push_resumed(table, ProcId(3));
        queues.push_fresh(meta, ProcId(4));
        let order: Vec<u64> = std::iter::from_fn(|| queues.pop()).map(|(_, id)| id.0).collect();
        assert_eq!(order, [4, 3, 1, 2]);
    }

    #[test]
    fn a_full_lane_stops_nobody_else() {
        let mut queues = ReadyQueues::new(StepBounds { server_steps_max: 1, ..StepBounds::default() });
        let (server, peer) = (Class::from(Priority::Server), Class::from(Priority::Peer));
        queues.step_started(server);
        queues.push_fresh(server, ProcId(1));
        queues.push_fresh(peer, ProcId(2));
        assert_eq!(queues.pop(), Some((peer, ProcId(2))));
        assert_eq!((queues.pop(), queues.load(server)), (None, (1, 1)));
        queues.step_ended(server);
        assert_eq!((queues.pop(), queues.running()), (Some((server, ProcId(1))), 0));
    }
}
