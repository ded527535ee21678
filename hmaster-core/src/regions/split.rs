//! Splits a region in two. Counterpart of `SplitTableRegionProcedure`.
//!
//! The parent is closed; the daughters get folders with references to its files and its sequence id; then one change of
//! hbase:meta puts them in its place. Up to there everything can be undone, from there on only be finished. The parent's
//! files stay until the daughters need them no longer, see [`crate::janitor`].

mod codec;
mod request;

use async_trait::async_trait;
use hmaster_procedure::{LockRequest, Priority, StateFlow, StateMachine, StepContext};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, RegionInfo, RegionState, SeqNum, class};

use super::common;
use crate::assignment::{RegionNode, RegionRecord};
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::step::{ProcedureUser, Stop, settle};
use crate::switches::Switch;

pub use codec::decode;
pub use request::check_switches;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.assignment.SplitTableRegionProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `SplitTableRegionState`.
    pub enum State {
        Prepare = 1, "SPLIT_TABLE_REGION_PREPARE";
        PreOperation = 2, "SPLIT_TABLE_REGION_PRE_OPERATION";
        CloseParentRegion = 3, "SPLIT_TABLE_REGION_CLOSE_PARENT_REGION";
        CreateDaughterRegions = 4, "SPLIT_TABLE_REGION_CREATE_DAUGHTER_REGIONS";
        WriteMaxSequenceIdFile = 5, "SPLIT_TABLE_REGION_WRITE_MAX_SEQUENCE_ID_FILE";
        PreOperationBeforeMeta = 6, "SPLIT_TABLE_REGION_PRE_OPERATION_BEFORE_META";
        UpdateMeta = 7, "SPLIT_TABLE_REGION_UPDATE_META";
        PreOperationAfterMeta = 8, "SPLIT_TABLE_REGION_PRE_OPERATION_AFTER_META";
        OpenChildRegions = 9, "SPLIT_TABLE_REGION_OPEN_CHILD_REGIONS";
        PostOperation = 10, "SPLIT_TABLE_REGION_POST_OPERATION";
        CheckClosedRegions = 11, "SPLIT_TABLE_REGIONS_CHECK_CLOSED_REGIONS";
    }
}

/// A region that is split.
#[derive(Debug)]
pub struct SplitRegion {
    user: ProcedureUser,
    parent: RegionInfo,
    daughters: [RegionInfo; 2],
}

impl SplitRegion {
    /// The region that is split.
    pub fn parent(&self) -> &RegionInfo {
        &self.parent
    }

    /// What becomes of it: the rows before the split row, and the others.
    pub fn daughters(&self) -> &[RegionInfo; 2] {
        &self.daughters
    }

    fn prepare(&self, cx: &StepContext<'_, MasterEnv>) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let env = cx.env();
        let refuse = |message: String| Err(JavaException::new(class::IO, message).into());
        let (table, name) = (self.parent.table(), self.parent.encoded_name());
        if common::is_being_modified(env, table, cx.id()) {
            return refuse(format!(
                "Skip splitting region {name}, because there is an active procedure that is modifying the table {table}"
            ));
        }
        let unknown = || JavaException::new(class::UNKNOWN_REGION, self.parent.name().to_string());
        let node = env.regions.get(name).ok_or_else(unknown)?;
        if node.is_split() || node.info().is_offline() {
            tracing::info!(region = %self.parent, "the region is split already");
            return Ok(StateFlow::End);
        }
        let may_be = [RegionState::Open, RegionState::Closed];
        // What this step did before a crash isn't stored; what it did before it was repeated is in memory.
        if !node.is_in(&may_be) && node.state() != RegionState::Splitting {
            let (region, state) = (self.parent.name(), node.state());
            return refuse(format!("Split {region} FAILED because state={state}; expected [OPEN, CLOSED]"));
        }
        let region = self.parent.name();
        if !env.switches.is_on(Switch::Split) {
            return refuse(format!("Split region {region} failed due to split switch off"));
        }
        if !common::schema(env, table)?.is_split_enabled() {
            return refuse(format!("Split region {region} failed as region split is disabled for the table"));
        }
        if node.state() == RegionState::Open {
            env.regions.force_state(name, RegionState::Splitting)?;
        }
        Ok(StateFlow::To(State::PreOperation))
    }

    fn close_parent(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let replicas = self.replicas(env)?;
        let children = common::close_all(env, std::slice::from_ref(&self.parent), replicas)?;
        Ok(StateFlow::Children { children, then: Some(State::CheckClosedRegions) })
    }

    async fn create_daughters(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = common::schema(env, self.parent.table())?;
        common::forget_replicas(env, std::slice::from_ref(&self.parent), schema.region_replication());
        let [a, b] = &self.daughters;
        let patience = env.options.assignment.file_split_timeout;
        let split = env.files.split_region(&schema, &self.parent, [a, b]);
        let Ok(split) = tokio::time::timeout(patience, split).await else {
            let message = "Took too long to split the files and create the references, aborting split";
            return Err(JavaException::new(class::IO, message).into());
        };
        split?;
        Ok(StateFlow::To(State::WriteMaxSequenceIdFile))
    }

    /// Daughters go on where the parent ended, so that sequence ids only rise (danger 9).
    async fn write_sequence_ids(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let highest = env.files.max_sequence_id(&self.parent).await?;
        if let Some(highest) = highest.filter(|seq| *seq > SeqNum(0)) {
            for daughter in &self.daughters {
                env.files.write_sequence_id(daughter, highest).await?;
            }
        }
        Ok(StateFlow::To(State::PreOperationBeforeMeta))
    }

    /// The point of no return: one change of three rows (danger 10).
    async fn update_meta(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = common::schema(env, self.parent.table())?;
        let has_barriers = schema.has_global_replication_scope();
        let barrier = if has_barriers { common::barrier_of(env, &self.parent).await? } else { SeqNum::NONE };
        let [a, b] = &self.daughters;
        let (replicas, now_ms) = (schema.region_replication(), env.catalog.clock.now_ms());
        let rows = meta::split_region(&self.parent, barrier.0, [a, b], replicas, has_barriers, now_ms);
        env.catalog.write_atomically(rows).await?;
        let gone = self.parent.to_builder().split(true).offline(true).build();
        env.regions.force_state(gone.encoded_name(), RegionState::Split)?;
        env.regions.update_info(&gone)?;
        for daughter in &self.daughters {
            let mut record = RegionRecord::new(daughter.clone(), RegionState::Closed);
            record.open_seq_num = SeqNum(1);
            env.regions.load(record);
        }
        Ok(StateFlow::To(State::PreOperationAfterMeta))
    }

    /// Both on the parent's server, whose cache has their data; or only one, if the configuration says so.
    async fn open_daughters(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let replicas = self.replicas(env)?;
        let server = common::place_of(env, &self.parent);
        let [a, b] = &self.daughters;
        let children = if env.options.assignment.separate_daughters {
            let mut children = common::open_all(env, std::slice::from_ref(a), replicas, server.as_ref());
            let other = env.other_server(b, server.as_ref()).await;
            children.extend(common::open_all(env, std::slice::from_ref(b), replicas, other.as_ref()));
            children
        } else {
            common::open_all(env, &self.daughters, replicas, server.as_ref())
        };
        Ok(match children.is_empty() {
            true => StateFlow::To(State::PostOperation),
            false => StateFlow::Children { children, then: Some(State::PostOperation) },
        })
    }

    fn replicas(&self, env: &MasterEnv) -> Result<u16, JavaException> {
        Ok(common::schema(env, self.parent.table())?.region_replication())
    }

    async fn undo(&self, state: State, env: &MasterEnv) -> Result<(), JavaException> {
        match state {
            State::Prepare => {
                let parent = self.parent.encoded_name();
                if env.regions.with(parent, RegionNode::state) == Some(RegionState::Splitting) {
                    env.regions.force_state(parent, RegionState::Open).map_err(StepError::from)?;
                }
            }
            State::CheckClosedRegions => {
                let (replicas, server) = (self.replicas(env)?, common::place_of(env, &self.parent));
                let parent = std::slice::from_ref(&self.parent);
                common::reopen_for_rollback(env, parent, replicas, server.as_ref()).await?;
            }
            State::CreateDaughterRegions | State::WriteMaxSequenceIdFile => {
                for daughter in &self.daughters {
                    env.files.delete_new_region(daughter).await.map_err(StepError::from)?;
                }
            }
            State::PreOperation | State::CloseParentRegion | State::PreOperationBeforeMeta => {}
            State::UpdateMeta
            | State::PreOperationAfterMeta
            | State::OpenChildRegions
            | State::PostOperation => {
                tracing::error!(region = %self.parent, state = ?state, "a split that is done can't be undone");
            }
        }
        Ok(())
    }
}

#[async_trait]
impl StateMachine<MasterEnv> for SplitRegion {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        let [a, b] = &self.daughters;
        format!(
            "SplitTableRegionProcedure table={}, parent={}, daughterA={}, daughterB={}",
            self.parent.table(),
            self.parent.encoded_name(),
            a.encoded_name(),
            b.encoded_name()
        )
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        let [a, b] = &self.daughters;
        LockRequest::regions(
            self.parent.table(),
            [self.parent.encoded_name(), a.encoded_name(), b.encoded_name()],
        )
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.parent.table())
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
            State::Prepare => self.prepare(cx),
            State::PreOperation => Ok(StateFlow::To(State::CloseParentRegion)),
            State::CloseParentRegion => self.close_parent(env),
            State::CheckClosedRegions => common::check_closed(env, &self.parent)
                .await
                .map(|()| StateFlow::To(State::CreateDaughterRegions)),
            State::CreateDaughterRegions => self.create_daughters(env).await,
            State::WriteMaxSequenceIdFile => self.write_sequence_ids(env).await,
            State::PreOperationBeforeMeta => Ok(StateFlow::To(State::UpdateMeta)),
            State::UpdateMeta => self.update_meta(env).await,
            State::PreOperationAfterMeta => Ok(StateFlow::To(State::OpenChildRegions)),
            State::OpenChildRegions => self.open_daughters(env).await,
            State::PostOperation => Ok(StateFlow::End),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        !matches!(
            state,
            State::UpdateMeta | State::PreOperationAfterMeta | State::OpenChildRegions | State::PostOperation
        )
    }

    async fn rollback_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        self.undo(state, cx.env()).await
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        codec::messages(self)
    }
}
