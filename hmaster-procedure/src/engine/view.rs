//! What operators and clients see.

use std::fmt;
use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::ProcId;

use super::entry::{Entry, Phase};
use super::record::state_messages;
use super::results::Outcome;
use super::{Engine, guarded};
use crate::locks::LockManager;
use crate::metrics::ClassMetrics;
use crate::{ChildResult, Environment, LockMode, Place, Priority, Resource};

/// A procedure as pages and lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcedureView {
    /// Where it stands.
    pub place: Place,
    /// What it is and works on; its class while a step is running.
    pub details: String,
    /// The name of its current state, if it has one and no step is running.
    pub state_name: Option<&'static str>,
    /// What it is doing.
    pub waiting: Waiting,
    /// Children that haven't ended.
    pub children: u32,
    /// Failures of its current step in a row.
    pub attempts: u32,
    /// Its row: of the last write while a step is running, else as it would be written now.
    pub record: Arc<pb::Procedure>,
}

/// What a procedure is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// A step is running.
    Running,
    /// It is in line for a step.
    InLine,
    /// Its row is on its way to the store.
    ForStore,
    /// Another procedure changes its table.
    ForTurn,
    /// Another procedure holds this.
    ForLock(Resource),
    /// Something isn't so yet.
    ForEvent(String),
    /// Somebody must wake it.
    ForMessage,
    /// It sleeps, for so many milliseconds from now.
    ForTime(u64),
    /// Its children.
    ForChildren,
    /// The rest of its tree: it has ended, or is about to be undone.
    ForTree,
}

/// A resource that is held or waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct LockView {
    /// The resource.
    pub resource: Resource,
    /// Whether somebody holds it exclusively; if not, somebody may hold it shared.
    pub mode: LockMode,
    /// Who holds it.
    pub holders: Vec<Arc<pb::Procedure>>,
    /// Who waits for it, in the order in which they will get it.
    pub waiters: Vec<Arc<pb::Procedure>>,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::InLine => f.write_str("in line"),
            Self::ForStore => f.write_str("for the store"),
            Self::ForTurn => f.write_str("for another change of its table"),
            Self::ForLock(resource) => write!(f, "for {resource}"),
            Self::ForEvent(event) => write!(f, "for {event}"),
            Self::ForMessage => f.write_str("for a message"),
            Self::ForTime(millis) => write!(f, "for {millis} ms"),
            Self::ForChildren => f.write_str("for its children"),
            Self::ForTree => f.write_str("for the rest of its tree"),
        }
    }
}

impl<E: Environment> Engine<E> {
    /// How many procedures there are that haven't ended, or whose trees haven't.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if no procedure is there.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rows of all procedures, and of ended ones whose results are kept, in order of ids. Counterpart of
    /// `getProcedures`.
    pub fn records(&self) -> Vec<Arc<pb::Procedure>> {
        let entries = self.entries.values().map(|entry| entry.current_record());
        let mut records: Vec<_> = entries.chain(self.results.records().cloned()).collect();
        records.sort_unstable_by_key(|record| record.proc_id);
        records
    }

    /// One procedure.
    pub fn view(&self, id: ProcId) -> Option<ProcedureView> {
        self.entries.get(&id).map(|entry| entry.view(&self.locks, self.now.mono_ms))
    }

    /// The ids of all procedures, in order.
    pub fn ids(&self) -> Vec<ProcId> {
        let mut ids: Vec<_> = self.entries.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The rows of ended procedures whose results are kept, in order of ids.
    pub fn result_records(&self) -> Vec<Arc<pb::Procedure>> {
        let mut records: Vec<_> = self.results.records().cloned().collect();
        records.sort_unstable_by_key(|record| record.proc_id);
        records
    }

    /// All procedures, in order of ids.
    pub fn views(&self) -> Vec<ProcedureView> {
        let views = self.entries.values().map(|entry| entry.view(&self.locks, self.now.mono_ms));
        let mut views: Vec<_> = views.collect();
        views.sort_unstable_by_key(|view| view.place.id);
        views
    }

    /// Everything that is locked or waited for. Counterpart of `getLocks`, which shows neither shared holders nor most
    /// waiters.
    pub fn locks(&self) -> Vec<LockView> {
        let mut shared: Vec<(&Resource, ProcId)> = Vec::new();
        for entry in self.entries.values() {
            let held = entry.held.iter().flat_map(|held| self.locks.resources(held));
            let held = held.filter(|&(_, mode)| mode == LockMode::Shared);
            shared.extend(held.map(|(resource, _)| (resource, entry.place.id)));
        }
        shared.sort_unstable();
        let record = |id: &ProcId| self.entries.get(id).map(|entry| entry.current_record());
        let rows = self.locks.rows().into_iter().map(|row| {
            let at = shared.partition_point(|&(resource, _)| *resource < row.resource);
            let sharers = shared[at..].iter().take_while(|&&(resource, _)| *resource == row.resource);
            let holders = row.owner.into_iter().chain(sharers.map(|&(_, id)| id));
            LockView {
                mode: if row.owner.is_some() { LockMode::Exclusive } else { LockMode::Shared },
                holders: holders.filter_map(|id| record(&id)).collect(),
                waiters: row.waiters.iter().filter_map(record).collect(),
                resource: row.resource,
            }
        });
        rows.collect()
    }

    /// What was counted, by class, in order of the classes.
    pub fn metrics(&self) -> Vec<(String, ClassMetrics)> {
        self.metrics.all()
    }

    /// How many steps of a priority are running, and how many procedures are in line for one.
    pub fn load(&self, priority: Priority) -> (usize, usize) {
        self.ready.load(priority.into())
    }

    /// Results of the children of a procedure that have ended well, in order of ids.
    pub fn child_results(&self, parent: ProcId) -> Vec<ChildResult> {
        let Some(root) = self.entries.get(&parent).map(|entry| entry.place.root) else { return Vec::new() };
        let members = self.trees[&root].members.iter().filter_map(|id| self.entries.get(id));
        let ended = members.filter(|entry| entry.place.parent == Some(parent) && entry.is_finished());
        let result = |entry: &Entry<E>| entry.extra.as_ref().and_then(|extra| extra.result.clone());
        ended.map(|entry| ChildResult { id: entry.place.id, result: result(entry) }).collect()
    }

    /// How a procedure that has ended did so.
    pub(super) fn outcome(&self, id: ProcId) -> Outcome {
        Outcome { record: self.entries[&id].current_record() }
    }
}

impl<E: Environment> Entry<E> {
    /// Its row: of the last write while a step is running, else as it would be written now.
    fn current_record(&self) -> Arc<pb::Procedure> {
        match &self.record {
            Some(record) if self.is_running() || record.state == self.state as i32 && self.is_finished() => {
                Arc::clone(record)
            }
            _ => Arc::new(self.to_record(state_messages(self))),
        }
    }

    fn view(&self, locks: &LockManager, mono_ms: u64) -> ProcedureView {
        let said = self.procedure.as_ref().map(|procedure| {
            guarded("details", || (procedure.details(), procedure.state_name())).unwrap_or_default()
        });
        let (details, state_name) =
            said.unwrap_or_else(|| (crate::procedure::simple_class_name(self.class_name()).to_owned(), None));
        ProcedureView {
            place: self.place,
            details,
            state_name,
            waiting: self.waiting(locks, mono_ms),
            children: self.children,
            attempts: self.attempts,
            record: self.current_record(),
        }
    }

    fn waiting(&self, locks: &LockManager, mono_ms: u64) -> Waiting {
        match &self.phase {
            Phase::Ready => Waiting::InLine,
            Phase::Turn => Waiting::ForTurn,
            Phase::Lock(lock) => locks.resource(*lock).cloned().map_or(Waiting::InLine, Waiting::ForLock),
            Phase::Event(event) => Waiting::ForEvent(format!("{event:?}")),
            Phase::Suspended => Waiting::ForMessage,
            Phase::Sleeping(deadline) => Waiting::ForTime(deadline.saturating_sub(mono_ms)),
            Phase::Children => Waiting::ForChildren,
            Phase::Running(_) => Waiting::Running,
            Phase::Committing => Waiting::ForStore,
            Phase::Settled => Waiting::ForTree,
        }
    }
}
