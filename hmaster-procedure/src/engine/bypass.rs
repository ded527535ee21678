//! Letting procedures end without doing anything, when they are beyond help. Counterpart of
//! `ProcedureExecutor.bypassProcedure`, which HBCK2 uses.
//!
//! # Differences from Java
//! - All that one call changes is stored in one batch.
//! - A bypassed procedure needs no turn, event or lock to end. In Java it may wait for them for ever.
//! - A parent whose children are bypassed with it ends after them. Java starts it beside them.

use hmaster_protocol::pb::ProcedureState;
use hmaster_types::ProcId;

use super::commit::Effect;
use super::entry::Phase;
use super::{Answer, Engine, Ticket};
use crate::Environment;

/// What came of a request to bypass a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// It will end; the ticket is answered when that is durable.
    Done,
    /// It isn't there, has ended, has children, or is being undone.
    Refused,
    /// Its step is running; the ticket is answered with [`Answer::StepEnded`].
    Busy,
}

impl<E: Environment> Engine<E> {
    /// Lets a procedure and its ancestors end without doing anything. With `overrides` even while its step is running,
    /// which then takes effect only once the step ends; with `recursive` its children first, as far as they can be.
    pub fn bypass(&mut self, id: ProcId, overrides: bool, recursive: bool, ticket: Ticket) -> Bypass {
        let mut changed = Vec::new();
        let answer = self.mark_bypassed(id, overrides, recursive, &mut changed);
        match answer {
            Bypass::Busy => self.entry_mut(id).extra_mut().step_watchers.push(ticket),
            Bypass::Refused => {}
            Bypass::Done => self.store_bypassed(changed, ticket),
        }
        answer
    }

    fn mark_bypassed(
        &mut self,
        id: ProcId,
        overrides: bool,
        recursive: bool,
        changed: &mut Vec<ProcId>,
    ) -> Bypass {
        let Some(entry) = self.entries.get(&id) else { return Bypass::Refused };
        if entry.is_running() && !overrides {
            return Bypass::Busy;
        }
        if self.entries[&entry.place.root].is_finished() {
            return Bypass::Refused;
        }
        let waits_or_runs = entry.is_live() || entry.state == ProcedureState::Waiting;
        if entry.is_finished() || !waits_or_runs && entry.place.parent.is_some() {
            return Bypass::Refused;
        }
        if entry.children > 0 {
            if !recursive {
                return Bypass::Refused;
            }
            for child in self.children_of(id) {
                // A child that can't be bypassed ends by itself, or is bypassed later.
                let _ = self.mark_bypassed(child, overrides, recursive, changed);
            }
        }
        let mut next = Some(id);
        while let Some(entry) = next.and_then(|id| self.entries.get_mut(&id)) {
            entry.marks.bypass = true;
            if !changed.contains(&entry.place.id) {
                changed.push(entry.place.id);
            }
            next = entry.place.parent;
        }
        Bypass::Done
    }

    fn store_bypassed(&mut self, changed: Vec<ProcId>, ticket: Ticket) {
        let ops = changed.iter().map(|&id| self.write(id)).collect();
        let gates = changed.iter().map(|&id| Effect::Gate(id));
        let answer = Effect::Answer(ticket, Answer::Durable);
        let gate = self.log.push(ops, gates.chain([answer]));
        for id in changed {
            self.entry_mut(id).gate = gate;
            self.end_wait(id);
        }
    }

    /// Ends whatever a bypassed procedure waits for, but for its children.
    fn end_wait(&mut self, id: ProcId) {
        match self.entries[&id].phase {
            Phase::Turn | Phase::Lock(_) => {
                self.settle(id);
                self.resume(id);
            }
            Phase::Ready => self.resume(id),
            _ => self.unpark(id),
        }
    }

    /// The children of a procedure that haven't ended.
    fn children_of(&self, parent: ProcId) -> Vec<ProcId> {
        let root = self.entries[&parent].place.root;
        let members = self.trees[&root].members.iter().copied();
        let is_child = |id: &ProcId| {
            self.entries
                .get(id)
                .is_some_and(|entry| entry.place.parent == Some(parent) && !entry.is_finished())
        };
        members.filter(is_child).collect()
    }
}
