//! A handle for those whom the executor itself keeps alive: the environment, and through it procedures.

use std::sync::{Arc, Weak};

use hmaster_types::ProcId;

use super::shared::Shared;
use super::{ExecutorError, Owner, ProcedureExecutor};
use crate::{Delivery, Environment};

/// A handle that doesn't keep its executor alive.
pub struct WeakExecutor<E: Environment> {
    owner: Weak<Owner<E>>,
    shared: Weak<Shared<E>>,
}

impl<E: Environment> WeakExecutor<E> {
    pub(super) fn new(owner: &Arc<Owner<E>>) -> Self {
        Self { owner: Arc::downgrade(owner), shared: Arc::downgrade(&owner.0) }
    }

    /// The executor, if it is still there. Not for hooks: who drops the last handle ends the executor, which a hook
    /// can't.
    pub fn upgrade(&self) -> Option<ProcedureExecutor<E>> {
        self.owner.upgrade().map(ProcedureExecutor)
    }

    /// See [`ProcedureExecutor::deliver`].
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn deliver(&self, to: ProcId, message: E::Message) -> Result<Delivery, ExecutorError> {
        self.shared.upgrade().ok_or(ExecutorError::Stopped)?.deliver(to, message).await
    }

    /// See [`ProcedureExecutor::wake`]; nothing if the executor is gone.
    pub fn wake(&self, id: ProcId) {
        if let Some(shared) = self.shared.upgrade() {
            shared.post(move |engine| engine.wake(id));
        }
    }

    /// See [`ProcedureExecutor::set_event`]; nothing if the executor is gone.
    pub fn set_event(&self, event: E::Event) {
        if let Some(shared) = self.shared.upgrade() {
            shared.post(move |engine| engine.set_event(event));
        }
    }

    /// See [`ProcedureExecutor::clear_event`]; nothing if the executor is gone.
    pub fn clear_event(&self, event: E::Event) {
        if let Some(shared) = self.shared.upgrade() {
            shared.post(move |engine| engine.clear_event(&event));
        }
    }
}

impl<E: Environment> Clone for WeakExecutor<E> {
    fn clone(&self) -> Self {
        Self { owner: Weak::clone(&self.owner), shared: Weak::clone(&self.shared) }
    }
}

impl<E: Environment> Default for WeakExecutor<E> {
    /// A handle to no executor, for an environment that is made before its executor.
    fn default() -> Self {
        Self { owner: Weak::new(), shared: Weak::new() }
    }
}
