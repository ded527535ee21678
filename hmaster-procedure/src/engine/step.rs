//! What a step's end brings about. Counterpart of `ProcedureExecutor.execProcedure`.

use std::time::Duration;

use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{JavaException, ProcId};
use smallvec::SmallVec;

use super::commit::Effect;
use super::entry::{Entry, Letter, Phase, Tree, TreeState};
use super::{Answer, Engine, Mode, StepDone, StepOutcome, Ticket, guarded};
use crate::procedure::simple_class_name;
use crate::{Delivery, Environment, Flow, HookContext, Place, Priority, Procedure, StepNotes, StoreOp};

/// What came during a step and was seen to after it.
#[derive(Default)]
pub(super) struct Mail {
    /// Somebody wants it to go on.
    pub(super) woken: bool,
    /// Its state has changed and must be stored.
    pub(super) dirty: bool,
    pub(super) replies: Vec<(Ticket, Answer)>,
}

/// A child that is about to be.
type Prepared<E> = (Box<dyn Procedure<E>>, Vec<pb::Any>);

impl<E: Environment> Engine<E> {
    /// Takes back a procedure whose step has ended.
    pub fn step_done(&mut self, done: StepDone<E>) {
        let StepDone { id, procedure, outcome } = done;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Phase::Running(class) = entry.phase else { return };
        self.ready.step_ended(class);
        if self.mode == Mode::Dead {
            return;
        }
        entry.procedure = Some(procedure);
        entry.phase = Phase::Settled;
        let watchers = entry.extra.as_mut().map(|extra| std::mem::take(&mut extra.step_watchers));
        let watchers = watchers.unwrap_or_default().into_iter();
        self.answers.extend(watchers.map(|ticket| (ticket, Answer::StepEnded)));
        let undoing = self.tree_of(id).undoing == Some(id);
        match outcome {
            StepOutcome::Executed(flow, notes) => self.step_executed(id, flow, notes),
            StepOutcome::RolledBack(result) => self.undone(id, result),
            StepOutcome::Panicked(error) if undoing => {
                // As in Java: what can't be undone for an error in the code counts as undone.
                tracing::error!(pid = %id, %error, "undoing a step");
                self.undone(id, Ok(()));
            }
            StepOutcome::Panicked(error) => {
                tracing::error!(pid = %id, %error, "a step");
                self.step_executed(id, Flow::Fail(error), StepNotes::default());
            }
        }
    }

    fn step_executed(&mut self, id: ProcId, flow: Flow<E>, notes: StepNotes) {
        let last = matches!(flow, Flow::Done | Flow::Fail(_)) || self.tree_of(id).is_doomed();
        let (mail, failure) = self.read_mail(id, last);
        let flow = failure.map_or(flow, Flow::Fail);
        self.executed(id, flow, notes, mail);
    }

    /// Sees to what came during the step.
    pub(super) fn read_mail(&mut self, id: ProcId, last: bool) -> (Mail, Option<JavaException>) {
        let env = std::sync::Arc::clone(&self.env);
        let now_ms = self.now.wall_ms;
        let entry = self.entry_mut(id);
        let mut mail = Mail { woken: entry.marks.woken, ..Mail::default() };
        let letters = entry.extra.as_mut().map(|extra| std::mem::take(&mut extra.inbox)).unwrap_or_default();
        let Some(procedure) = entry.procedure.as_mut() else { return (mail, None) };
        let cx = HookContext::new(&*env, entry.place, now_ms);
        let mut failure = None;
        for letter in letters {
            let over = last || failure.is_some();
            match letter {
                Letter::Abort(ticket) => {
                    let heeds = !over && guarded("abort", || procedure.abort()).unwrap_or(false);
                    mail.woken |= heeds;
                    mail.replies.push((ticket, Answer::Aborted(heeds)));
                }
                Letter::Message(_, ticket) if over => {
                    mail.replies.push((ticket, Answer::Delivered(Delivery::NoSuchProcedure)));
                }
                Letter::Message(message, ticket) => {
                    match guarded("message", || procedure.on_message(&cx, message)) {
                        Ok(reaction) => {
                            mail.woken |= reaction.wake;
                            mail.dirty |= reaction.persist;
                            let delivery = reaction.error.map_or(Delivery::Accepted, Delivery::Rejected);
                            mail.replies.push((ticket, Answer::Delivered(delivery)));
                        }
                        Err(error) => {
                            mail.replies.push((ticket, Answer::Delivered(Delivery::Rejected(error.clone()))));
                            failure = Some(error);
                        }
                    }
                }
            }
        }
        (mail, failure)
    }

    /// Does what a step has said. The step counts as active until its batch is durable.
    pub(super) fn executed(&mut self, id: ProcId, flow: Flow<E>, notes: StepNotes, mail: Mail) {
        let entry = self.entry_mut(id);
        entry.attempts = if notes.retrying { entry.attempts.saturating_add(1) } else { 0 };
        let doomed = self.tree_of(id).is_doomed();
        match flow {
            Flow::Done => self.ended(id),
            Flow::Fail(error) => self.failed(id, &error),
            Flow::Children(children) if !children.is_empty() && !doomed => self.with_children(id, children),
            Flow::Next | Flow::Children(_) => self.go_on(id, notes, mail.dirty),
            Flow::Wait(event) if mail.woken || self.events.is_set(&event) => {
                self.go_on(id, notes, mail.dirty);
            }
            Flow::Suspend | Flow::Sleep { .. } if mail.woken => self.go_on(id, notes, mail.dirty),
            flow => self.park(id, &flow, notes, mail.dirty),
        }
        for (ticket, answer) in mail.replies {
            self.answer_when_durable(ticket, answer);
        }
    }

    /// It does another step, keeping its locks.
    fn go_on(&mut self, id: ProcId, notes: StepNotes, dirty: bool) {
        self.entry_mut(id).phase = Phase::Committing;
        self.commit_step(id, notes, dirty, None);
    }

    /// It waits, giving up its locks unless it holds them to its end.
    fn park(&mut self, id: ProcId, flow: &Flow<E>, notes: StepNotes, dirty: bool) {
        let release = self.leave(id);
        let now_ms = self.now.mono_ms;
        let entry = self.entry_mut(id);
        let mut dirty = dirty;
        match flow {
            Flow::Wait(event) => {
                entry.phase = Phase::Event(event.clone());
                self.events.wait(event, id);
            }
            Flow::Suspend => entry.phase = Phase::Suspended,
            Flow::Sleep { duration, durable } => {
                let millis = sleep_ms(*duration);
                let deadline = now_ms + u64::from(millis);
                entry.phase = Phase::Sleeping(deadline);
                if *durable {
                    entry.state = ProcedureState::WaitingTimeout;
                    entry.extra_mut().timeout_ms = Some(millis);
                    dirty = true;
                }
                self.timers.insert((deadline, id));
            }
            _ => {
                entry.phase = Phase::Committing;
                entry.marks.resumed = false;
            }
        }
        self.commit_step(id, notes, dirty, release);
    }

    /// Prepares a procedure to wait: the effect that gives away its locks, if it has any and doesn't hold them.
    pub(super) fn leave(&mut self, id: ProcId) -> Option<Effect> {
        let entry = self.entry_mut(id);
        if entry.holds_lock() {
            return None;
        }
        entry.marks.admitted = false;
        entry.marks.locked = false;
        entry.held.is_some().then_some(Effect::Release(id))
    }

    /// Stores a step that didn't end the procedure, if there is something to store.
    fn commit_step(&mut self, id: ProcId, notes: StepNotes, dirty: bool, release: Option<Effect>) {
        let root = self.entries[&id].place.root;
        if self.tree_mut(root).is_doomed() {
            self.settle(id);
        }
        if !notes.skip_persistence {
            self.add_step(id);
        }
        if notes.skip_persistence && !dirty && release.is_none() {
            if self.entries[&id].phase == Phase::Committing {
                self.resume(id);
            }
            self.forget_record(id);
            self.step_over(root);
        } else {
            let op = self.write(id);
            self.forget_record(id);
            let effects = release.into_iter().chain([Effect::Gate(id), Effect::StepOver(root)]);
            let gate = self.log.push(vec![op], effects);
            self.entry_mut(id).gate = gate;
        }
    }

    /// Drops the row of a procedure that is parked.
    fn forget_record(&mut self, id: ProcId) {
        let entry = self.entry_mut(id);
        if !matches!(entry.phase, Phase::Committing | Phase::Ready) {
            entry.record = None;
        }
    }

    /// Notes that a step was done, in the order of the log.
    fn add_step(&mut self, id: ProcId) {
        let Self { entries, trees, .. } = self;
        let entry = entries.get_mut(&id).expect("its step has just ended");
        let tree = trees.get_mut(&entry.place.root).expect("a tree lives as long as its procedures");
        entry.marks.executed = true;
        if tree.rollback_supported {
            let step = u32::try_from(tree.stack.len()).expect("fewer than 2^32 steps in one tree");
            entry.steps.push(step);
            tree.stack.push(id);
        }
    }

    /// It waits for children.
    fn with_children(&mut self, id: ProcId, children: Vec<Box<dyn Procedure<E>>>) {
        let mut prepared: Vec<Prepared<E>> = Vec::with_capacity(children.len());
        for child in children {
            match guarded("state data of a child", || child.state_messages()) {
                Ok(messages) => prepared.push((child, messages)),
                Err(error) => return self.failed(id, &error),
            }
        }
        let release = self.leave(id);
        self.add_step(id);
        let urgent = self.class_of(id) == Priority::Meta.into();
        let gate = self.log.next();
        let count = u32::try_from(prepared.len()).expect("fewer than 2^32 children");
        let entry = self.entry_mut(id);
        entry.state = ProcedureState::Waiting;
        entry.phase = Phase::Children;
        entry.children = count;
        entry.gate = gate;
        let (root, owner) = (entry.place.root, entry.owner.clone());
        let mut ops = Vec::with_capacity(prepared.len() + 1);
        ops.push(self.write(id));
        self.entry_mut(id).record = None;
        let first = ProcId(self.last_id + 1);
        for (procedure, messages) in prepared {
            let place = Place { id: self.next_id(), parent: Some(id), root };
            let mut child = Entry::new(place, procedure, self.now.wall_ms);
            child.owner.clone_from(&owner);
            child.marks.urgent = urgent;
            child.marks.resumed = true;
            child.gate = gate;
            ops.push(self.enter_child(child, messages));
        }
        let tree = self.tree_mut(root);
        tree.live += count;
        tree.live -= 1;
        let begin = Effect::Gates(first, count);
        self.log.push(ops, [begin].into_iter().chain(release).chain([Effect::StepOver(root)]));
    }

    fn enter_child(&mut self, mut child: Entry<E>, messages: Vec<pb::Any>) -> StoreOp {
        let place = child.place;
        self.metrics.submitted(child.metrics_name());
        let record = child.remember(messages);
        self.tree_mut(place.root).members.push(place.id);
        self.entries.insert(place.id, Box::new(child));
        StoreOp::Put(record)
    }

    /// It has succeeded.
    fn ended(&mut self, id: ProcId) {
        self.add_step(id);
        let entry = self.entry_mut(id);
        let Place { parent, root, .. } = entry.place;
        let result = entry.procedure.as_ref().and_then(|p| guarded("result", || p.result()).ok().flatten());
        if result.is_some() {
            entry.extra_mut().result = result;
        }
        if entry.is_live() {
            self.tree_mut(root).live -= 1;
        }
        let gate = self.log.next();
        let entry = self.entry_mut(id);
        entry.state = ProcedureState::Success;
        entry.phase = Phase::Settled;
        entry.marks.locked = false;
        entry.gate = gate;
        let mut ops = vec![self.write(id)];
        if let Some(parent) = parent {
            let wake = self.child_ended(parent);
            ops.extend(wake.then(|| self.write(parent)));
            let wake = wake.then_some(Effect::Gate(parent));
            let effects = [Effect::Release(id), Effect::Ended(id)].into_iter().chain(wake);
            self.log.push(ops, effects.chain([Effect::StepOver(root)]));
        } else {
            ops.extend(Self::delete(self.trees[&root].members.iter().copied()));
            self.log.push(ops, [Effect::Release(id), Effect::RootEnded(id)]);
        }
    }

    /// A child has succeeded. True if it was the last and the parent goes on.
    fn child_ended(&mut self, parent: ProcId) -> bool {
        let gate = self.log.next();
        let entry = self.entry_mut(parent);
        entry.children = entry.children.saturating_sub(1);
        if entry.children > 0 || entry.phase != Phase::Children {
            return false;
        }
        let root = entry.place.root;
        if self.tree_mut(root).is_doomed() {
            return false;
        }
        self.tree_mut(root).live += 1;
        let entry = self.entry_mut(parent);
        entry.state = ProcedureState::Runnable;
        entry.phase = Phase::Committing;
        entry.gate = gate;
        true
    }

    /// It has failed, and with it its tree.
    pub(super) fn failed(&mut self, id: ProcId, error: &JavaException) {
        self.add_step(id);
        let gate = self.log.next();
        let entry = self.entry_mut(id);
        let source = simple_class_name(entry.class_name());
        let exception = pb::ForeignExceptionMessage::new(Some(source), error);
        let (root, live) = (entry.place.root, entry.is_live());
        entry.extra_mut().exception = Some(exception.clone());
        entry.state = ProcedureState::Failed;
        entry.phase = Phase::Settled;
        entry.gate = gate;
        tracing::info!(pid = %id, %error, class = entry.class_name(), "failed");
        let tree = self.tree_mut(root);
        tree.live -= u32::from(live);
        let first = tree.state == TreeState::Running;
        if first {
            tree.state = TreeState::Failed;
        }
        let mut ops = vec![self.write(id)];
        if first && root != id && self.tree_mut(root).rollback_supported {
            self.fail_root(root, exception);
            ops.push(self.write(root));
        }
        self.log.push(ops, [Effect::StepOver(root)]);
    }

    /// Lets the root bear the exception that its tree failed of.
    pub(super) fn fail_root(&mut self, root: ProcId, exception: pb::ForeignExceptionMessage) {
        let entry = self.entry_mut(root);
        let live = entry.is_live();
        entry.state = ProcedureState::Failed;
        entry.extra_mut().exception.get_or_insert(exception);
        self.tree_mut(root).live -= u32::from(live);
    }

    /// Lets a procedure fail that has no step out.
    pub(super) fn fail_now(&mut self, id: ProcId, error: &JavaException) {
        self.settle(id);
        let root = self.entries[&id].place.root;
        self.tree_mut(root).active += 1;
        self.failed(id, error);
    }

    pub(super) fn entry_mut(&mut self, id: ProcId) -> &mut Entry<E> {
        self.entries.get_mut(&id).expect("callers name procedures that are there")
    }

    pub(super) fn tree_mut(&mut self, root: ProcId) -> &mut Tree {
        self.trees.get_mut(&root).expect("a tree lives as long as its procedures")
    }

    pub(super) fn tree_of(&self, id: ProcId) -> &Tree {
        &self.trees[&self.entries[&id].place.root]
    }

    /// Who has asked for the end of a procedure, and is told now.
    pub(super) fn watchers(&mut self, id: ProcId) -> SmallVec<[Ticket; 1]> {
        let extra = self.entries.get_mut(&id).and_then(|entry| entry.extra.as_mut());
        extra.map(|extra| std::mem::take(&mut extra.watchers)).unwrap_or_default()
    }
}

/// The longest sleep: 24 days, as much as the int holds in which Java keeps it. Who sleeps longer is woken in between.
const SLEEP_MS_MAX: u32 = i32::MAX.cast_unsigned();

/// A sleep in milliseconds.
pub(super) fn sleep_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).map_or(SLEEP_MS_MAX, |millis| millis.min(SLEEP_MS_MAX))
}
