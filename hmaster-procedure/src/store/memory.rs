//! A store in memory that can be made to crash, fail or dawdle, for tests and benches.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use foldhash::fast::FixedState;
use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use hmaster_protocol::pb;
use hmaster_types::ProcId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Loaded, ProcedureStore, StoreError, StoreOp};

/// What goes wrong with the batches from a certain one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They are neither durable nor refused: the master has died.
    Crash,
    /// They are refused.
    Refuse,
}

/// A store in memory. Clones share the rows: give one to the next master and it finds what the last one left.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Inner>>);

/// A batch that isn't durable yet, and whom to tell.
type HeldBatch = (Vec<StoreOp>, oneshot::Sender<Result<(), StoreError>>);

#[derive(Debug, Default)]
struct Inner {
    rows: HashMap<ProcId, Arc<pb::Procedure>, FixedState>,
    max_proc_id: u64,
    log: Option<Vec<Vec<StoreOp>>>,
    batches: usize,
    fault: Option<(usize, Fault)>,
    holding: bool,
    held: VecDeque<HeldBatch>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that remembers every batch.
    pub fn with_log() -> Self {
        let store = Self::default();
        store.0.lock().log = Some(Vec::new());
        store
    }

    /// A store that holds `records`.
    pub fn with_records(records: impl IntoIterator<Item = pb::Procedure>) -> Self {
        let store = Self::with_log();
        for record in records {
            store.0.lock().apply(&[StoreOp::Put(Arc::new(record))]);
        }
        store
    }

    /// Lets the first `batches` batches through, counted from the store's beginning, and none after them.
    pub fn fault_after(&self, batches: usize, fault: Fault) {
        self.0.lock().fault = Some((batches, fault));
    }

    /// Lets all batches through again: for the next master, as the one that met the fault must not go on.
    pub fn heal(&self) {
        self.0.lock().fault = None;
    }

    /// True once a fault has set in.
    pub fn is_dead(&self) -> bool {
        let inner = self.0.lock();
        inner.fault.is_some_and(|(after, _)| inner.batches + inner.held.len() >= after)
    }

    /// Makes batches durable only when [`MemoryStore::release`] says so.
    pub fn hold(&self) {
        self.0.lock().holding = true;
    }

    /// Makes the oldest `batches` batches that are held durable; how many there were.
    pub fn release(&self, batches: usize) -> usize {
        let mut released = 0;
        while released < batches {
            let mut inner = self.0.lock();
            let Some((batch, done)) = inner.held.pop_front() else { break };
            inner.write(&batch);
            drop(inner);
            // Whoever has stopped waiting for it doesn't unmake it.
            let _ = done.send(Ok(()));
            released += 1;
        }
        released
    }

    /// How many batches wait to be released.
    pub fn held(&self) -> usize {
        self.0.lock().held.len()
    }

    /// How many batches have become durable.
    pub fn batches(&self) -> usize {
        self.0.lock().batches
    }

    /// Every batch that has become durable, in order, if the store remembers them.
    pub fn log(&self) -> Vec<Vec<StoreOp>> {
        self.0.lock().log.clone().unwrap_or_default()
    }

    /// The rows now, in order of their ids.
    pub fn records(&self) -> Vec<pb::Procedure> {
        let inner = self.0.lock();
        let mut records: Vec<_> = inner.rows.values().map(|record| (**record).clone()).collect();
        records.sort_unstable_by_key(|record| record.proc_id);
        records
    }
}

impl Inner {
    fn write(&mut self, batch: &[StoreOp]) {
        self.apply(batch);
        self.batches += 1;
        if let Some(log) = &mut self.log {
            log.push(batch.to_vec());
        }
    }

    fn apply(&mut self, batch: &[StoreOp]) {
        for op in batch {
            self.max_proc_id = self.max_proc_id.max(op.id().0);
            match op {
                StoreOp::Put(record) => drop(self.rows.insert(op.id(), Arc::clone(record))),
                StoreOp::Delete(id) => drop(self.rows.remove(id)),
            }
        }
    }
}

#[async_trait]
impl ProcedureStore for MemoryStore {
    fn submit(&self, batch: Vec<StoreOp>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut inner = self.0.lock();
        let fault = inner.fault.filter(|(after, _)| inner.batches + inner.held.len() >= *after);
        match fault {
            Some((_, Fault::Crash)) => future::pending().boxed(),
            Some((_, Fault::Refuse)) => future::ready(Err(refused())).boxed(),
            None if inner.holding => {
                let (done, durable) = oneshot::channel();
                inner.held.push_back((batch, done));
                durable.map(|result| result.unwrap_or_else(|_| Err(refused()))).boxed()
            }
            None => {
                inner.write(&batch);
                future::ready(Ok(())).boxed()
            }
        }
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(Loaded { records: self.records(), max_proc_id: self.0.lock().max_proc_id })
    }
}

fn refused() -> StoreError {
    StoreError { operation: "write a batch", reason: "refused by the test".into(), source: None }
}
