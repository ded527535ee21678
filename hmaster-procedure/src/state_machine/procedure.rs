//! A state machine as a procedure.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};
use smallvec::SmallVec;

use super::{MachineState, StateFlow, StateMachine};
use crate::{
    Environment, Flow, HookContext, LockRequest, Priority, Procedure, Reaction, StepContext, TimeoutReaction,
};

/// The number after that of the last state: there are no more. Java's `EOF_STATE`.
pub const EOF_STATE: i32 = i32::MIN;

/// A [`StateMachine`] with the states it has entered.
pub struct StateMachineProcedure<M> {
    machine: M,
    /// As Java keeps them: entered states in order, the last one current; empty before the first step.
    states: SmallVec<[i32; 4]>,
    aborted: bool,
}

impl<M> StateMachineProcedure<M> {
    /// A procedure that hasn't run.
    pub fn new(machine: M) -> Self {
        Self { machine, states: SmallVec::new(), aborted: false }
    }

    /// A procedure that has entered the states of `data`. Whether they are known is [`Self::unknown_state`]'s to say.
    pub fn restore(machine: M, data: &pb::StateMachineProcedureData) -> Self {
        let states = data.state.iter().map(|&number| number.cast_signed()).collect();
        Self { machine, states, aborted: false }
    }

    /// What is special about this procedure.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// What is special about this procedure, to change.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    fn is_over(&self) -> bool {
        self.states.last() == Some(&EOF_STATE)
    }

    /// The last number that is a state's.
    fn current_number(&self) -> Option<i32> {
        let entered = if self.is_over() { &self.states[..self.states.len() - 1] } else { &self.states[..] };
        entered.last().copied()
    }

    /// The number of its current state, if no state is known by it.
    pub fn unknown_state<E: Environment>(&self) -> Option<i32>
    where
        M: StateMachine<E>,
    {
        self.current_number().filter(|&number| M::State::from_number(number).is_none())
    }

    /// The state that runs next, or, at the end, ran last.
    pub fn current_state<E: Environment>(&self) -> M::State
    where
        M: StateMachine<E>,
    {
        let state = self.current_number().and_then(M::State::from_number);
        state.unwrap_or_else(|| self.machine.initial_state())
    }

    fn enter<S: MachineState>(&mut self, state: Option<S>) {
        if let Some(state) = state {
            self.states.push(state.number());
        }
    }

    /// Turns what a state said into what the engine is told, and notes the next state.
    fn advance<E: Environment, S: MachineState>(
        &mut self,
        flow: StateFlow<E, S>,
        cx: &mut StepContext<'_, E>,
    ) -> Flow<E> {
        match flow {
            StateFlow::To(state) => {
                self.enter(Some(state));
                Flow::Next
            }
            StateFlow::Again => Flow::Next,
            StateFlow::Children { children, then } => {
                self.states.push(then.map_or(EOF_STATE, MachineState::number));
                Flow::Children(children)
            }
            StateFlow::Wait { event, then } => {
                self.enter(then);
                Flow::Wait(event)
            }
            StateFlow::Suspend { then } => {
                self.enter(then);
                Flow::Suspend
            }
            StateFlow::Sleep { duration, durable, then } => {
                self.enter(then);
                Flow::Sleep { duration, durable }
            }
            StateFlow::RetryLater => cx.retry_later(),
            StateFlow::Yield { then } => {
                self.enter(then);
                Flow::Yield
            }
            StateFlow::End => {
                self.states.push(EOF_STATE);
                Flow::Done
            }
            StateFlow::Fail(error) => Flow::Fail(error),
        }
    }
}

#[async_trait]
impl<E: Environment, M: StateMachine<E>> Procedure<E> for StateMachineProcedure<M> {
    fn class_name(&self) -> &str {
        self.machine.class_name()
    }

    fn metrics_name(&self) -> &str {
        self.machine.metrics_name()
    }

    fn details(&self) -> String {
        self.machine.details()
    }

    fn state_name(&self) -> Option<&'static str> {
        (!self.is_over()).then(|| self.current_state().name())
    }

    fn locks(&self) -> LockRequest {
        self.machine.locks()
    }

    fn holds_lock(&self) -> bool {
        self.machine.holds_lock()
    }

    fn priority(&self) -> Priority {
        self.machine.priority(self.current_state())
    }

    fn wait_before(&self, env: &E) -> Option<E::Event> {
        self.machine.wait_before(env)
    }

    async fn execute(&mut self, cx: &mut StepContext<'_, E>) -> Flow<E> {
        if self.is_over() {
            return Flow::Done;
        }
        if self.aborted {
            return Flow::Fail(JavaException::new(class::PROCEDURE_ABORTED, "abort requested"));
        }
        let state = self.current_state();
        if self.states.is_empty() {
            self.states.push(state.number());
        }
        let flow = self.machine.execute_state(state, cx).await;
        self.advance(flow, cx)
    }

    fn is_rollback_supported(&self) -> bool {
        self.machine.is_rollback_supported(self.current_state())
    }

    async fn rollback(&mut self, cx: &mut StepContext<'_, E>) -> Result<(), JavaException> {
        if self.is_over() {
            self.states.pop();
        }
        if self.states.is_empty() && cx.steps() == 0 {
            // The first step may have begun, but was never stored.
            self.states.push(self.machine.initial_state().number());
        }
        // There may be more steps than states, where a state ran more than once: then nothing is left to undo. And there
        // may be fewer, where the last state had been entered but hadn't run: then the last step undoes what is left.
        while let Some(&number) = self.states.last() {
            match M::State::from_number(number) {
                Some(state) => self.machine.rollback_state(state, cx).await?,
                None => tracing::error!(pid = %cx.id(), number, "unknown state, nothing is known to undo"),
            }
            self.states.pop();
            if cx.steps() > 1 {
                break;
            }
        }
        Ok(())
    }

    fn abort(&mut self) -> bool {
        let heeds = !self.is_over() && self.machine.is_rollback_supported(self.current_state());
        self.aborted |= heeds;
        heeds
    }

    fn on_message(&mut self, cx: &HookContext<'_, E>, message: E::Message) -> Reaction {
        self.machine.on_message(cx, message)
    }

    fn on_timeout(&mut self) -> TimeoutReaction {
        self.machine.on_timeout()
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let state = self.states.iter().map(|&number| number.cast_unsigned()).collect();
        let own = self.machine.state_messages();
        let mut messages = Vec::with_capacity(1 + own.len());
        messages.push(pb::Any::pack(&pb::StateMachineProcedureData { state }));
        messages.extend(own);
        messages
    }

    fn result(&self) -> Option<Bytes> {
        self.machine.result()
    }

    fn waits_for_client_ack(&self) -> bool {
        self.machine.waits_for_client_ack()
    }

    fn completed(&mut self, cx: &HookContext<'_, E>) {
        self.machine.completed(cx);
    }

    fn after_load(&mut self, cx: &HookContext<'_, E>) {
        self.machine.after_load(cx);
    }
}

impl<M: fmt::Debug> fmt::Debug for StateMachineProcedure<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateMachineProcedure")
            .field("machine", &self.machine)
            .field("states", &self.states)
            .field("aborted", &self.aborted)
            .finish_non_exhaustive()
    }
}
