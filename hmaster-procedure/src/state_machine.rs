//! Procedures as a series of named states. Counterpart of `StateMachineProcedure.java`.
//!
//! A [`StateMachine`] says what to do in each state and which comes next; [`StateMachineProcedure`] makes a
//! [`Procedure`] of it, and keeps the states that were entered the way Java keeps them: their numbers in order, the last
//! one current, and after the last state the mark [`EOF_STATE`].
//!
//! # Differences from Java
//! - Undoing a state that fails is tried again for the same state. Java counts it as undone and goes on with the one
//!   before.
//! - Undoing ends with the first state. When a procedure is undone because another of its tree has failed, Java undoes as
//!   many states as steps were done, beginning with the one that was to run next, and so never comes to the first.
//! - A state number that isn't known is an error when the procedure is loaded. In Java it surfaces as an exception in
//!   the middle of a step.
//! - An abort takes effect before the next state runs. Java may also fail a procedure between two states, which then
//!   undoes one state too few.

mod procedure;
mod states;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::JavaException;

use crate::{
    Environment, HookContext, LockRequest, Priority, Procedure, Reaction, StepContext, TimeoutReaction,
};

pub use procedure::{EOF_STATE, StateMachineProcedure};
pub use states::MachineState;

/// A procedure of named states: one file, one order: input, states, steps, undoing, tests.
///
/// What isn't explained here is as in [`Procedure`].
#[async_trait]
#[expect(missing_docs, reason = "the methods named as in Procedure are explained there")]
pub trait StateMachine<E: Environment>: Send + Sync + std::fmt::Debug + 'static {
    /// The states, with the numbers of Java's enum.
    type State: MachineState;

    fn class_name(&self) -> &'static str;

    /// See [`Procedure::metrics_name`].
    fn metrics_name(&self) -> &'static str {
        self.class_name()
    }

    fn details(&self) -> String {
        crate::procedure::simple_class_name(self.class_name()).to_owned()
    }

    /// The state it starts in.
    fn initial_state(&self) -> Self::State;

    /// What is to be done in `state`.
    async fn execute_state(
        &mut self,
        state: Self::State,
        cx: &mut StepContext<'_, E>,
    ) -> StateFlow<E, Self::State>;

    /// Undoes `state`. The default undoes nothing and says so in the log: Java's procedures throw an
    /// `UnsupportedOperationException` there, which Java logs and ignores.
    ///
    /// # Errors
    /// When it should be tried again later.
    async fn rollback_state(
        &mut self,
        state: Self::State,
        cx: &mut StepContext<'_, E>,
    ) -> Result<(), JavaException> {
        tracing::warn!(pid = %cx.id(), class = self.class_name(), state = state.name(), "nothing is known to undo");
        Ok(())
    }

    /// Whether a failure in `state` can be undone. Also says whether it can be aborted there.
    fn is_rollback_supported(&self, state: Self::State) -> bool {
        let _ = state;
        false
    }

    fn locks(&self) -> LockRequest {
        LockRequest::none()
    }

    fn holds_lock(&self) -> bool {
        false
    }

    /// How urgent it is in `state`.
    fn priority(&self, state: Self::State) -> Priority;

    fn wait_before(&self, env: &E) -> Option<E::Event> {
        let _ = env;
        None
    }

    fn on_message(&mut self, cx: &HookContext<'_, E>, message: E::Message) -> Reaction {
        let _ = (cx, message);
        Reaction::ignore()
    }

    fn on_timeout(&mut self) -> TimeoutReaction {
        TimeoutReaction::Wake
    }

    /// Its own state data, which comes after that of the state machine.
    fn state_messages(&self) -> Vec<pb::Any>;

    fn result(&self) -> Option<Bytes> {
        None
    }

    fn waits_for_client_ack(&self) -> bool {
        true
    }

    fn completed(&mut self, cx: &HookContext<'_, E>) {
        let _ = cx;
    }

    fn after_load(&mut self, cx: &HookContext<'_, E>) {
        let _ = cx;
    }
}

/// What comes after a state. `then` is the state to go on with; without one the same state runs again.
pub enum StateFlow<E: Environment, S> {
    /// This state.
    To(S),
    /// The same state again, at once.
    Again,
    /// These children first.
    Children {
        /// At least one.
        children: Vec<Box<dyn Procedure<E>>>,
        /// The state after them, or the end.
        then: Option<S>,
    },
    /// An event first, see [`crate::Flow::Wait`].
    Wait {
        /// The event.
        event: E::Event,
        /// The state after it.
        then: Option<S>,
    },
    /// A message or a wake-up first.
    Suspend {
        /// The state after it.
        then: Option<S>,
    },
    /// A while first.
    Sleep {
        /// How long.
        duration: std::time::Duration,
        /// Whether the rest of it is slept after a crash, too.
        durable: bool,
        /// The state after it.
        then: Option<S>,
    },
    /// The same state again after a wait that doubles from one attempt to the next; nothing is stored.
    RetryLater,
    /// Others first.
    Yield {
        /// The state after them.
        then: Option<S>,
    },
    /// It was the last state.
    End,
    /// It has failed.
    Fail(JavaException),
}
