//! What the engine knows of one procedure, and of one tree.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::FixedState;
use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{Nonce, ProcId};
use smallvec::SmallVec;

use super::commit::Seq;
use super::ready::Class;
use super::{Ticket, guarded};
use crate::locks::{Held, LockId};
use crate::{Environment, Place, Procedure};

pub(crate) type Entries<E> = HashMap<ProcId, Box<Entry<E>>, FixedState>;

/// A procedure that hasn't ended, or has but belongs to a tree that hasn't.
pub(crate) struct Entry<E: Environment> {
    pub(crate) place: Place,
    pub(crate) state: ProcedureState,
    pub(crate) phase: Phase<E::Event>,
    /// Not here while a step runs, and after a good end.
    pub(crate) procedure: Option<Box<dyn Procedure<E>>>,
    /// The row as it was written last; dropped while the procedure is parked, when it can be made again.
    pub(crate) record: Option<Arc<pb::Procedure>>,
    /// The numbers of its steps in the tree, ascending.
    pub(crate) steps: SmallVec<[u32; 2]>,
    pub(crate) held: Option<Held>,
    /// Children that haven't ended.
    pub(crate) children: u32,
    /// Failures of the current step in a row.
    pub(crate) attempts: u32,
    /// Nothing of it runs before this batch is durable.
    pub(crate) gate: Seq,
    pub(crate) submitted_ms: u64,
    pub(crate) updated_ms: u64,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) extra: Option<Box<Extra<E>>>,
    pub(crate) marks: Marks,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    /// The row says that it holds its lock.
    pub(crate) locked: bool,
    /// It has what it needs before a step: turn, event and locks.
    pub(crate) admitted: bool,
    pub(crate) bypass: bool,
    /// A step has been stored.
    pub(crate) executed: bool,
    /// A step may have begun, in this life or before.
    pub(crate) started: bool,
    /// Its parent worked on hbase:meta when it made it.
    pub(crate) urgent: bool,
    pub(crate) has_turn: bool,
    /// Somebody woke it during its step.
    pub(crate) woken: bool,
    /// It has run before, so that it goes before those that haven't.
    pub(crate) resumed: bool,
}

/// What few procedures have.
pub(crate) struct Extra<E: Environment> {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) exception: Option<pb::ForeignExceptionMessage>,
    pub(crate) result: Option<Bytes>,
    /// How long it sleeps, while the row says that it does.
    pub(crate) timeout_ms: Option<u32>,
    /// Messages and requests that came during its step.
    pub(crate) inbox: VecDeque<Letter<E>>,
    /// Who waits for its end.
    pub(crate) watchers: SmallVec<[Ticket; 1]>,
    /// Who waits for the end of its step.
    pub(crate) step_watchers: SmallVec<[Ticket; 1]>,
}

/// Something that came while a step was running.
pub(crate) enum Letter<E: Environment> {
    Message(E::Message, Ticket),
    Abort(Ticket),
}

/// What a procedure is doing now. The row's state is coarser: most of these are `RUNNABLE` there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase<Ev> {
    /// In line for a step.
    Ready,
    /// In line for its table's turn.
    Turn,
    /// Waits for a lock.
    Lock(LockId),
    /// Waits for an event.
    Event(Ev),
    /// Waits to be woken.
    Suspended,
    /// Waits for this moment, on the engine's own clock.
    Sleeping(u64),
    /// Waits for its children.
    Children,
    /// A step is out.
    Running(Class),
    /// Goes on when its gate is durable.
    Committing,
    /// Has ended or failed, or is part of a tree that has.
    Settled,
}

/// What the engine knows of a tree.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) state: TreeState,
    pub(crate) rollback_supported: bool,
    /// Whose step was which, if the tree can be undone.
    pub(crate) stack: Vec<ProcId>,
    /// All of it but the root, in order of ids, ended ones too.
    pub(crate) members: Vec<ProcId>,
    /// Steps that are out or not yet durable.
    pub(crate) active: u32,
    /// Procedures that could do another step without a child's help.
    pub(crate) live: u32,
    /// Procedures whose first step may have begun but was never stored; undone before all else.
    pub(crate) unrecorded: Vec<ProcId>,
    /// Whose step is being undone.
    pub(crate) undoing: Option<ProcId>,
}

/// Counterpart of `RootProcedureState.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeState {
    Running,
    /// Something has failed; steps that are out may end.
    Failed,
    /// It is being undone.
    Unwinding,
}

impl<E: Environment> Entry<E> {
    pub(crate) fn new(place: Place, procedure: Box<dyn Procedure<E>>, now_ms: u64) -> Self {
        Self {
            place,
            state: ProcedureState::Runnable,
            phase: Phase::Committing,
            procedure: Some(procedure),
            record: None,
            steps: SmallVec::new(),
            held: None,
            children: 0,
            attempts: 0,
            gate: Seq::default(),
            submitted_ms: now_ms,
            updated_ms: now_ms,
            owner: None,
            extra: None,
            marks: Marks::default(),
        }
    }

    pub(crate) fn id(&self) -> ProcId {
        self.place.id
    }

    pub(crate) fn extra_mut(&mut self) -> &mut Extra<E> {
        self.extra.get_or_insert_default()
    }

    pub(crate) fn exception(&self) -> Option<&pb::ForeignExceptionMessage> {
        self.extra.as_ref()?.exception.as_ref()
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// It keeps its locks while it waits.
    pub(crate) fn holds_lock(&self) -> bool {
        let asked = self.procedure.as_ref().map(|procedure| guarded("holds_lock", || procedure.holds_lock()));
        asked.is_some_and(|asked| asked.unwrap_or(true))
    }

    /// It has ended, well or undone.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, ProcedureState::Success | ProcedureState::Rolledback)
    }

    /// It could do another step without a child's help.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, ProcedureState::Runnable | ProcedureState::WaitingTimeout)
    }
}

impl<E: Environment> Default for Extra<E> {
    fn default() -> Self {
        Self {
            nonce: None,
            exception: None,
            result: None,
            timeout_ms: None,
            inbox: VecDeque::new(),
            watchers: SmallVec::new(),
            step_watchers: SmallVec::new(),
        }
    }
}

impl Tree {
    pub(crate) fn new(rollback_supported: bool) -> Self {
        Self {
            state: TreeState::Running,
            rollback_supported,
            stack: Vec::new(),
            members: Vec::new(),
            active: 0,
            live: 1,
            unrecorded: Vec::new(),
            undoing: None,
        }
    }

    /// It has failed, and its procedures do no more steps.
    pub(crate) fn is_doomed(&self) -> bool {
        self.rollback_supported && self.state != TreeState::Running
    }
}
