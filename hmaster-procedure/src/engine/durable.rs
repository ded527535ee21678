//! What happens once a batch is durable, in the order of the log.

use std::sync::Arc;

use hmaster_types::ProcId;

use super::commit::{Effect, Seq};
use super::entry::{Entry, Phase};
use super::{Answer, Engine, Mode, guarded};
use crate::{Environment, HookContext};
use hmaster_protocol::pb::ProcedureState;

impl<E: Environment> Engine<E> {
    /// All batches up to this one are durable.
    pub fn durable(&mut self, seq: Seq) {
        if self.mode == Mode::Dead {
            return;
        }
        self.log.mark_durable(seq);
        while let Some((_, effect)) = self.log.pop_effect() {
            self.apply(effect);
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Gate(id) => self.open_gate(id),
            Effect::Gates(first, count) => {
                (first.0..first.0 + u64::from(count)).for_each(|id| self.open_gate(ProcId(id)));
            }
            Effect::Release(id) => self.release(id),
            Effect::StepOver(root) => self.step_over(root),
            Effect::Ended(id) => self.child_over(id),
            Effect::Removed(id) => {
                self.child_over(id);
                self.entries.remove(&id);
            }
            Effect::RootEnded(id) => self.root_over(id),
            Effect::Answer(ticket, answer) => self.answers.push((ticket, answer)),
        }
    }

    /// A procedure that waited for its row to be durable goes on.
    fn open_gate(&mut self, id: ProcId) {
        let Some(entry) = self.entries.get(&id) else { return };
        if entry.phase == Phase::Committing && self.log.is_durable(entry.gate) {
            self.make_ready(id);
        }
    }

    /// A child has ended, well or not; its entry may be needed for what comes of its tree.
    fn child_over(&mut self, id: ProcId) {
        let rollback_supported = self.trees.get(&self.root_of(id)).is_none_or(|tree| tree.rollback_supported);
        self.say_completed(id);
        let outcome = self.outcome(id);
        for ticket in self.watchers(id) {
            self.answers.push((ticket, Answer::Finished(outcome.clone())));
        }
        let entry = self.entry_mut(id);
        entry.procedure = None;
        if !rollback_supported && let Some(record) = &entry.record {
            // Its row isn't written again; only its end and its result are still of use.
            let slim = hmaster_protocol::pb::Procedure { state_message: Vec::new(), ..(**record).clone() };
            entry.record = Some(Arc::new(slim));
        }
    }

    /// A root has ended, and all of its tree goes.
    fn root_over(&mut self, root: ProcId) {
        let tree = self.trees.get(&root).expect("a tree ends once");
        for id in tree.members.clone() {
            if self.entries.contains_key(&id) {
                self.release(id);
                let over = self.entries[&id].procedure.is_none();
                if !over {
                    self.say_completed(id);
                }
                let outcome = self.outcome(id);
                for ticket in self.watchers(id) {
                    self.answers.push((ticket, Answer::Finished(outcome.clone())));
                }
                self.entries.remove(&id);
            }
        }
        self.trees.remove(&root);
        self.say_completed(root);
        let outcome = self.outcome(root);
        let watchers = self.watchers(root);
        let entry = self.entries.remove(&root).expect("a root ends once");
        let waits = entry.procedure.as_ref().map(|p| guarded("ack", || p.waits_for_client_ack()));
        let waits = waits.is_none_or(|waits| waits.unwrap_or(true));
        self.results.keep(Arc::clone(&outcome.record), waits, true);
        self.answers.extend(watchers.into_iter().map(|ticket| (ticket, Answer::Finished(outcome.clone()))));
        if let Some(nonce) = entry.extra.as_ref().and_then(|extra| extra.nonce) {
            self.release_nonce(nonce);
        }
    }

    /// Tells a procedure that it has ended, counts it, and ends its turn at its table.
    fn say_completed(&mut self, id: ProcId) {
        let now_ms = self.now.wall_ms;
        let entry = self.entries.get_mut(&id).expect("callers name procedures that are there");
        let success = entry.state == ProcedureState::Success;
        let cx = HookContext::new(&*self.env, entry.place, now_ms);
        if let Some(procedure) = entry.procedure.as_mut()
            && let Err(error) = guarded("completed", || procedure.completed(&cx))
        {
            tracing::error!(pid = %id, %error, "after its end");
        }
        log_end(entry, success);
        let elapsed_ms = now_ms.saturating_sub(entry.submitted_ms);
        self.metrics.finished(entry.metrics_name(), success, elapsed_ms);
        if entry.marks.has_turn
            && let Some(next) = self.turns.end(id)
        {
            self.turn_came(next);
        }
    }

    fn root_of(&self, id: ProcId) -> ProcId {
        self.entries.get(&id).map_or(id, |entry| entry.place.root)
    }
}

fn log_end<E: Environment>(entry: &Entry<E>, success: bool) {
    let details = || entry.procedure.as_ref().map(|procedure| guarded("details", || procedure.details()));
    if success {
        tracing::debug!(pid = %entry.id(), details = ?details(), "ended");
    } else {
        tracing::info!(pid = %entry.id(), details = ?details(), "undone");
    }
}
