//! Starting from what another master left. Counterpart of `ProcedureExecutor.loadProcedures`.
//!
//! Everything that was going on is put where it was: locks with those who held them, parents first; turns at tables with
//! those who had begun; sleepers to sleep for what is left; failed trees to be undone. Nothing runs before
//! [`Engine::start`].

use std::sync::Arc;

use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{Nonce, ProcId};

use super::entry::{Entry, Phase, Tree, TreeState};
use super::{Engine, EngineConfig, Mode, Now, guarded};
use crate::locks::LockRequest;
use crate::{Environment, HookContext, LoadPlan, LoadedProcedure, Place, Procedure, StoreOp};

impl<E: Environment> Engine<E> {
    /// An engine that goes on with what is in `plan`, and gives out ids above all of the store's and above `id_floor`.
    /// What decisions about the plan have changed is stored first.
    pub fn restore(env: Arc<E>, config: EngineConfig, now: Now, plan: LoadPlan<E>, id_floor: ProcId) -> Self {
        let restorable = plan.into_restorable();
        let last_id = ProcId(restorable.max_proc_id.max(id_floor.0));
        let mut engine = Self::new(env, config, now, last_id);
        let mut changed = Vec::new();
        let mut order = Vec::new();
        for rows in restorable.trees {
            engine.restore_tree(rows, &mut order, &mut changed);
        }
        order.sort_unstable_by_key(|&(depth, id)| (depth, id));
        for &(_, id) in &order {
            engine.restore_lock(id);
        }
        engine.restore_turns();
        engine.restore_phases();
        engine.store_decisions(&changed, restorable.discarded);
        engine.say_loaded();
        engine
    }

    /// Begins to undo what had failed, and to run everything else.
    pub fn start(&mut self) {
        if self.mode != Mode::Loading {
            return;
        }
        self.mode = Mode::Running;
        for root in self.sorted_roots() {
            self.check_failed(root);
        }
    }

    fn sorted_roots(&self) -> Vec<ProcId> {
        let mut roots: Vec<_> = self.trees.keys().copied().collect();
        roots.sort_unstable();
        roots
    }

    fn restore_tree(
        &mut self,
        rows: Vec<LoadedProcedure<E>>,
        order: &mut Vec<(usize, ProcId)>,
        changed: &mut Vec<ProcId>,
    ) {
        let Some(root) = rows.first().map(LoadedProcedure::id) else { return };
        let nonces =
            rows.iter().map(|row| (Nonce::new(row.record.nonce_group(), row.record.nonce()), row.id()));
        for (nonce, id) in nonces {
            if let Some(nonce) = nonce {
                self.nonces.assign(nonce, id);
            }
        }
        if rows[0].procedure.is_none() {
            let records = rows.into_iter().map(|row| Arc::new(row.record));
            return records.for_each(|record| self.results.keep(record, true, true));
        }
        let mut tree = Tree::new(true);
        tree.live = 0;
        let mut steps = Vec::new();
        for row in rows {
            let id = row.id();
            changed.extend(row.changed.then_some(id));
            let entry = Entry::restore(row, root);
            steps.extend(entry.steps.iter().map(|&step| (step, id)));
            if id != root {
                tree.members.push(id);
            }
            if matches!(entry.state, ProcedureState::Failed | ProcedureState::Rolledback) {
                tree.state = TreeState::Failed;
            }
            self.entries.insert(id, Box::new(entry));
        }
        tree.members.sort_unstable();
        steps.sort_unstable();
        tree.stack = steps.into_iter().map(|(_, id)| id).collect();
        let root_procedure = self.entries[&root].procedure.as_ref();
        tree.rollback_supported = !tree.stack.is_empty()
            || root_procedure.is_none_or(|procedure| procedure.is_rollback_supported());
        for &id in tree.members.iter().chain([&root]) {
            order.push((self.depth(id), id));
            self.count_child(id);
        }
        self.trees.insert(root, tree);
    }

    /// How many are above it.
    fn depth(&self, id: ProcId) -> usize {
        let parent = |id: &ProcId| self.entries.get(id).and_then(|entry| entry.place.parent);
        std::iter::successors(parent(&id), parent).count()
    }

    fn count_child(&mut self, id: ProcId) {
        let entry = &self.entries[&id];
        if !entry.is_finished()
            && let Some(parent) = entry.place.parent.and_then(|parent| self.entries.get_mut(&parent))
        {
            parent.children += 1;
        }
    }

    /// Gives a procedure the locks that its row says it holds. That it holds them isn't taken for more: it waits for its
    /// event before the next step, as in Java.
    fn restore_lock(&mut self, id: ProcId) {
        let Self { entries, locks, .. } = self;
        let entry = &entries[&id];
        if !entry.marks.locked {
            return;
        }
        // Java stores children and the release of the parent's locks one after the other.
        let gave_up = entry.state == ProcedureState::Waiting && !entry.holds_lock();
        let request = if entry.is_finished() || entry.marks.bypass || gave_up {
            LockRequest::none()
        } else {
            requested(entry)
        };
        let ancestors: Vec<_> = {
            let parent = |id: &ProcId| entries.get(id).and_then(|entry| entry.place.parent);
            std::iter::successors(parent(&id), parent).collect()
        };
        let held = locks.acquire(id, &request, |owner| ancestors.contains(&owner));
        let entry = entries.get_mut(&id).expect("just looked");
        match held {
            Ok(held) if !request.is_empty() => entry.held = Some(held),
            Ok(_) => entry.marks.locked = false,
            Err(lock) => {
                let resource = locks.resource(lock).map(ToString::to_string).unwrap_or_default();
                tracing::error!(pid = %id, %resource, "held by another, too: asks for it again at its next step");
                entry.marks.locked = false;
            }
        }
    }

    /// Gives tables' turns to those who had begun; those who hadn't ask for them later (HBASE-28263).
    fn restore_turns(&mut self) {
        let mut begun: Vec<_> = self
            .entries
            .values()
            .filter(|entry| !entry.is_finished() && !entry.marks.bypass)
            .filter(|entry| entry.marks.executed || entry.held.is_some())
            .map(|entry| entry.place.id)
            .collect();
        begun.sort_unstable();
        for id in begun {
            let request = requested(&self.entries[&id]);
            let Some(table) = request.exclusive_table() else { continue };
            if self.turns.is_free(table) {
                let _ = self.turns.claim(table, id, |_| false);
                self.entry_mut(id).marks.has_turn = true;
            }
        }
    }

    /// Puts every procedure where it waits, those that have run before in front, each group in order of ids.
    fn restore_phases(&mut self) {
        let mut ids: Vec<_> = self.entries.keys().copied().collect();
        ids.sort_unstable_by_key(|id| (!self.entries[id].marks.executed, *id));
        for id in ids {
            self.restore_phase(id);
        }
    }

    fn restore_phase(&mut self, id: ProcId) {
        let doomed = self.tree_of(id).is_doomed();
        let (wall_ms, mono_ms) = (self.now.wall_ms, self.now.mono_ms);
        let entry = self.entry_mut(id);
        let root = entry.place.root;
        match entry.state {
            ProcedureState::Success | ProcedureState::Rolledback | ProcedureState::Failed => {
                entry.phase = Phase::Settled;
                return;
            }
            ProcedureState::Waiting | ProcedureState::Runnable if entry.children > 0 => {
                entry.state = ProcedureState::Waiting;
                entry.phase = Phase::Children;
                return;
            }
            ProcedureState::WaitingTimeout if !doomed => {
                let timeout_ms = entry.extra.as_ref().and_then(|extra| extra.timeout_ms).unwrap_or(0);
                let slept_ms = wall_ms.saturating_sub(entry.updated_ms);
                let deadline = mono_ms + u64::from(timeout_ms).saturating_sub(slept_ms);
                entry.phase = Phase::Sleeping(deadline);
                self.timers.insert((deadline, id));
            }
            _ => {
                entry.state = ProcedureState::Runnable;
                entry.phase = Phase::Settled;
                if !doomed {
                    self.make_ready(id);
                }
            }
        }
        self.tree_mut(root).live += 1;
    }

    fn store_decisions(&mut self, changed: &[ProcId], discarded: Vec<ProcId>) {
        let mut ops: Vec<StoreOp> = changed.iter().map(|&id| self.write(id)).collect();
        ops.extend(discarded.into_iter().map(StoreOp::Delete));
        if !ops.is_empty() {
            let gate = self.log.push(ops, []);
            changed.iter().for_each(|&id| self.entry_mut(id).gate = gate);
        }
    }

    fn say_loaded(&mut self) {
        let (env, now_ms) = (Arc::clone(&self.env), self.now.wall_ms);
        self.visit(|place, procedure| {
            let cx = HookContext::new(&*env, place, now_ms);
            if let Err(error) = guarded("after_load", || procedure.after_load(&cx)) {
                tracing::error!(pid = %place.id, %error, "after loading");
            }
        });
    }

    /// Shows every procedure that hasn't ended and has no step out, in order of ids.
    pub fn visit(&mut self, mut visitor: impl FnMut(Place, &mut dyn Procedure<E>)) {
        let mut ids: Vec<_> = self.entries.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let entry = self.entry_mut(id);
            let place = entry.place;
            if let Some(procedure) = entry.procedure.as_mut() {
                visitor(place, &mut **procedure);
            }
        }
    }
}

impl<E: Environment> Entry<E> {
    fn restore(row: LoadedProcedure<E>, root: ProcId) -> Self {
        let LoadedProcedure { record, procedure, .. } = row;
        let place = Place { id: ProcId(record.proc_id), parent: record.parent_id.map(ProcId), root };
        let procedure = procedure.expect("rows without a procedure are no part of a plan that is loaded");
        let mut entry = Self::new(place, procedure, record.submitted_time);
        entry.state = record.state();
        entry.phase = Phase::Settled;
        entry.updated_ms = record.last_update;
        entry.owner = record.owner.as_deref().map(Arc::from);
        entry.steps = record.stack_id.iter().copied().collect();
        entry.steps.sort_unstable();
        entry.marks.locked = record.locked();
        entry.marks.bypass = record.bypass();
        // Rows of Java before 2.6 have no flag, but steps.
        entry.marks.executed = record.executed() || !record.stack_id.is_empty();
        entry.marks.resumed = entry.marks.executed || place.parent.is_some();
        // The first step of a procedure with locks begins after its row says that it holds them.
        let executed = entry.marks.executed;
        entry.marks.started = executed || entry.marks.locked || requested(&entry).is_empty();
        entry.restore_extra(&record);
        if entry.is_finished() {
            entry.procedure = None;
            entry.record = Some(Arc::new(record));
        }
        entry
    }

    fn restore_extra(&mut self, record: &pb::Procedure) {
        let nonce = Nonce::new(record.nonce_group(), record.nonce());
        let sleeps = record.state() == ProcedureState::WaitingTimeout;
        if nonce.is_some() || record.exception.is_some() || record.result.is_some() || sleeps {
            let extra = self.extra_mut();
            extra.nonce = nonce;
            extra.exception.clone_from(&record.exception);
            extra.result.clone_from(&record.result);
            extra.timeout_ms = record.timeout.filter(|_| sleeps);
        }
    }
}

/// What it asks for; nothing if asking panics.
fn requested<E: Environment>(entry: &Entry<E>) -> LockRequest {
    let asked = entry.procedure.as_ref().map(|procedure| guarded("locks", || procedure.locks()));
    asked.and_then(Result::ok).unwrap_or_default()
}
