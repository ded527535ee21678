//! Has a region flushed by its server. Counterpart of `FlushRegionProcedure`.
//!
//! Nothing of its progress is stored: a next master has the region flushed anew.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_procedure::{
    Flow, HookContext, Priority, Procedure, Reaction, StateError, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::{Event, Message};
use crate::remote::{RegionCall, open_region};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.FlushRegionProcedure";
/// The callable on the region server, since 2.6.
const CALLABLE: &str = "org.apache.hadoop.hbase.regionserver.FlushRegionCallable";

/// A region that is flushed.
#[derive(Debug)]
pub struct FlushRegion {
    region: RegionInfo,
    /// Column families; none for all.
    families: Vec<Bytes>,
    call: RegionCall,
}

impl FlushRegion {
    /// Flushes these families of `region`, or all.
    pub fn new(region: RegionInfo, families: Vec<Bytes>) -> Self {
        Self { region, families, call: RegionCall::default() }
    }

    /// Asks the region's server. A region that isn't open has nothing to flush, or somebody else brings it to be closed
    /// or opened, which flushes or replays.
    fn dispatch(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        let Some(node) = open_region(cx.env(), &self.region) else {
            tracing::info!(pid = %cx.id(), region = %self.region, "not open, or in transition: not flushed");
            return Flow::Done;
        };
        let Some(server) = node.location().cloned() else { return cx.retry_later() };
        let parameter =
            pb::FlushRegionParameter { region: (&self.region).into(), column_family: self.families.clone() };
        self.call.dispatch(cx, server, CALLABLE, &parameter)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<FlushRegion, StateError> {
    let data: pb::FlushRegionProcedureStateData = reader.read()?;
    let families = data.column_family.into_iter().filter(|family| !family.is_empty());
    Ok(FlushRegion::new(codec::region(&data.region)?, families.collect()))
}

#[async_trait]
impl Procedure<MasterEnv> for FlushRegion {
    fn class_name(&self) -> &str {
        CLASS
    }

    fn details(&self) -> String {
        format!("FlushRegionProcedure {}", self.region.encoded_name())
    }

    fn priority(&self) -> Priority {
        Priority::of_table(self.region.table())
    }

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        env.initialized_wait()
    }

    async fn execute(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        match self.call.next(cx) {
            Some(flow) => flow,
            None => self.dispatch(cx),
        }
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _: &mut StepContext<'_, MasterEnv>) -> Result<(), JavaException> {
        Ok(())
    }

    fn on_message(&mut self, cx: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        self.call.on_message(cx, &self.region, message)
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::FlushRegionProcedureStateData {
            region: (&self.region).into(),
            column_family: self.families.clone(),
        })]
    }
}
