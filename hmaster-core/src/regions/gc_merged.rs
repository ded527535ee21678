//! Removes the regions that one was merged from, once it needs their files no longer. Counterpart of
//! `GCMultipleMergedRegionsProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::RegionInfo;

use super::gc::GcRegion;
use super::merge::merged_from;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.assignment.GCMultipleMergedRegionsProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `GCMergedRegionsState`.
    pub enum State {
        Prepare = 1, "GC_MERGED_REGIONS_PREPARE";
        Purge = 2, "GC_MERGED_REGIONS_PURGE";
        EditMetadata = 3, "GC_REGION_EDIT_METADATA";
    }
}

/// A merged region that needs those it was merged from no longer.
#[derive(Debug)]
pub struct GcMergedRegions {
    merged: RegionInfo,
    parents: Vec<RegionInfo>,
}

impl GcMergedRegions {
    /// Removes `parents`, from which `merged` was made.
    pub fn procedure(merged: RegionInfo, parents: Vec<RegionInfo>) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { merged, parents })
    }

    /// The region that stays.
    pub fn merged(&self) -> &RegionInfo {
        &self.merged
    }

    async fn prepare(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        match merged_from(env, &self.merged).await?.is_empty() {
            true => {
                tracing::info!(region = %self.merged, "what it was merged from is gone already");
                Ok(StateFlow::End)
            }
            false => Ok(StateFlow::To(State::Purge)),
        }
    }

    fn purge(&self) -> StateFlow<MasterEnv, State> {
        let gc = |parent: &RegionInfo| {
            Box::new(GcRegion::procedure(parent.clone())) as Box<dyn Procedure<MasterEnv>>
        };
        let children: Vec<_> = self.parents.iter().map(gc).collect();
        match children.is_empty() {
            true => StateFlow::To(State::EditMetadata),
            false => StateFlow::Children { children, then: Some(State::EditMetadata) },
        }
    }

    async fn forget(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let delete_ms = env.catalog.clock.delete_ms();
        let row = meta::delete_merge_qualifiers(&self.merged, self.parents.len(), delete_ms);
        env.catalog.write(vec![row]).await?;
        Ok(StateFlow::End)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<GcMergedRegions, StateError> {
    let data: pb::GcMultipleMergedRegionsStateData = reader.read()?;
    Ok(GcMergedRegions {
        merged: codec::region(&data.merged_child)?,
        parents: codec::regions(&data.parents)?,
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for GcMergedRegions {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        let parents: Vec<_> = self.parents.iter().map(|parent| parent.encoded_name().to_string()).collect();
        let merged = self.merged.encoded_name();
        format!("GCMultipleMergedRegionsProcedure child={merged}, parents:{}", parents.join(", "))
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        LockRequest::regions(self.merged.table(), [self.merged.encoded_name()])
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.merged.table())
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
            State::Prepare => self.prepare(env).await,
            State::Purge => Ok(self.purge()),
            State::EditMetadata => self.forget(env).await,
        };
        settle(result, state, false, cx)
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::GcMultipleMergedRegionsStateData {
            parents: self.parents.iter().map(Into::into).collect(),
            merged_child: (&self.merged).into(),
        })]
    }

    fn waits_for_client_ack(&self) -> bool {
        false
    }
}
