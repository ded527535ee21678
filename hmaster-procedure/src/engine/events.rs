//! Events and who waits for them. Counterpart of `ProcedureEvent`.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use foldhash::fast::FixedState;
use hmaster_types::ProcId;

/// Events that are set or waited for.
#[derive(Debug)]
pub(crate) struct Events<Ev> {
    events: HashMap<Ev, Event, FixedState>,
}

#[derive(Debug, Default)]
struct Event {
    set: bool,
    waiters: VecDeque<ProcId>,
}

impl<Ev: Clone + Eq + Hash> Events<Ev> {
    pub(crate) fn new() -> Self {
        Self { events: HashMap::default() }
    }

    pub(crate) fn is_set(&self, event: &Ev) -> bool {
        self.events.get(event).is_some_and(|event| event.set)
    }

    /// Registers a waiter, at the end of the line.
    pub(crate) fn wait(&mut self, event: &Ev, who: ProcId) {
        match self.events.get_mut(event) {
            Some(event) => event.waiters.push_back(who),
            None => drop(self.events.insert(event.clone(), Event { set: false, waiters: [who].into() })),
        }
    }

    /// Sets an event: who waited for it, in order. Some may wait no longer: whoever wakes them checks.
    pub(crate) fn set(&mut self, event: Ev) -> VecDeque<ProcId> {
        let event = self.events.entry(event).or_default();
        event.set = true;
        std::mem::take(&mut event.waiters)
    }

    /// Makes an event not set.
    pub(crate) fn clear(&mut self, event: &Ev) {
        if let Some(known) = self.events.get_mut(event) {
            known.set = false;
            if known.waiters.is_empty() {
                self.events.remove(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_in_order_and_forgets_what_is_neither_set_nor_waited_for() {
        let mut events = Events::new();
        for id in [3, 1, 2] {
            events.wait(&"e", ProcId(id));
        }
        events.clear(&"e");
        assert_eq!(events.set("e"), [ProcId(3), ProcId(1), ProcId(2)]);
        assert!(events.is_set(&"e") && events.set("e").is_empty());
        events.clear(&"e");
        assert!(!events.is_set(&"e") && events.events.is_empty());
    }
}
