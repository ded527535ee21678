//! Procedures that are told what to do by data: the family that all tests use, and that a Java class understands, too.
//!
//! A script is a table of steps. Its procedure is a state machine whose state `i` does step `i`; its state data are the
//! script and what it has been told, both as JSON.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_procedure::{
    HookContext, LockMode, LockRequest, MachineState, NewProcedure, Priority, Procedure, Reaction, Registry,
    Resource, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, TableName, class};
use serde::{Deserialize, Serialize};

use crate::world::{Told, World};

/// The Java class of all scripts.
pub(crate) const SCRIPT_CLASS: &str = "hmaster.tests.ScriptProcedure";

/// What a procedure does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Script {
    /// Unlike that of any other.
    pub name: String,
    /// What it locks: `table:t:x`, `table:t:s`, `peer:p:x` and the like.
    pub locks: Vec<String>,
    /// It holds its locks to its end.
    pub holds: bool,
    /// It can be undone.
    pub undo: bool,
    /// An event it waits for before it asks for its locks.
    pub before: Option<String>,
    pub meta: bool,
    pub steps: Vec<Step>,
}

/// What a step does besides leaving its mark in the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Nothing.
    Do,
    /// Waits for these.
    Children(Vec<Script>),
    /// Sleeps so many milliseconds, durably if it is an odd number.
    Sleep(u64),
    /// Fails so often, and is tried again, before it works.
    Retry(u32),
    /// Waits for an event.
    Wait(String),
    /// Waits for a message.
    Message(u32),
    /// Runs so often, storing its count.
    Repeat(u32),
    /// Lets others go first.
    Yield,
    /// Fails.
    Fail,
    /// Panics.
    Panic,
    /// Fails so often to be undone.
    Stubborn(u32),
}

/// State number `i`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct At(pub i32);

impl MachineState for At {
    fn number(self) -> i32 {
        self.0
    }

    fn from_number(number: i32) -> Option<Self> {
        (0..1000).contains(&number).then_some(Self(number))
    }

    fn name(self) -> &'static str {
        "STEP"
    }
}

/// The procedure of a script.
#[derive(Debug)]
pub(crate) struct ScriptMachine {
    pub script: Arc<Script>,
    /// The script as it is stored.
    json: Arc<str>,
    /// Messages it has had.
    heard: BTreeSet<u32>,
    /// How often the current step has run.
    count: u32,
}

impl Script {
    pub(crate) fn new(name: &str, steps: Vec<Step>) -> Self {
        Self { name: name.into(), undo: true, steps, ..Self::default() }
    }

    pub(crate) fn locks(self, locks: &[&str]) -> Self {
        Self { locks: locks.iter().map(ToString::to_string).collect(), ..self }
    }

    pub(crate) fn holds(self) -> Self {
        Self { holds: true, ..self }
    }

    pub(crate) fn never_undone(self) -> Self {
        Self { undo: false, ..self }
    }

    pub(crate) fn before(self, event: &str) -> Self {
        Self { before: Some(event.into()), ..self }
    }

    pub(crate) fn procedure(&self) -> StateMachineProcedure<ScriptMachine> {
        StateMachineProcedure::new(ScriptMachine {
            script: Arc::new(self.clone()),
            json: serde_json::to_string(self).unwrap().into(),
            heard: BTreeSet::new(),
            count: 0,
        })
    }

    pub(crate) fn submit(&self) -> NewProcedure<World> {
        NewProcedure::new(self.procedure())
    }

    /// The script and all below it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let below = self.steps.iter().flat_map(|step| match step {
            Step::Children(children) => children.iter().flat_map(Self::all).collect(),
            _ => Vec::new(),
        });
        std::iter::once(self).chain(below).collect()
    }

    pub(crate) fn request(&self) -> LockRequest {
        LockRequest::new(self.locks.iter().map(|lock| {
            let mut parts = lock.split(':');
            let (kind, name) = (parts.next().unwrap(), parts.next().unwrap());
            let mode = if parts.next() == Some("x") { LockMode::Exclusive } else { LockMode::Shared };
            let resource = match kind {
                "table" => Resource::Table(name.parse::<TableName>().unwrap()),
                "namespace" => Resource::Namespace(name.into()),
                "peer" => Resource::Peer(name.into()),
                other => panic!("no such resource: {other}"),
            };
            (resource, mode)
        }))
    }
}

impl ScriptMachine {
    fn step(&self, state: At) -> Step {
        self.script.steps.get(state.0 as usize).cloned().unwrap_or(Step::Do)
    }
}

#[async_trait]
impl StateMachine<World> for ScriptMachine {
    type State = At;

    fn class_name(&self) -> &'static str {
        SCRIPT_CLASS
    }

    fn details(&self) -> String {
        self.script.name.clone()
    }

    fn initial_state(&self) -> At {
        At(0)
    }

    async fn execute_state(&mut self, state: At, cx: &mut StepContext<'_, World>) -> StateFlow<World, At> {
        let Script { name, .. } = &*self.script;
        let world = cx.env();
        let _inside = world.enter(&self.script, state.0);
        // A step takes its time: others run in between.
        world.pause().await;
        let step = self.step(state);
        let last = state.0 as usize + 1 >= self.script.steps.len();
        let then = (!last).then_some(At(state.0 + 1));
        let on = |then: Option<At>| then.map_or(StateFlow::End, StateFlow::To);
        match step {
            Step::Fail => {
                return StateFlow::Fail(JavaException::new(class::DO_NOT_RETRY_IO, format!("{name} fails")));
            }
            Step::Panic => panic!("{name} panics"),
            Step::Retry(times) if world.failures(name, state.0) < times => return StateFlow::RetryLater,
            _ => {}
        }
        let runs_on = match &step {
            Step::Message(message) => self.heard.contains(message),
            Step::Wait(event) => world.saw(event),
            Step::Repeat(times) => self.count + 1 >= *times,
            Step::Sleep(_) => self.count > 0,
            _ => true,
        };
        if runs_on {
            world.mark(name, state.0);
            self.count = 0;
        }
        match step {
            Step::Children(scripts) => {
                let children = scripts.iter().map(|script| Box::new(script.procedure()) as _).collect();
                StateFlow::Children { children, then }
            }
            Step::Message(_) if !runs_on => StateFlow::Suspend { then: None },
            Step::Wait(event) if !runs_on => StateFlow::Wait { event, then: None },
            Step::Repeat(_) if !runs_on => {
                self.count += 1;
                StateFlow::Again
            }
            Step::Sleep(millis) if !runs_on => {
                self.count += 1;
                let durable = millis % 2 == 1;
                StateFlow::Sleep { duration: Duration::from_millis(millis), durable, then: None }
            }
            Step::Yield if then.is_some() => StateFlow::Yield { then },
            _ => on(then),
        }
    }

    async fn rollback_state(
        &mut self,
        state: At,
        cx: &mut StepContext<'_, World>,
    ) -> Result<(), JavaException> {
        let _inside = cx.env().enter(&self.script, state.0);
        cx.env().pause().await;
        if let Step::Stubborn(times) = self.step(state)
            && cx.env().failures(&self.script.name, state.0 + 1000) < times
        {
            return Err(JavaException::new(class::IO, "not yet"));
        }
        cx.env().unmark(&self.script.name, state.0);
        Ok(())
    }

    fn is_rollback_supported(&self, _state: At) -> bool {
        self.script.undo
    }

    fn locks(&self) -> LockRequest {
        self.script.request()
    }

    fn holds_lock(&self) -> bool {
        self.script.holds
    }

    fn priority(&self, _state: At) -> Priority {
        if self.script.meta { Priority::Meta } else { Priority::Table }
    }

    fn wait_before(&self, _world: &World) -> Option<String> {
        self.script.before.clone()
    }

    fn on_message(&mut self, _cx: &HookContext<'_, World>, message: Told) -> Reaction {
        match message {
            Told::Nothing => Reaction::ignore(),
            Told::Wake => Reaction::wake(),
            Told::Refuse => Reaction::ignore().reject(JavaException::new(class::UNEXPECTED_STATE, "no")),
            Told::Panic => panic!("{} panics at a message", self.script.name),
            Told::Number(number) => {
                if self.heard.insert(number) {
                    Reaction::wake().persist()
                } else {
                    Reaction::ignore()
                }
            }
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let heard = serde_json::to_string(&(&self.heard, self.count)).unwrap();
        let pair = pb::NameStringPair { name: self.json.to_string(), value: heard };
        vec![pb::Any::pack(&pair)]
    }

    fn result(&self) -> Option<Bytes> {
        Some(Bytes::from(self.script.name.clone()))
    }

    fn completed(&mut self, cx: &HookContext<'_, World>) {
        cx.env().complete(&self.script.name);
    }
}

/// Knows how to read scripts.
pub(crate) fn registry() -> Registry<World> {
    Registry::new().with_machine(SCRIPT_CLASS, read)
}

fn read(reader: &mut StateReader<'_>) -> Result<ScriptMachine, StateError> {
    let pair: pb::NameStringPair = reader.read()?;
    let invalid = |error: serde_json::Error| StateError::Invalid(error.to_string());
    let (heard, count) = serde_json::from_str(&pair.value).map_err(invalid)?;
    let script = Arc::new(serde_json::from_str(&pair.name).map_err(invalid)?);
    Ok(ScriptMachine { script, json: pair.name.into(), heard, count })
}

/// The script behind a procedure.
pub(crate) fn script_of(procedure: &dyn Procedure<World>) -> Option<&Script> {
    let any: &dyn std::any::Any = procedure;
    Some(&any.downcast_ref::<StateMachineProcedure<ScriptMachine>>()?.machine().script)
}
