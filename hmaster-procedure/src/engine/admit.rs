//! Who gets to do a step: the table's turn, then the event it waits for, then its locks.

use hmaster_types::{JavaException, ProcId};
use smallvec::SmallVec;

use super::commit::Effect;
use super::entry::{Entries, Phase};
use super::ready::Class;
use super::step::Mail;
use super::{Engine, Mode, StepKind, StepTask, guarded};
use crate::locks::{Claim, Held, LockId};
use crate::{Environment, Flow, Priority, Progress, StepNotes};

/// What a procedure in line for a step is told.
enum Admission<Ev> {
    /// It may.
    Free,
    /// It may once its row says that it holds these.
    Granted(Held),
    /// It waits for its table's turn.
    Turn,
    /// It waits for an event.
    Event(Ev),
    /// It waits for a lock.
    Lock(LockId),
    /// Asking it panicked.
    Broken(JavaException),
}

/// What asking brought, and whether the turn was taken on the way.
struct Asked<Ev> {
    admission: Admission<Ev>,
    took_turn: bool,
}

impl<E: Environment> Engine<E> {
    /// The next step to run, if one may. To be called until there is none, after each other call.
    pub fn next_step(&mut self) -> Option<StepTask<E>> {
        while self.mode == Mode::Running {
            let (class, id) = self.ready.pop()?;
            if let Some(task) = self.prepare(class, id) {
                return Some(task);
            }
        }
        None
    }

    /// The step of a procedure that is in line, if it still is and gets all it needs.
    fn prepare(&mut self, class: Class, id: ProcId) -> Option<StepTask<E>> {
        let entry = self.entries.get(&id).filter(|entry| entry.phase == Phase::Ready)?;
        let tree = &self.trees[&entry.place.root];
        let undo = tree.undoing == Some(id);
        if tree.is_doomed() && !undo {
            self.settle(id);
            return None;
        }
        if !self.admit(id) {
            return None;
        }
        if self.entries[&id].marks.bypass {
            self.skip_step(id, undo);
            return None;
        }
        self.dispatch(class, id, undo)
    }

    fn dispatch(&mut self, class: Class, id: ProcId, undo: bool) -> Option<StepTask<E>> {
        let entry = self.entries.get_mut(&id)?;
        if entry.record.is_none() {
            let messages = super::record::state_messages(entry);
            entry.remember(messages);
        }
        let procedure = entry.procedure.take()?;
        entry.phase = Phase::Running(class);
        entry.marks.started = true;
        entry.marks.resumed = true;
        entry.marks.woken = false;
        let place = entry.place;
        let progress = Progress { attempt: entry.attempts, steps: entry.steps.len() };
        self.tree_mut(place.root).active += 1;
        self.ready.step_started(class);
        let kind = if undo { StepKind::Rollback } else { StepKind::Execute };
        Some(StepTask { place, procedure, kind, progress })
    }

    /// Ends a procedure that is to be bypassed, or takes its step for undone, as if it had said so itself.
    fn skip_step(&mut self, id: ProcId, undo: bool) {
        let entry = self.entry_mut(id);
        entry.phase = Phase::Settled;
        entry.marks.started = true;
        let root = entry.place.root;
        self.tree_mut(root).active += 1;
        if undo {
            self.undone(id, Ok(()));
        } else {
            self.executed(id, Flow::Done, StepNotes::default(), Mail::default());
        }
    }

    /// True if the procedure has all it needs for a step; else it is registered where it will be woken.
    pub(super) fn admit(&mut self, id: ProcId) -> bool {
        let marks = self.entries[&id].marks;
        if marks.admitted || marks.bypass {
            return true;
        }
        let asked = self.ask(id);
        let undo = self.tree_of(id).undoing == Some(id);
        let entry = self.entry_mut(id);
        entry.marks.has_turn |= asked.took_turn;
        match asked.admission {
            Admission::Free => {
                entry.marks.admitted = true;
                return true;
            }
            Admission::Granted(held) => self.lock_granted(id, held),
            Admission::Turn => entry.phase = Phase::Turn,
            Admission::Event(event) => {
                entry.phase = Phase::Event(event.clone());
                self.events.wait(&event, id);
            }
            Admission::Lock(lock) => {
                entry.phase = Phase::Lock(lock);
                self.locks.wait(lock, id);
            }
            Admission::Broken(error) if undo => {
                tracing::error!(pid = %id, %error, "undoing a step without its locks");
                entry.marks.admitted = true;
                return true;
            }
            Admission::Broken(error) => self.fail_now(id, &error),
        }
        false
    }

    /// Looks what stands between a procedure and its step.
    fn ask(&mut self, id: ProcId) -> Asked<E::Event> {
        let Self { entries, turns, events, locks, env, .. } = self;
        let entry = &entries[&id];
        let no_turn = |admission| Asked { admission, took_turn: false };
        let Some(procedure) = &entry.procedure else { return no_turn(Admission::Free) };
        let asked = guarded("locks and events", || (procedure.locks(), procedure.wait_before(env)));
        let (request, event) = match asked {
            Ok(asked) => asked,
            Err(error) => return no_turn(Admission::Broken(error)),
        };
        let is_ancestor = |other| is_ancestor(entries, id, other);
        let claim = request.exclusive_table().map(|table| turns.claim(table, id, is_ancestor));
        if claim == Some(Claim::Waiting) {
            return no_turn(Admission::Turn);
        }
        let admission = if let Some(event) = event.filter(|event| !events.is_set(event)) {
            Admission::Event(event)
        } else if entry.held.is_some() || request.is_empty() {
            Admission::Free
        } else {
            locks.acquire(id, &request, is_ancestor).map_or_else(Admission::Lock, Admission::Granted)
        };
        Asked { admission, took_turn: claim == Some(Claim::Taken) }
    }

    /// Notes that a procedure has its locks, durably before it does anything with them.
    fn lock_granted(&mut self, id: ProcId, held: Held) {
        let gate = self.log.next();
        let entry = self.entry_mut(id);
        entry.held = Some(held);
        entry.phase = Phase::Committing;
        entry.gate = gate;
        entry.marks.admitted = true;
        entry.marks.locked = true;
        let op = self.write(id);
        self.log.push(vec![op], [Effect::Gate(id)]);
    }

    /// Gives a procedure's locks to whoever waits for them.
    pub(super) fn release(&mut self, id: ProcId) {
        let Some(held) = self.entries.get_mut(&id).and_then(|entry| entry.held.take()) else { return };
        let mut freed = SmallVec::new();
        self.locks.release(&held, &mut freed);
        for lock in freed {
            self.grant(lock);
        }
    }

    /// Lets those who wait for a resource ask again, in order of their ids.
    fn grant(&mut self, lock: LockId) {
        let mut last = None;
        while let Some(id) = self.locks.next_waiter(lock, last) {
            last = Some(id);
            self.locks.unregister(lock, id);
            self.ask_again(id, &Phase::Lock(lock));
            if self.locks.is_exclusive(lock) {
                break;
            }
        }
        self.locks.tidy(lock);
    }

    /// The turn at its table has come to a procedure.
    pub(super) fn turn_came(&mut self, id: ProcId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.marks.has_turn = true;
        }
        self.ask_again(id, &Phase::Turn);
    }

    /// Lets a procedure that waits in `phase` ask for its step again.
    fn ask_again(&mut self, id: ProcId, phase: &Phase<E::Event>) {
        if self.entries.get(&id).is_some_and(|entry| entry.phase == *phase) && self.admit(id) {
            self.make_ready(id);
        }
    }

    /// Puts a procedure in line for a step.
    pub(super) fn make_ready(&mut self, id: ProcId) {
        let class = self.class_of(id);
        let entry = self.entry_mut(id);
        entry.phase = Phase::Ready;
        if entry.marks.resumed {
            self.ready.push_resumed(class, id);
        } else {
            self.ready.push_fresh(class, id);
        }
    }

    /// How urgent a procedure is now.
    pub(super) fn class_of(&self, id: ProcId) -> Class {
        let entry = &self.entries[&id];
        if entry.marks.urgent {
            return Priority::Meta.into();
        }
        let own = entry.procedure.as_ref().map(|procedure| guarded("priority", || procedure.priority()));
        own.and_then(Result::ok).unwrap_or(Priority::Table).into()
    }
}

/// True if `other` is above `of` in its tree.
fn is_ancestor<E: Environment>(entries: &Entries<E>, of: ProcId, other: ProcId) -> bool {
    let mut next = entries.get(&of).and_then(|entry| entry.place.parent);
    while let Some(parent) = next {
        if parent == other {
            return true;
        }
        next = entries.get(&parent).and_then(|entry| entry.place.parent);
    }
    false
}
