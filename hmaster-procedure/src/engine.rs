//! The engine: which procedure does what next, and what of it must be durable first. Counterpart of
//! `ProcedureExecutor` and `MasterProcedureScheduler`, without their threads.
//!
//! The engine is plain synchronous code. It never waits, reads no clock and starts nothing. Whoever drives it
//! (the [`crate::ProcedureExecutor`], or a test) calls it with what has happened, one call at a time, and afterwards
//! takes what is to be done:
//!
//! - [`Engine::next_step`]: steps to run, each ended by [`Engine::step_done`];
//! - [`Engine::take_batches`]: changes to make durable, in this order, reported by [`Engine::durable`];
//! - [`Engine::take_answers`]: answers to those who asked;
//! - [`Engine::next_deadline_ms`]: when to call [`Engine::tick`].
//!
//! # What happens when
//! A procedure in line for a step first needs its table's turn, then the event it waits for, then its locks; that it
//! holds them is stored before the step runs. What the step did is stored in one batch with all that belongs to it: its
//! children, that it gave up its locks, that its parent may go on. Only when the batch is durable do children start,
//! locks go to others, parents wake, and askers get their answers. So whatever a crash leaves is a state from which each
//! step either runs again or is undone.

mod admit;
mod bypass;
mod commit;
mod durable;
mod entry;
mod events;
mod message;
mod nonces;
mod ready;
mod record;
mod restore;
mod results;
mod step;
mod submit;
mod unwind;
mod view;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hmaster_types::ProcId;

use crate::locks::{LockManager, Turns};
use crate::metrics::Metrics;
use crate::{Delivery, Environment, Flow, Place, Procedure, Progress, RetryPolicy, StepNotes, StoreOp};

use commit::{CommitLog, Effect};
use entry::{Entries, Tree};
use events::Events;
use nonces::Nonces;
use ready::ReadyQueues;
use results::Results;

pub use bypass::Bypass;
pub use commit::Seq;
pub use nonces::NonceAnswer;
pub use ready::StepBounds;
pub use results::{Outcome, ResultPolicy, Status};
pub use submit::NewProcedure;
pub use view::{LockView, ProcedureView, Waiting};

/// All procedures of a master.
pub struct Engine<E: Environment> {
    env: Arc<E>,
    config: EngineConfig,
    now: Now,
    mode: Mode,
    last_id: u64,
    entries: Entries<E>,
    trees: HashMap<ProcId, Tree, FixedState>,
    locks: LockManager,
    turns: Turns,
    ready: ReadyQueues,
    events: Events<E::Event>,
    timers: BTreeSet<(u64, ProcId)>,
    nonces: Nonces,
    results: Results,
    metrics: Metrics,
    log: CommitLog,
    answers: Vec<(Ticket, Answer)>,
}

/// What can be chosen about an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineConfig {
    /// Bounds on running steps.
    pub steps: StepBounds,
    /// Waits between attempts.
    pub retry: RetryPolicy,
    /// How long results are kept.
    pub results: ResultPolicy,
}

/// How many messages may wait for the end of one procedure's step; a sender beyond is refused. Senders wait for their
/// answers, so only as many RPC handlers that all report to one procedure could come near it.
pub const INBOX_MESSAGES_MAX: usize = 1024;

/// The time, on two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that never steps back.
    pub mono_ms: u64,
    /// Milliseconds since 1970.
    pub wall_ms: u64,
}

/// Names somebody who waits for an answer; chosen by whoever drives the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What somebody waited for.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// What was asked for is durable.
    Durable,
    /// What came of a message.
    Delivered(Delivery),
    /// A procedure has ended.
    Finished(Outcome),
    /// Whether a procedure will give up.
    Aborted(bool),
    /// A procedure's step is over.
    StepEnded,
    /// Whose a nonce is.
    Nonce(NonceAnswer),
}

/// What an engine is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Takes procedures, but runs no step.
    Loading,
    Running,
    /// Begins no step.
    Stopping,
    /// The store has failed or the master is gone: nothing happens any more.
    Dead,
}

/// A step to run.
pub struct StepTask<E: Environment> {
    /// Where the procedure stands.
    pub place: Place,
    /// The procedure, to be handed back with [`Engine::step_done`].
    pub procedure: Box<dyn Procedure<E>>,
    /// What to call.
    pub kind: StepKind,
    /// How far the procedure is.
    pub progress: Progress,
}

/// Which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// [`Procedure::execute`].
    Execute,
    /// [`Procedure::rollback`].
    Rollback,
}

/// A step that has run.
pub struct StepDone<E: Environment> {
    /// The procedure's id.
    pub id: ProcId,
    /// The procedure.
    pub procedure: Box<dyn Procedure<E>>,
    /// What came of it.
    pub outcome: StepOutcome<E>,
}

/// What came of a step.
pub enum StepOutcome<E: Environment> {
    /// It was done.
    Executed(Flow<E>, StepNotes),
    /// It was undone, or not.
    RolledBack(Result<(), hmaster_types::JavaException>),
    /// It panicked: an error in the code, with what it said.
    Panicked(hmaster_types::JavaException),
}

impl<E: Environment> fmt::Debug for StepOutcome<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executed(flow, notes) => f.debug_tuple("Executed").field(flow).field(notes).finish(),
            Self::RolledBack(result) => f.debug_tuple("RolledBack").field(result).finish(),
            Self::Panicked(error) => f.debug_tuple("Panicked").field(error).finish(),
        }
    }
}

impl<E: Environment> Engine<E> {
    /// An engine without procedures, which gives out ids above `last_id`.
    pub fn new(env: Arc<E>, config: EngineConfig, now: Now, last_id: ProcId) -> Self {
        Self {
            env,
            config,
            now,
            mode: Mode::Loading,
            last_id: last_id.0,
            entries: HashMap::default(),
            trees: HashMap::default(),
            locks: LockManager::default(),
            turns: Turns::default(),
            ready: ReadyQueues::new(config.steps),
            events: Events::new(),
            timers: BTreeSet::new(),
            nonces: Nonces::default(),
            results: Results::new(config.results, now.mono_ms),
            metrics: Metrics::default(),
            log: CommitLog::default(),
            answers: Vec::new(),
        }
    }

    /// Tells the time. To be called before each other call that changes anything.
    pub fn set_now(&mut self, now: Now) {
        self.now = now;
    }

    /// Begins no further step. Those that are out may end, and what they did is stored.
    pub fn stop(&mut self) {
        if self.mode != Mode::Dead {
            self.mode = Mode::Stopping;
        }
    }

    /// Ends everything where it stands, as a crash would.
    pub fn kill(&mut self) {
        self.mode = Mode::Dead;
        self.answers.clear();
        let _ = self.log.take_batches();
    }

    /// True once no step is out and everything is durable.
    pub fn is_quiet(&self) -> bool {
        self.ready.running() == 0 && self.log.is_idle()
    }

    /// True if the engine begins no further step.
    pub fn is_stopping(&self) -> bool {
        matches!(self.mode, Mode::Stopping | Mode::Dead)
    }

    /// True if the engine takes no more work: it was killed.
    pub fn is_dead(&self) -> bool {
        self.mode == Mode::Dead
    }

    /// Batches for the store, in the order of the log.
    pub fn take_batches(&mut self) -> Vec<(Seq, Vec<StoreOp>)> {
        self.log.take_batches()
    }

    /// Answers to those who asked.
    pub fn take_answers(&mut self) -> Vec<(Ticket, Answer)> {
        std::mem::take(&mut self.answers)
    }

    /// When to call [`Engine::tick`], on the clock of [`Now::mono_ms`].
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let timer = self.timers.first().map(|&(deadline, _)| deadline);
        timer.into_iter().chain(self.results.next_eviction_ms()).min()
    }

    /// The highest id that was given out.
    pub fn last_id(&self) -> ProcId {
        ProcId(self.last_id)
    }

    fn next_id(&mut self) -> ProcId {
        self.last_id += 1;
        ProcId(self.last_id)
    }

    /// Answers once everything that has been written is durable.
    fn answer_when_durable(&mut self, ticket: Ticket, answer: Answer) {
        if let Some(Effect::Answer(ticket, answer)) = self.log.attach(Effect::Answer(ticket, answer)) {
            self.answers.push((ticket, answer));
        }
    }

    /// Answers once what is known of `id` is durable.
    fn answer_about(&mut self, id: ProcId, ticket: Ticket, answer: Answer) {
        let gate = self.entries.get(&id).map_or(Seq::default(), |entry| entry.gate);
        if self.log.is_durable(gate) {
            self.answers.push((ticket, answer));
        } else {
            self.answer_when_durable(ticket, answer);
        }
    }
}

/// Calls a hook; a panic in it is an error in the code.
fn guarded<T>(what: &str, hook: impl FnOnce() -> T) -> Result<T, hmaster_types::JavaException> {
    // What a hook leaves half changed is its procedure, which fails or is not asked again.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(hook))
        .map_err(|panic| crate::exception::code_bug(what, &*panic))
}
