//! Durable procedures: what a master does step by step, and what its successor goes on with.

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
pub use procedure::{Environment, Flow, Priority, Procedure, Reaction, TimeoutReaction};
pub use state_machine::{EOF_STATE, MachineState, StateFlow, StateMachine, StateMachineProcedure};
pub use store::{Fault, Loaded, MemoryStore, ProcedureStore, StoreError, StoreOp};
