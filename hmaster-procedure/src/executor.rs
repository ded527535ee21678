//! The engine with a clock, a store and tasks. Counterpart of `ProcedureExecutor`, its worker threads and
//! `TimeoutExecutorThread`.
//!
//! It decides nothing. Steps run as tokio tasks, one per running step, which take up the next step themselves when
//! theirs is over; one task sees batches into the store, in order; one sleeps until the next deadline. All of them go
//! through the engine under one short lock. On a current-thread runtime with paused time a run is repeatable.
//!
//! Dropping the last [`ProcedureExecutor`] ends everything where it stands, as a crash would: steps are dropped at their
//! await, nothing further enters the store. A store that fails has the same effect, and [`ProcedureExecutor::failed`]
//! tells of it.

mod nonce;
mod shared;
mod tasks;
mod weak;

use std::sync::Arc;
use std::time::Duration;

use hmaster_protocol::pb;
use hmaster_types::{Clock, JavaException, ProcId};

use crate::engine::{
    Answer, Bypass, Engine, EngineConfig, LockView, NewProcedure, Outcome, ProcedureView, Status,
};
use crate::metrics::ClassMetrics;
use crate::{
    Delivery, Environment, LoadPlan, LoadProblem, Place, Priority, Procedure, ProcedureStore, StoreError,
};

pub use nonce::{NonceGuard, NonceRegistration};
use shared::Shared;
pub use weak::WeakExecutor;

/// Runs procedures. Clones are handles to one executor, which ends when the last of them is dropped; the environment of
/// its procedures keeps a [`WeakExecutor`].
pub struct ProcedureExecutor<E: Environment>(Arc<Owner<E>>);

/// Ends the executor when it is dropped.
struct Owner<E: Environment>(Arc<Shared<E>>);

/// Why the executor didn't do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// It has stopped, or its store has failed. What was asked may or may not have become durable.
    #[error("the procedure executor has stopped")]
    Stopped,
    /// The procedure isn't fit.
    #[error("submit a procedure")]
    Unfit(#[source] JavaException),
}

/// What an executor starts from has problems that nobody has decided about.
#[derive(Debug, thiserror::Error)]
#[error("load procedures: {} rows or trees are broken, first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
pub struct LoadError(pub Vec<LoadProblem>);

impl<E: Environment> ProcedureExecutor<E> {
    /// An executor that will go on with what is in `plan`. Ids are above all of the store's and above `id_floor`.
    /// Procedures can be submitted and looked at, but nothing runs before [`ProcedureExecutor::start`]. To be called
    /// within a tokio runtime, on which the steps will run.
    ///
    /// # Errors
    /// When the plan has problems that nobody has decided about.
    pub fn load(
        env: Arc<E>,
        store: Arc<dyn ProcedureStore>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        plan: LoadPlan<E>,
        id_floor: ProcId,
    ) -> Result<Self, LoadError> {
        let problems: Vec<_> = plan.problems().cloned().collect();
        if !problems.is_empty() {
            return Err(LoadError(problems));
        }
        Ok(Self(Arc::new(Owner(Shared::restore(env, store, clock, config, plan, id_floor)))))
    }

    /// Begins to run steps, and to undo what had failed.
    pub fn start(&self) {
        let _ = self.shared().call(|core| core.engine.start());
    }

    /// Begins no further step, waits for those that are running to end and be stored, and ends. A step that never ends
    /// keeps it waiting: bound it with a time limit, and drop the executor then.
    pub async fn stop(&self) {
        self.shared().stop().await;
    }

    /// Ends once the store has failed, and says why. Nothing was acknowledged that isn't durable, and nothing will be.
    pub async fn failed(&self) -> StoreError {
        self.shared().failed().await
    }

    /// A handle that doesn't keep the executor alive.
    pub fn downgrade(&self) -> WeakExecutor<E> {
        WeakExecutor::new(&self.0)
    }

    /// Takes a root procedure; ends when it is durable.
    ///
    /// # Errors
    /// When the executor has stopped, or the procedure panics while it is asked for its state data.
    pub async fn submit(&self, new: NewProcedure<E>) -> Result<ProcId, ExecutorError> {
        let ids = self.submit_all(vec![new]).await?;
        ids.first().copied().ok_or(ExecutorError::Stopped)
    }

    /// Takes root procedures, all or none of them, in this order; ends when they are durable.
    ///
    /// # Errors
    /// As [`ProcedureExecutor::submit`].
    pub async fn submit_all(&self, new: Vec<NewProcedure<E>>) -> Result<Vec<ProcId>, ExecutorError> {
        let mut submitted = Err(ExecutorError::Stopped);
        let reply = self.shared().ask(|engine, ticket| {
            if !engine.is_stopping() {
                submitted = engine.submit(new, Some(ticket)).map_err(ExecutorError::Unfit);
            }
            submitted.is_ok()
        })?;
        let ids = submitted?;
        reply.await.map(|_| ids)
    }

    /// Tells a procedure something; ends when what that changed is durable. A procedure whose step is running gets it
    /// after the step. Messages to one procedure arrive in the order of these calls' first polls.
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn deliver(&self, to: ProcId, message: E::Message) -> Result<Delivery, ExecutorError> {
        self.shared().deliver(to, message).await
    }

    /// Lets a procedure go on that is suspended, sleeps or waits for an event. May be called from anywhere.
    pub fn wake(&self, id: ProcId) {
        self.shared().post(move |engine| engine.wake(id));
    }

    /// Sets an event: those who wait for it go on, in the order in which they came. May be called from anywhere.
    pub fn set_event(&self, event: E::Event) {
        self.shared().post(move |engine| engine.set_event(event));
    }

    /// Makes an event not set. May be called from anywhere.
    pub fn clear_event(&self, event: E::Event) {
        self.shared().post(move |engine| engine.clear_event(&event));
    }

    /// Ends when the procedure has, and says how; none if nothing is known of it.
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn wait(&self, id: ProcId) -> Result<Option<Outcome>, ExecutorError> {
        let mut known = false;
        let reply = self.shared().ask(|engine, ticket| {
            known = engine.watch(id, ticket);
            known
        })?;
        match reply.await {
            Ok(Answer::Finished(outcome)) => Ok(Some(outcome)),
            _ if !known => Ok(None),
            _ => Err(ExecutorError::Stopped),
        }
    }

    /// What is known of a procedure; `acknowledge` tells that a client has its result, which is dropped sooner then.
    pub fn status(&self, id: ProcId, acknowledge: bool) -> Status {
        let asked = self.shared().call(|core| core.engine.status(id, acknowledge));
        asked.unwrap_or(Status::NotFound)
    }

    /// Asks a procedure to give up: whether it will. One whose step is running is asked after it; one that has done a
    /// step only with `may_interrupt_if_running`.
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn abort(&self, id: ProcId, may_interrupt_if_running: bool) -> Result<bool, ExecutorError> {
        let reply = self.shared().ask(|engine, ticket| {
            engine.abort(id, may_interrupt_if_running, ticket);
            true
        })?;
        Ok(matches!(reply.await?, Answer::Aborted(true)))
    }

    /// Lets procedures and their ancestors end without doing anything: for each whether it will. Waits up to
    /// `lock_wait` for the end of a step that is running; with `overrides` it doesn't matter whether the step ends, but
    /// then the procedure only ends after it, or with the next master. With `recursive` children are bypassed first;
    /// without, a procedure with children is left alone.
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn bypass(
        &self,
        ids: &[ProcId],
        lock_wait: Duration,
        overrides: bool,
        recursive: bool,
    ) -> Result<Vec<bool>, ExecutorError> {
        let mut done = Vec::with_capacity(ids.len());
        for &id in ids {
            done.push(self.bypass_one(id, lock_wait, overrides, recursive).await?);
        }
        Ok(done)
    }

    async fn bypass_one(
        &self,
        id: ProcId,
        lock_wait: Duration,
        overrides: bool,
        recursive: bool,
    ) -> Result<bool, ExecutorError> {
        let deadline = tokio::time::Instant::now() + lock_wait;
        let mut force = false;
        loop {
            let mut outcome = Bypass::Refused;
            let reply = self.shared().ask(|engine, ticket| {
                outcome = engine.bypass(id, force, recursive, ticket);
                outcome != Bypass::Refused
            })?;
            match outcome {
                Bypass::Refused => return Ok(false),
                Bypass::Done => return reply.await.map(|_| true),
                Bypass::Busy => {}
            }
            match tokio::time::timeout_at(deadline, reply).await {
                Ok(ended) => drop(ended?),
                Err(_) if overrides => force = true,
                Err(_) => return Ok(false),
            }
        }
    }

    /// The rows of all procedures and kept results, in order of ids. Counterpart of `getProcedures`.
    pub fn records(&self) -> Vec<Arc<pb::Procedure>> {
        self.shared().look(Engine::records)
    }

    /// One procedure, as pages show it.
    pub fn view(&self, id: ProcId) -> Option<ProcedureView> {
        self.shared().look(|engine| engine.view(id))
    }

    /// All procedures, as pages show them, in order of ids.
    pub fn views(&self) -> Vec<ProcedureView> {
        self.shared().look(Engine::views)
    }

    /// The ids of all procedures, in order: where there are very many, cheaper than [`ProcedureExecutor::views`].
    pub fn ids(&self) -> Vec<ProcId> {
        self.shared().look(Engine::ids)
    }

    /// The rows of ended procedures whose results are kept, in order of ids.
    pub fn result_records(&self) -> Vec<Arc<pb::Procedure>> {
        self.shared().look(Engine::result_records)
    }

    /// Everything that is locked or waited for.
    pub fn locks(&self) -> Vec<LockView> {
        self.shared().look(Engine::locks)
    }

    /// What was counted, by class.
    pub fn metrics(&self) -> Vec<(String, ClassMetrics)> {
        self.shared().look(Engine::metrics)
    }

    /// How many steps of a priority are running, and how many procedures are in line for one.
    pub fn load_of(&self, priority: Priority) -> (usize, usize) {
        self.shared().look(|engine| engine.load(priority))
    }

    /// How many procedures are there.
    pub fn len(&self) -> usize {
        self.shared().look(Engine::len)
    }

    /// True if no procedure is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if an event is set.
    pub fn is_event_set(&self, event: &E::Event) -> bool {
        self.shared().look(|engine| engine.is_event_set(event))
    }

    /// The highest id that was given out.
    pub fn last_id(&self) -> ProcId {
        self.shared().look(Engine::last_id)
    }

    /// Shows every procedure that has no step running, in order of ids: before [`ProcedureExecutor::start`] all that
    /// were loaded. The visitor is called with the executor locked and must not use it.
    pub fn visit(&self, visitor: impl FnMut(Place, &mut dyn Procedure<E>)) {
        let _ = self.shared().call(|core| core.engine.visit(visitor));
    }

    fn shared(&self) -> &Arc<Shared<E>> {
        &self.0.0
    }
}

impl<E: Environment> Clone for ProcedureExecutor<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E: Environment> Drop for Owner<E> {
    fn drop(&mut self) {
        self.0.kill();
    }
}
