//! Merges regions into one. Counterpart of `MergeTableRegionsProcedure`.
//!
//! The regions are closed; the merged one gets a folder with references to all their files and the highest of their
//! sequence ids; then one change of hbase:meta puts it in their place, with their names in it until it needs their files
//! no longer, see [`crate::janitor`]. Up to there everything can be undone, from there on only be finished.

mod request;

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateReader, StepContext,
};
use hmaster_protocol::meta::{MetaError, MetaReader};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, RegionInfo, RegionState, SeqNum, ServerName, TableName, class};

use super::common;
use crate::assignment::{RegionNode, RegionRecord};
use crate::catalog::CatalogError;
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::step::{ProcedureUser, Stop, settle};
use crate::switches::Switch;

pub use request::check_switches;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.assignment.MergeTableRegionsProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `MergeTableRegionsState`.
    pub enum State {
        Prepare = 1, "MERGE_TABLE_REGIONS_PREPARE";
        PreOperation = 2, "MERGE_TABLE_REGIONS_PRE_OPERATION";
        PreMergeOperation = 3, "MERGE_TABLE_REGIONS_PRE_MERGE_OPERATION";
        CloseRegions = 4, "MERGE_TABLE_REGIONS_CLOSE_REGIONS";
        CreateMergedRegion = 5, "MERGE_TABLE_REGIONS_CREATE_MERGED_REGION";
        WriteMaxSequenceIdFile = 6, "MERGE_TABLE_REGIONS_WRITE_MAX_SEQUENCE_ID_FILE";
        PreMergeCommitOperation = 7, "MERGE_TABLE_REGIONS_PRE_MERGE_COMMIT_OPERATION";
        UpdateMeta = 8, "MERGE_TABLE_REGIONS_UPDATE_META";
        PostMergeCommitOperation = 9, "MERGE_TABLE_REGIONS_POST_MERGE_COMMIT_OPERATION";
        OpenMergedRegion = 10, "MERGE_TABLE_REGIONS_OPEN_MERGED_REGION";
        PostOperation = 11, "MERGE_TABLE_REGIONS_POST_OPERATION";
        CheckClosedRegions = 12, "MERGE_TABLE_REGIONS_CHECK_CLOSED_REGIONS";
    }
}

/// Regions that become one.
#[derive(Debug)]
pub struct MergeRegions {
    user: ProcedureUser,
    /// At least two, in the order of their keys.
    parents: Vec<RegionInfo>,
    merged: RegionInfo,
    forcible: bool,
    /// Where the first of them was; it is forgotten with them. Not stored.
    server: Option<ServerName>,
}

impl MergeRegions {
    /// What becomes of the regions.
    pub fn merged(&self) -> &RegionInfo {
        &self.merged
    }

    fn table(&self) -> &TableName {
        self.merged.table()
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.parents.iter().map(|parent| parent.encoded_name().to_string()).collect();
        format!("[{}]", names.join(", "))
    }

    async fn prepare(&self, cx: &StepContext<'_, MasterEnv>) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let (env, names) = (cx.env(), self.names());
        let io = |message: String| Stop::from(JavaException::new(class::IO, message));
        let merge = |message: String| Stop::from(JavaException::new(class::MERGE_REGION, message));
        if common::is_being_modified(env, self.table(), cx.id()) {
            let table = self.table();
            return Err(io(format!(
                "Skip merging regions {names}, because there is an active procedure that is modifying the table {table}"
            )));
        }
        if !env.switches.is_on(Switch::Merge) {
            return Err(io(format!("Merge of {names} failed because merge switch is off")));
        }
        if !common::schema(env, self.table())?.is_merge_enabled() {
            return Err(io(format!("Merge of {names} failed as region merge is disabled for the table")));
        }
        for parent in &self.parents {
            let name = parent.encoded_name();
            if !merged_from(env, parent).await?.is_empty() {
                return Err(merge(format!(
                    "Skip merging {names}, because a parent, {name}, has a merge qualifier (if a 'merge column' in \
                     parent, it was recently merged but still has outstanding references to its parents that must be \
                     cleared before it can participate in merge -- major compact it to hurry clearing of its references)"
                )));
            }
            let gone = || format!("{name} UNKNOWN (Has it been garbage collected?)");
            let node = env.regions.get(name);
            let node = node.ok_or_else(|| JavaException::new(class::UNKNOWN_REGION, gone()))?;
            if !node.is_in(&[RegionState::Open, RegionState::Merging]) {
                return Err(merge(format!("Unable to merge regions that are NOT online: {parent}")));
            }
            match common::ask(env, &node, false).await {
                Ok(answer) if answer.mergeable() => {}
                Ok(_) => {
                    return Err(merge(format!(
                        "Skip merging {names}, because a parent, {name}, is not mergeable"
                    )));
                }
                Err(error) => return Err(io(format!("{name} NOT mergeable: {error}"))),
            }
        }
        for parent in &self.parents {
            env.regions.force_state(parent.encoded_name(), RegionState::Merging)?;
        }
        Ok(StateFlow::To(State::PreMergeOperation))
    }

    fn close(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let children = common::close_all(env, &self.parents, self.replicas(env)?)?;
        Ok(StateFlow::Children { children, then: Some(State::CheckClosedRegions) })
    }

    async fn check_closed(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        for parent in &self.parents {
            common::check_closed(env, parent).await?;
        }
        Ok(StateFlow::To(State::CreateMergedRegion))
    }

    async fn create_merged(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = common::schema(env, self.table())?;
        common::forget_replicas(env, &self.parents, schema.region_replication());
        env.files.merge_regions(&schema, &self.parents, &self.merged).await?;
        Ok(StateFlow::To(State::WriteMaxSequenceIdFile))
    }

    /// The merged region goes on above all of them, so that sequence ids only rise (danger 9).
    async fn write_sequence_id(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let mut highest = None;
        for parent in &self.parents {
            highest = highest.max(env.files.max_sequence_id(parent).await?);
        }
        if let Some(highest) = highest.filter(|seq| *seq > SeqNum(0)) {
            env.files.write_sequence_id(&self.merged, highest).await?;
        }
        Ok(StateFlow::To(State::PreMergeCommitOperation))
    }

    /// The point of no return: one change of all rows (danger 10).
    async fn update_meta(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = common::schema(env, self.table())?;
        let has_barriers = schema.has_global_replication_scope();
        let mut parents = Vec::with_capacity(self.parents.len());
        for parent in &self.parents {
            let barrier = if has_barriers { common::barrier_of(env, parent).await? } else { SeqNum::NONE };
            parents.push((parent.clone(), barrier.0));
        }
        self.server = self.parents.first().and_then(|first| common::place_of(env, first));
        let (replicas, delete_ms) = (schema.region_replication(), env.catalog.clock.delete_ms());
        // No server: it would say that the region is open there, before it is.
        let rows = meta::merge_regions(&self.merged, None, &parents, replicas, has_barriers, delete_ms);
        env.catalog.write_atomically(rows).await?;
        for parent in &self.parents {
            env.regions.remove(parent.encoded_name());
        }
        env.regions.load(RegionRecord::new(self.merged.clone(), RegionState::Closed));
        Ok(StateFlow::To(State::PostMergeCommitOperation))
    }

    fn open(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let merged = std::slice::from_ref(&self.merged);
        let children = common::open_all(env, merged, self.replicas(env)?, self.server.as_ref());
        Ok(match children.is_empty() {
            true => StateFlow::To(State::PostOperation),
            false => StateFlow::Children { children, then: Some(State::PostOperation) },
        })
    }

    fn replicas(&self, env: &MasterEnv) -> Result<u16, JavaException> {
        Ok(common::schema(env, self.table())?.region_replication())
    }

    async fn undo(&self, state: State, env: &MasterEnv) -> Result<(), JavaException> {
        let is_merging = |parent: &&RegionInfo| {
            env.regions.with(parent.encoded_name(), RegionNode::state) == Some(RegionState::Merging)
        };
        match state {
            State::Prepare => {
                for parent in self.parents.iter().filter(is_merging) {
                    let opened = env.regions.force_state(parent.encoded_name(), RegionState::Open);
                    opened.map_err(StepError::from)?;
                }
            }
            State::CloseRegions => {
                let closed: Vec<_> = self.parents.iter().filter(|p| !is_merging(p)).cloned().collect();
                for parent in closed {
                    let server = common::place_of(env, &parent);
                    let parent = std::slice::from_ref(&parent);
                    common::reopen_for_rollback(env, parent, self.replicas(env)?, server.as_ref()).await?;
                }
            }
            State::CreateMergedRegion | State::WriteMaxSequenceIdFile => {
                env.files.delete_new_region(&self.merged).await.map_err(StepError::from)?;
            }
            State::PreOperation
            | State::PreMergeOperation
            | State::CheckClosedRegions
            | State::PreMergeCommitOperation => {}
            State::UpdateMeta
            | State::PostMergeCommitOperation
            | State::OpenMergedRegion
            | State::PostOperation => {
                tracing::error!(region = %self.merged, state = ?state, "a merge that is done can't be undone");
            }
        }
        Ok(())
    }
}

/// The regions that a region was merged from, as long as their files are needed.
///
/// # Errors
/// When hbase:meta can't be read.
pub(crate) async fn merged_from(env: &MasterEnv, region: &RegionInfo) -> Result<Vec<RegionInfo>, StepError> {
    let cells = env.catalog.get(region.meta_row().as_bytes()).await?;
    let row = MetaReader::new().region_row(&cells);
    let corrupt = |error: MetaError| CatalogError::Corrupt {
        operation: "read what a region was merged from",
        reason: error.to_string(),
    };
    Ok(row.map_err(corrupt)?.map(|row| row.merged_from).unwrap_or_default())
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<MergeRegions, StateError> {
    let data: pb::MergeTableRegionsStateData = reader.read()?;
    let lacking = || StateError::Invalid("no merged region".into());
    Ok(MergeRegions {
        user: (&data.user_info).into(),
        parents: codec::regions(&data.region_info)?,
        merged: codec::region(data.merged_region_info.as_ref().ok_or_else(lacking)?)?,
        forcible: data.forcible(),
        server: None,
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for MergeRegions {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        let (table, names) = (self.table(), self.names());
        format!("MergeTableRegionsProcedure table={table}, regions={names}, force={}", self.forcible)
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        let all = self.parents.iter().chain([&self.merged]);
        LockRequest::regions(self.table(), all.map(RegionInfo::encoded_name))
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.table())
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
            State::Prepare => self.prepare(cx).await,
            // A state of early releases.
            State::PreOperation => Ok(StateFlow::To(State::PreMergeOperation)),
            State::PreMergeOperation => Ok(StateFlow::To(State::CloseRegions)),
            State::CloseRegions => self.close(env),
            State::CheckClosedRegions => self.check_closed(env).await,
            State::CreateMergedRegion => self.create_merged(env).await,
            State::WriteMaxSequenceIdFile => self.write_sequence_id(env).await,
            State::PreMergeCommitOperation => Ok(StateFlow::To(State::UpdateMeta)),
            State::UpdateMeta => self.update_meta(env).await,
            State::PostMergeCommitOperation => Ok(StateFlow::To(State::OpenMergedRegion)),
            State::OpenMergedRegion => self.open(env),
            State::PostOperation => Ok(StateFlow::End),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        !matches!(
            state,
            State::UpdateMeta
                | State::PostMergeCommitOperation
                | State::OpenMergedRegion
                | State::PostOperation
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
        vec![pb::Any::pack(&pb::MergeTableRegionsStateData {
            user_info: (&self.user).into(),
            region_info: self.parents.iter().map(Into::into).collect(),
            merged_region_info: Some((&self.merged).into()),
            forcible: Some(self.forcible),
        })]
    }
}
