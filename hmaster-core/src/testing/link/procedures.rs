//! The rows of procedures. Batches become durable in order, some of them together, or, when the process dies, not.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use hmaster_procedure::{Loaded, ProcedureStore, StoreError, StoreOp, simple_class_name};
use tokio::sync::oneshot;

use super::MasterLink;

/// Batches that wait to become durable.
/// Says how a batch ended.
type Confirm = oneshot::Sender<Result<(), StoreError>>;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    batches: Vec<(Vec<StoreOp>, Confirm)>,
    is_running: bool,
    has_failed: bool,
}

fn failed() -> StoreError {
    StoreError { operation: "write a batch", reason: "it fails".into(), source: None }
}

impl MasterLink {
    /// False when another master has the store by now.
    fn put(&self, batch: &[StoreOp]) -> bool {
        self.world.with(|state| {
            if state.store.owner != self.number {
                return false;
            }
            state.check_ids(batch);
            // A store in memory is done at once.
            drop(state.store.procedures.submit(batch.to_vec()));
            self.effect(state, || format!("procedures {}", describe(batch)));
            true
        })
    }

    /// Makes what waits durable, after a while and together.
    async fn write_waiting(self: Arc<Self>) {
        loop {
            self.gate.passed().await;
            self.world.latency().await;
            let (batches, fails) = {
                let mut waiting = self.waiting.lock();
                let batches = std::mem::take(&mut waiting.batches);
                if batches.is_empty() {
                    waiting.is_running = false;
                    return;
                }
                let fails = self.world.with(|state| self.world.chance().happens(state.faults.store));
                waiting.has_failed |= fails;
                (batches, fails)
            };
            for (batch, done) in batches {
                if self.is_dead() {
                    return;
                }
                let written = if !fails && self.put(&batch) { Ok(()) } else { Err(failed()) };
                self.waiting.lock().has_failed |= written.is_err();
                self.gate.passed().await;
                if !self.is_dead() {
                    // Whoever waited may have gone.
                    let _ = done.send(written);
                }
            }
        }
    }
}

fn describe(batch: &[StoreOp]) -> String {
    let op = |op: &StoreOp| match op {
        StoreOp::Put(record) => {
            let class = simple_class_name(&record.class_name).to_owned();
            format!("{} {class} {}", record.proc_id, record.state().as_str_name())
        }
        StoreOp::Delete(id) => format!("{id} deleted"),
    };
    batch.iter().map(op).collect::<Vec<_>>().join(", ")
}

#[async_trait]
impl ProcedureStore for MasterLink {
    fn submit(&self, batch: Vec<StoreOp>) -> BoxFuture<'static, Result<(), StoreError>> {
        if self.is_dead() {
            return future::pending().boxed();
        }
        let is_held_up = self.gate.is_closed();
        let (is_immediate, happens) = self.world.with(|state| {
            (state.faults.latency_ms_max == 0 && !is_held_up, self.world.chance().happens(state.faults.store))
        });
        let mut waiting = self.waiting.lock();
        if waiting.has_failed {
            return future::ready(Err(failed())).boxed();
        }
        if is_immediate && waiting.batches.is_empty() {
            if happens || !self.put(&batch) {
                waiting.has_failed = true;
                return future::ready(Err(failed())).boxed();
            }
            return if self.is_dead() { future::pending().boxed() } else { future::ready(Ok(())).boxed() };
        }
        let (sender, receiver) = oneshot::channel();
        waiting.batches.push((batch, sender));
        if !std::mem::replace(&mut waiting.is_running, true)
            && let Some(link) = self.me.upgrade()
        {
            tokio::spawn(link.write_waiting());
        }
        async {
            match receiver.await {
                Ok(written) => written,
                // The process is dead.
                Err(_) => future::pending().await,
            }
        }
        .boxed()
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        self.alive().await;
        let store = self.world.with(|state| state.store.procedures.clone());
        store.load().await
    }
}
