//! A reign's tasks, its executor, its end.

use std::sync::Arc;

use hmaster_procedure::engine::NewProcedure;
use hmaster_procedure::{Delivery, ExecutorError, Procedure, ProcedureExecutor, WeakExecutor};
use hmaster_protocol::meta;
use hmaster_types::{ProcId, RegionState};

use super::MasterEnv;
use crate::assignment::RegionRecord;
use crate::catalog::Writer;
use crate::error::StepError;
use crate::message::{Event, Message};
use crate::placement::PlacerTask;

/// Tasks that are made with a [`MasterEnv`] and run for it.
#[derive(Debug)]
pub struct ReignTasks {
    pub(super) writer: Writer,
    pub(super) placer: PlacerTask,
}

/// An active master with its executor. Dropping it ends everything that runs for it, where it stands.
pub struct Reign {
    /// The master.
    pub env: Arc<MasterEnv>,
    executor: ProcedureExecutor<MasterEnv>,
}

impl Reign {
    /// Connects a master with its executor and starts its tasks.
    pub fn new(env: Arc<MasterEnv>, executor: ProcedureExecutor<MasterEnv>, tasks: ReignTasks) -> Self {
        // One reign has one executor; a second can't be set.
        let _ = env.executor.set(executor.downgrade());
        env.tasks.spawn(tasks.writer.run());
        env.tasks.spawn(tasks.placer.run(env.clone()));
        Self { env, executor }
    }

    /// Runs procedures.
    pub fn executor(&self) -> &ProcedureExecutor<MasterEnv> {
        &self.executor
    }
}

impl Drop for Reign {
    fn drop(&mut self) {
        self.env.shutdown.cancel();
    }
}

impl MasterEnv {
    /// Ends this reign: another master is active, or nothing can be persisted. The first reason is kept.
    pub fn end_reign(&self, reason: impl Into<String>) {
        let reason = self.end.get_or_init(|| reason.into());
        tracing::error!(%reason, "the active role ends");
        self.shutdown.cancel();
    }

    /// Why this reign ended, if it did for a reason.
    pub fn end_reason(&self) -> Option<&str> {
        self.end.get().map(String::as_str)
    }

    /// Runs procedures, as long as the reign lasts.
    pub fn executor(&self) -> Option<ProcedureExecutor<MasterEnv>> {
        self.executor.get().and_then(WeakExecutor::upgrade)
    }

    /// Submits a procedure; ends when it is durable.
    ///
    /// # Errors
    /// When the reign has ended, or the procedure isn't fit.
    pub async fn submit(&self, procedure: impl Procedure<MasterEnv>) -> Result<ProcId, ExecutorError> {
        self.executor().ok_or(ExecutorError::Stopped)?.submit(NewProcedure::new(procedure)).await
    }

    /// Tells a procedure something; ends when what that changed is durable.
    ///
    /// # Errors
    /// When the reign has ended: it isn't known what is durable, so whoever sent the message must not hear that it was
    /// taken.
    pub async fn deliver(&self, to: ProcId, message: Message) -> Result<Delivery, ExecutorError> {
        self.executor.get().ok_or(ExecutorError::Stopped)?.deliver(to, message).await
    }

    /// Records a region's state and place: hbase:meta's own in the master's store and ZooKeeper, others' in hbase:meta.
    ///
    /// # Errors
    /// When it isn't recorded. If the store failed, the reign is over.
    pub async fn record_region(&self, record: &RegionRecord) -> Result<(), StepError> {
        if record.info.is_meta() {
            return self.record_meta_region(record).await;
        }
        let barrier =
            self.schemas.get(record.info.table()).is_some_and(|schema| schema.has_global_replication_scope());
        let row = record.info.meta_row();
        let (seq, now_ms) = (record.open_seq_num.0, self.catalog.clock.put_ms(row.as_bytes()));
        let row =
            meta::put_region(&record.info, record.state, record.location.as_ref(), seq, barrier, now_ms);
        Ok(self.catalog.write(vec![row]).await?)
    }

    async fn record_meta_region(&self, record: &RegionRecord) -> Result<(), StepError> {
        if let Err(error) = self.store.put_meta_region(record, self.catalog.clock.now_ms()).await {
            self.end_reign(error.to_string());
            return Err(error.into());
        }
        self.show_meta_region(record).await;
        Ok(())
    }

    /// Lets everybody know where hbase:meta is by now.
    pub(crate) async fn show_meta_region(&self, record: &RegionRecord) {
        if record.info.is_default_replica() {
            let place = record.location.clone().filter(|_| record.state == RegionState::Open);
            let is_open = place.is_some();
            self.catalog.set_place(place);
            self.set_condition(Event::MetaAssigned, is_open);
        }
        let (replica, server) = (record.info.replica_id(), record.location.as_ref());
        // Clients look there; they find hbase:meta again with the next change. The truth is in the store.
        if let Err(error) = self.zookeeper.mirror_meta_location(replica, server, record.state).await {
            tracing::warn!(%error, "the place of hbase:meta isn't shown in ZooKeeper");
        }
    }
}
