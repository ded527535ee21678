//! Where procedures are kept. Counterpart of `ProcedureStore`.

mod memory;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use hmaster_protocol::pb;
use hmaster_types::ProcId;

pub use memory::{Fault, MemoryStore};

/// One change to the store.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreOp {
    /// The procedure's row is this from now on. Shared with the engine, which shows it while a step is running.
    Put(Arc<pb::Procedure>),
    /// The procedure's row is gone, though its id is still remembered as given out.
    Delete(ProcId),
}

impl StoreOp {
    /// The procedure it is about.
    pub fn id(&self) -> ProcId {
        match self {
            Self::Put(record) => ProcId(record.proc_id),
            Self::Delete(id) => *id,
        }
    }
}

/// What a store holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The rows, in no particular order.
    pub records: Vec<pb::Procedure>,
    /// The highest id that was ever stored, of deleted rows too; 0 if there was none.
    pub max_proc_id: u64,
}

/// The store can't be relied on any more: nobody knows which changes have come through.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} in the procedure store: {reason}")]
pub struct StoreError {
    /// What was being done.
    pub operation: &'static str,
    /// What went wrong.
    pub reason: String,
    /// The cause, if it is an error of its own.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Durable rows of procedures.
#[async_trait]
pub trait ProcedureStore: Send + Sync + 'static {
    /// Makes all of `batch` durable, or none of it. The batch takes its place in the log before this returns, so the
    /// order of calls is the order of the log, and no batch is durable before an earlier one; the future tells when it
    /// is. Called under the engine's lock: it must not block. Dropping the future doesn't take the batch back.
    ///
    /// Once a future has ended in an error, all later ones must.
    fn submit(&self, batch: Vec<StoreOp>) -> BoxFuture<'static, Result<(), StoreError>>;

    /// All rows. Called once, before anything is submitted.
    ///
    /// # Errors
    /// When a row can't be read or isn't a procedure.
    async fn load(&self) -> Result<Loaded, StoreError>;

    /// A good moment to forget deleted rows, all but the one with the highest id. Counterpart of
    /// `ProcedureStore.cleanup`.
    fn cleanup(&self) {}
}
