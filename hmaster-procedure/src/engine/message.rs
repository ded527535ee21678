//! What comes from outside: messages, wake-ups, events, time, requests to give up.

use std::sync::Arc;

use hmaster_protocol::pb::ProcedureState;
use hmaster_types::{JavaException, ProcId, class};

use super::commit::Effect;
use super::entry::{Letter, Phase};
use super::{Answer, Engine, INBOX_MESSAGES_MAX, Mode, Ticket, guarded};
use crate::{Delivery, Environment, HookContext, Reaction, TimeoutReaction};

impl<E: Environment> Engine<E> {
    /// Tells a procedure something; answered with [`Answer::Delivered`] once what that changed is durable. During a
    /// step the message waits for its end.
    pub fn deliver(&mut self, id: ProcId, message: E::Message, ticket: Ticket) {
        let env = Arc::clone(&self.env);
        let now_ms = self.now.wall_ms;
        if !self.takes_messages(id) {
            return self.answer_about(id, ticket, Answer::Delivered(Delivery::NoSuchProcedure));
        }
        let entry = self.entry_mut(id);
        let cx = HookContext::new(&*env, entry.place, now_ms);
        let Some(procedure) = entry.procedure.as_mut() else {
            return self.post(id, Letter::Message(message, ticket));
        };
        match guarded("message", || procedure.on_message(&cx, message)) {
            Ok(reaction) => self.react(id, reaction, ticket),
            Err(error) => {
                tracing::error!(pid = %id, %error, "a message");
                self.fail_now(id, &error);
                self.answer_when_durable(ticket, Answer::Delivered(Delivery::Rejected(error)));
            }
        }
    }

    /// True if it hasn't ended and isn't about to be undone. Of one that has, no row may be written any more: it would
    /// outlive the tree.
    fn takes_messages(&self, id: ProcId) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.phase != Phase::Settled && !self.trees[&entry.place.root].is_doomed())
    }

    fn react(&mut self, id: ProcId, reaction: Reaction, ticket: Ticket) {
        let answer = Answer::Delivered(reaction.error.map_or(Delivery::Accepted, Delivery::Rejected));
        if reaction.persist {
            let op = self.write(id);
            let gate = self.log.push(vec![op], [Effect::Gate(id), Effect::Answer(ticket, answer)]);
            self.entry_mut(id).gate = gate;
        } else {
            self.answer_about(id, ticket, answer);
        }
        if reaction.wake {
            self.unpark(id);
        }
    }

    /// Leaves something for a procedure to see to after its step.
    fn post(&mut self, id: ProcId, letter: Letter<E>) {
        let inbox = &mut self.entry_mut(id).extra_mut().inbox;
        if inbox.len() < INBOX_MESSAGES_MAX {
            inbox.push_back(letter);
            return;
        }
        let full = JavaException::new(class::CALL_QUEUE_TOO_BIG, format!("too many messages for pid={id}"));
        match letter {
            Letter::Message(_, ticket) => {
                self.answers.push((ticket, Answer::Delivered(Delivery::Rejected(full))));
            }
            Letter::Abort(ticket) => self.answers.push((ticket, Answer::Aborted(false))),
        }
    }

    /// Lets a procedure go on that waits for a message, an event or the end of a sleep; one whose step is running goes
    /// on after it.
    pub fn wake(&mut self, id: ProcId) {
        match self.entries.get_mut(&id) {
            Some(entry) if entry.is_running() => entry.marks.woken = true,
            Some(_) => self.unpark(id),
            None => {}
        }
    }

    /// Ends a procedure's wait, if it waits for something that may never come.
    pub(super) fn unpark(&mut self, id: ProcId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        match entry.phase {
            Phase::Event(_) | Phase::Suspended => self.resume(id),
            Phase::Sleeping(deadline) => {
                self.timers.remove(&(deadline, id));
                if entry.state == ProcedureState::WaitingTimeout {
                    entry.state = ProcedureState::Runnable;
                    entry.extra_mut().timeout_ms = None;
                }
                self.resume(id);
            }
            _ => {}
        }
    }

    /// Puts a procedure in line, once its row is durable.
    pub(super) fn resume(&mut self, id: ProcId) {
        if self.entries[&id].children > 0 && self.tree_of(id).undoing != Some(id) {
            return self.await_children(id);
        }
        if self.log.is_durable(self.entries[&id].gate) {
            return self.make_ready(id);
        }
        self.entry_mut(id).phase = Phase::Committing;
        // The gate isn't durable, so neither is the end of the log, and the effect stays there.
        let durable = self.log.attach(Effect::Gate(id));
        debug_assert!(durable.is_none(), "a gate lies within the log");
    }

    /// A procedure that slept while it had children, which only Java's rows can say, waits for them.
    fn await_children(&mut self, id: ProcId) {
        let entry = self.entry_mut(id);
        let (live, root) = (entry.is_live(), entry.place.root);
        entry.state = ProcedureState::Waiting;
        entry.phase = Phase::Children;
        self.tree_mut(root).live -= u32::from(live);
    }

    /// Sets an event and lets those go on that wait for it, in the order in which they came.
    pub fn set_event(&mut self, event: E::Event) {
        let phase = Phase::Event(event.clone());
        for id in self.events.set(event) {
            if self.entries.get(&id).is_some_and(|entry| entry.phase == phase) {
                self.resume(id);
            }
        }
    }

    /// Makes an event not set.
    pub fn clear_event(&mut self, event: &E::Event) {
        self.events.clear(event);
    }

    /// True if an event is set.
    pub fn is_event_set(&self, event: &E::Event) -> bool {
        self.events.is_set(event)
    }

    /// Sees to what is due by now: ends of sleeps, results that were kept long enough. True if results were dropped.
    pub fn tick(&mut self) -> bool {
        while let Some(&(deadline, id)) = self.timers.first()
            && deadline <= self.now.mono_ms
            && self.mode != Mode::Dead
        {
            self.timers.pop_first();
            self.time_is_up(id);
        }
        self.mode != Mode::Dead && self.evict_results()
    }

    fn time_is_up(&mut self, id: ProcId) {
        if !self.entries.contains_key(&id) {
            return;
        }
        let undoing = self.tree_of(id).undoing == Some(id);
        let entry = self.entry_mut(id);
        let reaction = match &mut entry.procedure {
            Some(procedure) if !undoing => guarded("timeout", || procedure.on_timeout()),
            _ => Ok(TimeoutReaction::Wake),
        };
        match reaction {
            Ok(TimeoutReaction::Wake) => self.unpark(id),
            Ok(TimeoutReaction::Fail(error)) | Err(error) => self.fail_now(id, &error),
        }
    }

    /// Asks a procedure to give up; answered with [`Answer::Aborted`]. One whose step is running is asked after it.
    /// Without `may_interrupt_if_running` only one that hasn't done a step is asked.
    pub fn abort(&mut self, id: ProcId, may_interrupt_if_running: bool, ticket: Ticket) {
        let refused = Answer::Aborted(false);
        if !self.takes_messages(id) {
            return self.answers.push((ticket, refused));
        }
        let entry = self.entry_mut(id);
        if entry.marks.executed && !may_interrupt_if_running {
            return self.answers.push((ticket, refused));
        }
        let Some(procedure) = entry.procedure.as_mut() else {
            return self.post(id, Letter::Abort(ticket));
        };
        let heeds = guarded("abort", || procedure.abort()).unwrap_or(false);
        self.answers.push((ticket, Answer::Aborted(heeds)));
        if heeds {
            self.unpark(id);
        }
    }

    /// Asks to be told of a procedure's end, with [`Answer::Finished`]. False if nothing is known of it.
    pub fn watch(&mut self, id: ProcId, ticket: Ticket) -> bool {
        if let Some(outcome) = self.results.get(id) {
            self.answers.push((ticket, Answer::Finished(outcome)));
            return true;
        }
        match self.entries.get_mut(&id) {
            Some(entry) if entry.is_finished() && self.log.is_durable(entry.gate) => {
                let outcome = self.outcome(id);
                self.answers.push((ticket, Answer::Finished(outcome)));
                true
            }
            Some(entry) => {
                entry.extra_mut().watchers.push(ticket);
                true
            }
            None => false,
        }
    }
}
