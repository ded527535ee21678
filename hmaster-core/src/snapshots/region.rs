//! Has a region flushed and its files listed by its server. Counterpart of `SnapshotRegionProcedure`.
//!
//! Nothing of its progress is stored: a next master has it done anew, which writes the same list over. A region that
//! can't be listed ends this without a list, and the check of the whole then finds that.

use async_trait::async_trait;
use hmaster_procedure::{
    Flow, HookContext, Priority, Procedure, Reaction, StateError, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, RegionState, TableState};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::{Event, Message};
use crate::remote::{RegionCall, open_region};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.SnapshotRegionProcedure";
/// The callable on the region server, since 2.5.
const CALLABLE: &str = "org.apache.hadoop.hbase.regionserver.SnapshotRegionCallable";

/// How often servers may fail to list a region, each time after a longer pause. Java has no bound, and its clients wait
/// five minutes.
const FAILURES_MAX: u32 = 10;

/// States in which a region won't be open soon.
const HOPELESS: [RegionState; 3] = [RegionState::FailedOpen, RegionState::Split, RegionState::Merged];

/// A region that is listed.
#[derive(Debug)]
pub struct SnapshotRegion {
    snapshot: pb::SnapshotDescription,
    region: RegionInfo,
    call: RegionCall,
}

impl SnapshotRegion {
    /// Lists `region` for `snapshot`.
    pub fn new(snapshot: pb::SnapshotDescription, region: RegionInfo) -> Self {
        Self { snapshot, region, call: RegionCall::default() }
    }

    /// Whether the region, as it is, will never be listed.
    fn is_hopeless(&self, env: &MasterEnv) -> bool {
        let node = env.regions.get(self.region.encoded_name());
        let is_lost = node.is_none_or(|node| node.is_in(&HOPELESS));
        is_lost
            || self.call.failures > FAILURES_MAX
            || !env.tables.is_in(self.region.table(), &[TableState::Enabled])
    }

    fn dispatch(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        if self.is_hopeless(cx.env()) {
            let failures = self.call.failures;
            tracing::warn!(pid = %cx.id(), region = %self.region, failures, "not in the snapshot");
            return Flow::Done;
        }
        let open = open_region(cx.env(), &self.region);
        let Some(server) = open.and_then(|node| node.location().cloned()) else { return cx.retry_later() };
        let parameter =
            pb::SnapshotRegionParameter { region: (&self.region).into(), snapshot: self.snapshot.clone() };
        self.call.dispatch(cx, server, CALLABLE, &parameter)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<SnapshotRegion, StateError> {
    let data: pb::SnapshotRegionProcedureStateData = reader.read()?;
    Ok(SnapshotRegion::new(data.snapshot, codec::region(&data.region)?))
}

#[async_trait]
impl Procedure<MasterEnv> for SnapshotRegion {
    fn class_name(&self) -> &str {
        CLASS
    }

    fn details(&self) -> String {
        format!("SnapshotRegionProcedure {}", self.region.encoded_name())
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
        vec![pb::Any::pack(&pb::SnapshotRegionProcedureStateData {
            region: (&self.region).into(),
            snapshot: self.snapshot.clone(),
        })]
    }
}
