//! What a procedure is: state that survives the master, and steps that may each run again. Counterpart of
//! `Procedure.java`.
//!
//! Whoever implements a procedure says what is its own: name, state data, locks, steps, undoing. Ids, parents, stack
//! ids, exceptions, locks held and the like are the engine's.
//!
//! Only [`Procedure::execute`] and [`Procedure::rollback`] may take time; they run outside of all locks. Everything else
//! here is called with the engine locked: it must be quick, and of the executor it may only use what returns at once
//! ([`crate::WeakExecutor::set_event`], [`crate::WeakExecutor::clear_event`] and [`crate::WeakExecutor::wake`]).

use std::any::Any;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{JavaException, TableName};

use crate::{HookContext, LockRequest, StepContext};

/// The world that procedures act on, and what they wait for and are told. Counterpart of `MasterProcedureEnv`.
pub trait Environment: Send + Sync + 'static {
    /// Something that is so or not so, and that procedures may wait for: "hbase:meta is loaded". An event that nobody
    /// has set isn't so. Counterpart of `ProcedureEvent`.
    type Event: Clone + Eq + Hash + Ord + Debug + Send + Sync + 'static;
    /// What the outside tells a procedure, such as a region server's report.
    type Message: Send + Debug + 'static;
}

/// A durable procedure.
#[async_trait]
pub trait Procedure<E: Environment>: Any + Send + Debug {
    /// The fully qualified name of the Java class that would continue it.
    fn class_name(&self) -> &str;

    /// Under what name it is counted: its class, where that doesn't do several things.
    fn metrics_name(&self) -> &str {
        self.class_name()
    }

    /// What it is and works on, for logs and pages: `CreateTableProcedure table=t`.
    fn details(&self) -> String {
        simple_class_name(self.class_name()).to_owned()
    }

    /// The name of its current state, where it has states.
    fn state_name(&self) -> Option<&'static str> {
        None
    }

    /// What it needs before a step.
    fn locks(&self) -> LockRequest {
        LockRequest::none()
    }

    /// Whether it keeps its locks from the first step to its end; else they are released whenever it waits or has
    /// children.
    fn holds_lock(&self) -> bool {
        false
    }

    /// How urgent it is now. A child of a procedure that is [`Priority::Meta`] is so, too.
    fn priority(&self) -> Priority;

    /// An event that must be set before it asks for its locks. Counterpart of `waitInitialized`.
    fn wait_before(&self, env: &E) -> Option<E::Event> {
        let _ = env;
        None
    }

    /// One step. It may run again after a crash, from the state that was stored last.
    async fn execute(&mut self, cx: &mut StepContext<'_, E>) -> Flow<E>;

    /// Whether a failure undoes what was done. Asked of the root when it is submitted; decides for its whole tree.
    fn is_rollback_supported(&self) -> bool {
        true
    }

    /// Undoes the last step that wasn't undone. It may run again after a crash.
    ///
    /// # Errors
    /// When it should be tried again later.
    async fn rollback(&mut self, cx: &mut StepContext<'_, E>) -> Result<(), JavaException>;

    /// Asks it to give up at its next step: whether it will.
    fn abort(&mut self) -> bool {
        false
    }

    /// Takes note of a message. Never called during a step.
    fn on_message(&mut self, cx: &HookContext<'_, E>, message: E::Message) -> Reaction {
        let _ = (cx, message);
        Reaction::ignore()
    }

    /// A sleep or a time limit is over. Counterpart of `setTimeoutFailure`, whose default is to fail; every procedure
    /// of Java's master that overrides it goes on, and those that forgot to (`InitMetaProcedure`,
    /// `SwitchRpcThrottleProcedure`) fail at their first retry.
    fn on_timeout(&mut self) -> TimeoutReaction {
        TimeoutReaction::Wake
    }

    /// Its state data as Java's `serializeStateData` would write it.
    fn state_messages(&self) -> Vec<pb::Any>;

    /// What clients get when it has succeeded.
    fn result(&self) -> Option<Bytes> {
        None
    }

    /// Whether its result is kept until a client has asked for it, rather than dropped soon.
    fn waits_for_client_ack(&self) -> bool {
        true
    }

    /// It has ended, well or not, and has released its locks.
    fn completed(&mut self, cx: &HookContext<'_, E>) {
        let _ = cx;
    }

    /// It was loaded, as were all others; nothing runs yet.
    fn after_load(&mut self, cx: &HookContext<'_, E>) {
        let _ = cx;
    }
}

/// What comes after a step.
pub enum Flow<E: Environment> {
    /// Another step.
    Next,
    /// These first, then another step. Without any it is [`Flow::Next`].
    Children(Vec<Box<dyn Procedure<E>>>),
    /// Another step once the event is set; at once if it is.
    Wait(E::Event),
    /// Another step once a message or [`crate::ProcedureExecutor::wake`] wakes it, or another master loads it.
    Suspend,
    /// Another step after a while.
    Sleep {
        /// How long.
        duration: Duration,
        /// Whether the rest of it is slept after a crash, too; else the next master goes on at once.
        durable: bool,
    },
    /// Another step, but others first.
    Yield,
    /// It has succeeded.
    Done,
    /// It has failed: what its tree has done is undone.
    Fail(JavaException),
}

/// What a message does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reaction {
    pub(crate) wake: bool,
    pub(crate) persist: bool,
    pub(crate) error: Option<JavaException>,
}

impl Reaction {
    /// Nothing.
    pub fn ignore() -> Self {
        Self { wake: false, persist: false, error: None }
    }

    /// It goes on, if it waits for a message, an event or the end of a sleep.
    pub fn wake() -> Self {
        Self { wake: true, ..Self::ignore() }
    }

    /// What it has changed is stored before the sender gets its answer.
    pub fn persist(self) -> Self {
        Self { persist: true, ..self }
    }

    /// The sender gets this error as its answer.
    pub fn reject(self, error: JavaException) -> Self {
        Self { error: Some(error), ..self }
    }
}

/// What the end of a sleep does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeoutReaction {
    /// Another step.
    Wake,
    /// It has failed.
    Fail(JavaException),
}

/// Who goes first, and whose running steps count together. Counterpart of the four run queues of
/// `MasterProcedureScheduler` and their priorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Brings hbase:meta back.
    Meta,
    /// Handles a server's crash, and other work on servers.
    Server,
    /// Changes replication peers.
    Peer,
    /// Works on a table of HBase's own.
    SystemTable,
    /// Works on a user's table.
    Table,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Meta, Self::Server, Self::Peer, Self::SystemTable, Self::Table];

    /// Of work on `table`. Counterpart of `MasterProcedureUtil.getTablePriority`.
    pub fn of_table(table: &TableName) -> Self {
        if table.is_meta() {
            Self::Meta
        } else if table.is_system() {
            Self::SystemTable
        } else {
            Self::Table
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Meta => "meta",
            Self::Server => "server",
            Self::Peer => "peer",
            Self::SystemTable => "system table",
            Self::Table => "table",
        })
    }
}

impl<E: Environment> Debug for Flow<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => f.write_str("Next"),
            Self::Children(children) => f.debug_tuple("Children").field(children).finish(),
            Self::Wait(event) => f.debug_tuple("Wait").field(event).finish(),
            Self::Suspend => f.write_str("Suspend"),
            Self::Sleep { duration, durable } => {
                f.debug_struct("Sleep").field("duration", duration).field("durable", durable).finish()
            }
            Self::Yield => f.write_str("Yield"),
            Self::Done => f.write_str("Done"),
            Self::Fail(error) => f.debug_tuple("Fail").field(error).finish(),
        }
    }
}

/// A Java class name without its package, as `Class.getSimpleName`.
pub fn simple_class_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}
