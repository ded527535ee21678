//! Durable procedures: what a master does step by step, and what its successor goes on with.
//!
//! A procedure is a piece of work that must come to its end whatever happens to the master: create a table, move a
//! region, handle the crash of a server. It is state that is stored, and steps that take it from one state to the next.
//! After each step its row is written; when the master dies, the next one reads the rows and goes on. A step may thus run
//! twice, and must not mind. Steps may make children, wait for events and messages, sleep, fail; what has failed is
//! undone, step by step, from the last to the first.
//!
//! Counterpart of the package `procedure2` of hbase-procedure and of `MasterProcedureScheduler`. The rows are exactly such
//! as Java 2.6.4 writes, so a Java master can end what hmaster began, and the other way round.
//!
//! # How it is made
//! - [`Procedure`] is what a procedure says for itself; [`StateMachine`] is the short form for one with named states.
//!   Both see the world through an [`Environment`].
//! - [`engine::Engine`] decides: who runs next, what is stored first, who gets which lock, what is undone. Plain
//!   synchronous code; its header says what happens in which order.
//! - [`ProcedureExecutor`] acts: it runs steps as tokio tasks, sees batches into a [`ProcedureStore`], keeps time.
//! - [`LoadPlan`] reads what another master left, and says by name what is wrong with it before anything runs.
//!
//! ```text
//!   store.load() ─► LoadPlan::new(rows, registry) ─► decisions about problems ─► ProcedureExecutor::load
//!        ▲                                                                            │ visit: attach to the world
//!        │ batches, in the order of the log                                           ▼
//!   ProcedureStore ◄── Engine ◄── step ends, messages, events, time            ProcedureExecutor::start
//!        │                ▲ └──► steps, answers
//!        └── durable ─────┘
//! ```
//!
//! # Promises
//! - What a step did is durable before anything that follows from it happens: another step, a child, a parent's waking, a
//!   lock's passing on, an answer to a client or a region server. One batch holds all that belongs together.
//! - That a procedure holds its locks is durable before its step begins, and that it doesn't before another gets them.
//! - Batches enter the store in the order in which their steps are numbered, so what is durable has no holes.
//! - Ids are never given out twice, by whichever master.
//! - When the store fails everything stops at once, and nothing is acknowledged any more.
//! - Work on hbase:meta, and its children, never waits behind other work.
//!
//! # What is stored when, against Java
//! Java writes a row for each of: insertion, taking locks, the end of a step, releasing locks, a parent's waking, and
//! for each step undone. Here the end of a step, the release of its locks and the parent's waking are one batch, and a
//! procedure that asks for no locks writes nothing about them. Each row that results is one that Java would have written
//! at some moment, too.
//!
//! # Java's faults that aren't repeated
//! Where the header of a module says more, it is named.
//! - Holes in the numbering of steps, when two children ended at once (HBASE-28210): [`engine`].
//! - Procedures that hang for ever after a failed write (HBASE-28803, HBASE-29251): [`ProcedureExecutor::failed`].
//! - A child that is stored before it has an id, and a master that can't load it (HBASE-29259): ids are the engine's to
//!   give; rows that Java left behind are named by [`LoadPlan`] and can be discarded.
//! - Changes of one table that run into each other while children work (HBASE-28683), also after a restart while the
//!   first of them waits for its children (HBASE-28263 covers only those that are about to run): `locks/turns.rs`.
//! - Undoing that skips states, drops siblings or spins: `engine/unwind.rs`, `state_machine.rs`.
//! - Retries that fail for want of an override: [`Procedure::on_timeout`].
//! - A wake-up or a message that comes while a step is running is seen to right after it; in Java each procedure has to
//!   guard against losing it, or against running twice at once (HBASE-20939, HBASE-20949).
//!
//! # Not here
//! Remote calls to region servers, table and region state, coprocessors: those are procedures' and their environment's.
//! The migration of the procedure WAL of releases before 2.3.

pub mod engine;

mod backoff;
mod context;
mod exception;
mod executor;
mod load;
mod locks;
mod metrics;
mod procedure;
mod state_machine;
mod store;

pub use backoff::RetryPolicy;
pub use context::{ChildResult, Delivery, HookContext, Place, Progress, StepContext, StepLink, StepNotes};
pub use engine::{
    EngineConfig, LockView, NewProcedure, Outcome, ProcedureView, ResultPolicy, Status, StepBounds, Waiting,
};
pub use executor::{
    ExecutorError, LoadError, NonceGuard, NonceRegistration, ProcedureExecutor, WeakExecutor,
};
pub use load::{LoadPlan, LoadProblem, LoadedProcedure, ProblemKind, Registry, StateError, StateReader};
pub use locks::{LockMode, LockRequest, Resource};
pub use metrics::{ClassMetrics, ELAPSED_BOUNDS_MS};
pub use procedure::{Environment, Flow, Priority, Procedure, Reaction, TimeoutReaction, simple_class_name};
pub use state_machine::{EOF_STATE, MachineState, StateFlow, StateMachine, StateMachineProcedure};
pub use store::{Fault, Loaded, MemoryStore, ProcedureStore, StoreError, StoreOp};
