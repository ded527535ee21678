//! Undoing a tree that has failed. Counterpart of `ProcedureExecutor.executeRollback` and `RootProcedureState`.
//!
//! Once no step of the tree is out, its steps are undone from the last to the first. Steps of children that succeeded
//! aren't undone, as in Java: whoever made them answers for what they did.
//!
//! # Differences from Java
//! - A child whose first step may have begun without being stored is undone, too, before all others. In Java that
//!   depends on which procedure a worker happens to poll.
//! - A step that can't be undone yet is tried again with growing waits, not at once and for ever.
//! - Taking a step that needs no undoing off the stack is stored together with the next one that does.
//! - In a tree that can't be undone at all, the siblings of what failed go on to their own ends before the root fails.
//!   Java drops them where they stand, and leaves regions in transition without a procedure.

use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{JavaException, ProcId, class};
use smallvec::SmallVec;

use super::Engine;
use super::commit::Effect;
use super::entry::{Phase, TreeState};
use super::step::sleep_ms;
use crate::{Environment, StoreOp};

/// What undoing has changed and not yet stored.
#[derive(Default)]
struct Undone {
    /// Procedures that are left with fewer steps, or without their locks.
    touched: SmallVec<[ProcId; 4]>,
    /// Procedures that are gone.
    removed: SmallVec<[ProcId; 4]>,
    effects: SmallVec<[Effect; 4]>,
}

impl Undone {
    fn touch(&mut self, id: ProcId) {
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
    }

    fn remove(&mut self, id: ProcId) {
        self.touched.retain(|touched| *touched != id);
        self.removed.push(id);
        self.effects.extend([Effect::Release(id), Effect::Removed(id)]);
    }
}

impl<E: Environment> Engine<E> {
    /// A step of a tree is over, and durable.
    pub(super) fn step_over(&mut self, root: ProcId) {
        let Some(tree) = self.trees.get_mut(&root) else { return };
        tree.active -= 1;
        self.check_failed(root);
    }

    /// Begins to undo a tree that has failed, or ends it if it can't be undone, once nothing stands in the way.
    pub(super) fn check_failed(&mut self, root: ProcId) {
        let Some(tree) = self.trees.get(&root) else { return };
        if tree.state != TreeState::Failed || tree.active > 0 {
            return;
        }
        if tree.rollback_supported {
            self.begin_unwinding(root);
        } else if tree.live == 0 {
            self.abandon(root);
        }
    }

    fn begin_unwinding(&mut self, root: ProcId) {
        let members = self.settle_all(root);
        let unrecorded = members.into_iter().filter(|id| {
            let entry = &self.entries[id];
            let marks = entry.marks;
            marks.started && !marks.executed && !marks.bypass && !entry.is_finished()
        });
        let unrecorded = unrecorded.collect();
        let mut undone = Undone::default();
        if self.entries[&root].state != ProcedureState::Failed {
            let exception = self.first_exception(root);
            self.fail_root(root, exception);
            undone.touch(root);
        }
        let tree = self.tree_mut(root);
        tree.state = TreeState::Unwinding;
        tree.unrecorded = unrecorded;
        self.unwind(root, undone);
    }

    /// Why a tree has failed.
    fn first_exception(&self, root: ProcId) -> pb::ForeignExceptionMessage {
        let members = self.trees[&root].members.iter().filter_map(|id| self.entries.get(id));
        let found = members.filter_map(|entry| entry.exception()).next().cloned();
        found.unwrap_or_else(|| {
            pb::ForeignExceptionMessage::new(None, &JavaException::new(class::IO, "failed"))
        })
    }

    /// Takes all procedures of a tree out of all lines. Those besides the root that are still there are returned.
    fn settle_all(&mut self, root: ProcId) -> Vec<ProcId> {
        let members = self.trees[&root].members.iter().copied();
        let members: Vec<_> = members.filter(|id| self.entries.contains_key(id)).collect();
        for &id in members.iter().chain([&root]) {
            self.settle(id);
        }
        members
    }

    /// Takes a procedure that has no step out of all lines.
    pub(super) fn settle(&mut self, id: ProcId) {
        let entry = self.entry_mut(id);
        match std::mem::replace(&mut entry.phase, Phase::Settled) {
            Phase::Lock(lock) => {
                self.locks.unregister(lock, id);
                self.locks.tidy(lock);
            }
            Phase::Sleeping(deadline) => drop(self.timers.remove(&(deadline, id))),
            Phase::Turn => drop(self.turns.end(id)),
            _ => {}
        }
    }

    /// Whose step is to be undone next, and whether that step was stored.
    fn next_to_undo(&self, root: ProcId) -> Option<(ProcId, bool)> {
        let tree = &self.trees[&root];
        let unrecorded = tree.unrecorded.last().map(|&id| (id, false));
        unrecorded.or_else(|| tree.stack.last().map(|&id| (id, true)))
    }

    /// Goes on undoing, up to the next step that takes its procedure's doing, or to the end.
    fn unwind(&mut self, root: ProcId, mut undone: Undone) {
        while let Some((id, recorded)) = self.next_to_undo(root) {
            let entry = &self.entries[&id];
            if !recorded || !(entry.is_finished() || entry.marks.bypass) {
                self.tree_mut(root).undoing = Some(id);
                if let Some(gate) = self.store_undone(undone) {
                    self.entry_mut(id).gate = gate;
                }
                return self.resume(id);
            }
            self.pop_step(root, id, &mut undone);
        }
        self.rolled_back(root, undone);
    }

    /// A procedure has been asked to undo its last step.
    pub(super) fn undone(&mut self, id: ProcId, result: Result<(), JavaException>) {
        let root = self.entries[&id].place.root;
        self.tree_mut(root).active -= 1;
        let mail = self.read_mail(id, true).0;
        match result {
            Ok(()) => self.step_undone(root, id),
            Err(error) => self.undo_later(id, &error),
        }
        for (ticket, answer) in mail.replies {
            self.answer_when_durable(ticket, answer);
        }
    }

    fn step_undone(&mut self, root: ProcId, id: ProcId) {
        let mut undone = Undone::default();
        self.entry_mut(id).attempts = 0;
        let tree = self.tree_mut(root);
        tree.undoing = None;
        if tree.unrecorded.last() == Some(&id) {
            tree.unrecorded.pop();
            self.remove(id, &mut undone);
        } else {
            self.pop_step(root, id, &mut undone);
        }
        let next = self.next_to_undo(root);
        if next.is_some_and(|(next, _)| next != id) && !undone.removed.contains(&id) {
            undone.effects.extend(self.leave(id));
            undone.touch(id);
        }
        self.unwind(root, undone);
    }

    /// Takes the last step off the stack.
    fn pop_step(&mut self, root: ProcId, id: ProcId, undone: &mut Undone) {
        self.tree_mut(root).stack.pop();
        let entry = self.entry_mut(id);
        entry.steps.pop();
        if entry.steps.is_empty() && id != root {
            self.remove(id, undone);
        } else {
            undone.touch(id);
        }
    }

    fn remove(&mut self, id: ProcId, undone: &mut Undone) {
        let entry = self.entry_mut(id);
        if entry.state != ProcedureState::Success {
            entry.state = ProcedureState::Rolledback;
        }
        entry.phase = Phase::Settled;
        entry.marks.locked = false;
        undone.remove(id);
    }

    fn store_undone(&mut self, undone: Undone) -> Option<super::Seq> {
        let mut ops: Vec<StoreOp> = undone.touched.iter().map(|&id| self.write(id)).collect();
        ops.extend(Self::delete(undone.removed));
        (!ops.is_empty()).then(|| self.log.push(ops, undone.effects))
    }

    /// Tries again later to undo a step.
    fn undo_later(&mut self, id: ProcId, error: &JavaException) {
        let retry = self.config.retry;
        let now_ms = self.now.mono_ms;
        let entry = self.entry_mut(id);
        let delay = retry.delay(entry.attempts);
        tracing::warn!(pid = %id, %error, ?delay, "undoing a step is tried again later");
        entry.attempts = entry.attempts.saturating_add(1);
        let deadline = now_ms + u64::from(sleep_ms(delay));
        entry.phase = Phase::Sleeping(deadline);
        self.timers.insert((deadline, id));
        if let Some(release) = self.leave(id) {
            let op = self.write(id);
            let gate = self.log.push(vec![op], [release]);
            self.entry_mut(id).gate = gate;
        }
    }

    /// Everything is undone: the root ends, and with it what is left of its tree.
    fn rolled_back(&mut self, root: ProcId, undone: Undone) {
        let members = self.trees[&root].members.iter().copied();
        let members: Vec<_> = members.filter(|id| self.entries.contains_key(id)).collect();
        let exception = self.first_exception(root);
        self.fail_root(root, exception);
        let entry = self.entry_mut(root);
        entry.state = ProcedureState::Rolledback;
        entry.phase = Phase::Settled;
        entry.marks.locked = false;
        entry.steps.clear();
        let mut ops = vec![self.write(root)];
        ops.extend(Self::delete(members));
        let end = [Effect::Release(root), Effect::RootEnded(root)];
        let gate = self.log.push(ops, undone.effects.into_iter().chain(end));
        self.entry_mut(root).gate = gate;
    }

    /// Ends a tree that can't be undone. Counterpart of `executeUnexpectedRollback`.
    fn abandon(&mut self, root: ProcId) {
        self.settle_all(root);
        tracing::error!(pid = %root, "failed, and can't be undone");
        self.tree_mut(root).state = TreeState::Unwinding;
        self.rolled_back(root, Undone::default());
    }
}
