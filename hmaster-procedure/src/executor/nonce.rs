//! Requests that clients mark. Counterpart of `MasterProcedureUtil.NonceProcedureRunnable`.

use std::sync::Arc;

use hmaster_types::{JavaException, Nonce, ProcId};

use super::shared::Shared;
use super::{ExecutorError, ProcedureExecutor};
use crate::Environment;
use crate::engine::{Answer, NewProcedure, NonceAnswer};

/// What came of registering a mark.
pub enum NonceRegistration<E: Environment> {
    /// The request is new: carry it out with the guard.
    New(NonceGuard<E>),
    /// It was carried out before, or is being carried out, as this procedure.
    Known(ProcId),
}

/// The right to carry out a marked request, with an id reserved for it. Dropping it gives the right to the next who
/// repeats the request. Counterpart of `unregisterNonceIfProcedureWasNotSubmitted`.
pub struct NonceGuard<E: Environment> {
    shared: Arc<Shared<E>>,
    nonce: Nonce,
    id: ProcId,
}

impl<E: Environment> NonceGuard<E> {
    /// The id that the procedure will have.
    pub fn id(&self) -> ProcId {
        self.id
    }

    /// Gives the same error to whoever repeats the request while this master lives. Counterpart of
    /// `setFailureResultForNonce`.
    pub fn fail(self, name: &str, owner: Option<&str>, error: &JavaException) {
        let _ = self.shared.call(|core| core.engine.fail_nonce(self.nonce, name, owner, error));
    }
}

impl<E: Environment> Drop for NonceGuard<E> {
    fn drop(&mut self) {
        let nonce = self.nonce;
        self.shared.post(move |engine| engine.release_nonce(nonce));
    }
}

impl<E: Environment> ProcedureExecutor<E> {
    /// Asks whether a marked request is new. Waits while another carries it out without having submitted a procedure.
    ///
    /// # Errors
    /// When the executor has stopped.
    pub async fn register_nonce(&self, nonce: Nonce) -> Result<NonceRegistration<E>, ExecutorError> {
        let shared = Arc::clone(self.shared());
        let reply = shared.ask(|engine, ticket| {
            engine.register_nonce(nonce, ticket);
            true
        })?;
        match reply.await? {
            Answer::Nonce(NonceAnswer::Known(id)) => Ok(NonceRegistration::Known(id)),
            Answer::Nonce(NonceAnswer::Reserved(nonce, id)) => {
                Ok(NonceRegistration::New(NonceGuard { shared, nonce, id }))
            }
            _ => Err(ExecutorError::Stopped),
        }
    }

    /// Takes the procedure of a marked request; ends when it is durable.
    ///
    /// # Errors
    /// As [`ProcedureExecutor::submit`].
    pub async fn submit_marked(
        &self,
        new: NewProcedure<E>,
        guard: NonceGuard<E>,
    ) -> Result<ProcId, ExecutorError> {
        let new = NewProcedure { nonce: Some(guard.nonce), ..new };
        let submitted = self.submit(new).await;
        drop(guard);
        submitted
    }
}
