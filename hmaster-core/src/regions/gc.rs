//! Removes a region whose files nobody needs: a split parent, or one that was merged. Counterpart of
//! `GCRegionProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{RegionInfo, RegionState};

use crate::assignment::RegionNode;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.assignment.GCRegionProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `GCRegionState`.
    pub enum State {
        Prepare = 1, "GC_REGION_PREPARE";
        Archive = 2, "GC_REGION_ARCHIVE";
        PurgeMetadata = 3, "GC_REGION_PURGE_METADATA";
    }
}

/// A region that goes.
#[derive(Debug)]
pub struct GcRegion {
    region: RegionInfo,
}

impl GcRegion {
    /// Removes `region`, which must be closed for good.
    pub fn procedure(region: RegionInfo) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { region })
    }

    /// The region that goes.
    pub fn region(&self) -> &RegionInfo {
        &self.region
    }

    /// A region that somebody has opened again, with an operator's help perhaps, has data of its own. Java archives it
    /// all the same.
    fn prepare(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        use RegionState::{Closed, Closing, Merging, Open, Opening, Splitting};
        let in_use = env.regions.get(self.region.encoded_name());
        // One that a snapshot has brought back is closed, and isn't split.
        let is_whole = |node: &RegionNode| node.state() == Closed && !node.is_split();
        let is_alive =
            |node: &RegionNode| node.is_in(&[Open, Opening, Closing, Splitting, Merging]) || is_whole(node);
        match in_use.filter(is_alive) {
            Some(node) => {
                tracing::error!(%node, "not removed: it may be open");
                StateFlow::End
            }
            None => StateFlow::To(State::Archive),
        }
    }

    async fn purge(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let row = meta::delete_region(&self.region, env.catalog.clock.delete_ms());
        env.catalog.write(vec![row]).await?;
        env.regions.remove(self.region.encoded_name());
        env.flushed.forget(self.region.encoded_name());
        Ok(StateFlow::End)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<GcRegion, StateError> {
    let _: pb::RegionInfo = reader.read()?;
    let data: pb::GcRegionStateData = reader.read()?;
    Ok(GcRegion { region: codec::region(&data.region_info)? })
}

#[async_trait]
impl StateMachine<MasterEnv> for GcRegion {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("GCRegionProcedure table={}, region={}", self.region.table(), self.region.encoded_name())
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        LockRequest::regions(self.region.table(), [self.region.encoded_name()])
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.region.table())
    }

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        env.initialized_wait()
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result = match state {
            State::Prepare => Ok(self.prepare(env)),
            State::Archive => {
                let archived = env.files.archive_region(&self.region).await;
                archived.map(|()| StateFlow::To(State::PurgeMetadata)).map_err(Stop::from)
            }
            State::PurgeMetadata => self.purge(env).await,
        };
        settle(result, state, false, cx)
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let region = pb::RegionInfo::from(&self.region);
        let data = pb::GcRegionStateData { region_info: region.clone() };
        vec![pb::Any::pack(&region), pb::Any::pack(&data)]
    }

    fn waits_for_client_ack(&self) -> bool {
        false
    }
}
