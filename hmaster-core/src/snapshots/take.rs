//! Takes a snapshot of a table. Counterpart of `SnapshotProcedure`.
//!
//! As in Java, an error in any step makes it fail, and what was made is deleted: clients ask again.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_protocol::pb::snapshot_description::Type;
use hmaster_types::{
    ColumnFamilyDescriptor, JavaException, RegionInfo, RegionState, TableDescriptor, TableName, TableState,
    class,
};

use super::region::SnapshotRegion;
use super::verify::verify;
use super::{check_expiry, describe, table_of};
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.SnapshotProcedure";

/// A table's bound on the size of regions; a client may give one for the copy.
const MAX_FILESIZE: &str = "MAX_FILESIZE";
const IS_MOB: &str = "IS_MOB";
/// So many missing files are named in an error.
const NAMED_MAX: usize = 5;

/// A region is being divided or put together.
const CHANGING: [RegionState; 4] =
    [RegionState::Splitting, RegionState::SplittingNew, RegionState::Merging, RegionState::MergingNew];

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `SnapshotState`.
    pub enum State {
        Prepare = 1, "SNAPSHOT_PREPARE";
        PreOperation = 2, "SNAPSHOT_PRE_OPERATION";
        WriteInfo = 3, "SNAPSHOT_WRITE_SNAPSHOT_INFO";
        OnlineRegions = 4, "SNAPSHOT_SNAPSHOT_ONLINE_REGIONS";
        SplitRegions = 5, "SNAPSHOT_SNAPSHOT_SPLIT_REGIONS";
        ClosedRegions = 6, "SNAPSHOT_SNAPSHOT_CLOSED_REGIONS";
        MobRegion = 7, "SNAPSHOT_SNAPSHOT_MOB_REGION";
        Consolidate = 8, "SNAPSHOT_CONSOLIDATE_SNAPSHOT";
        Verify = 9, "SNAPSHOT_VERIFIER_SNAPSHOT";
        Complete = 10, "SNAPSHOT_COMPLETE_SNAPSHOT";
        PostOperation = 11, "SNAPSHOT_POST_OPERATION";
    }
}

/// A snapshot that is taken.
#[derive(Debug)]
pub struct TakeSnapshot {
    snapshot: pb::SnapshotDescription,
    table: TableName,
}

impl TakeSnapshot {
    /// Takes a snapshot that [`super::validate`] has completed. As in Java, nobody waits for its first step: the table's
    /// lock may be long in coming.
    ///
    /// # Errors
    /// When its table's name isn't one.
    pub fn procedure(
        snapshot: pb::SnapshotDescription,
    ) -> Result<StateMachineProcedure<Self>, JavaException> {
        let table = table_of(&snapshot)?;
        Ok(StateMachineProcedure::new(Self { snapshot, table }))
    }

    /// The schema that goes into the snapshot.
    fn schema(&self, env: &MasterEnv) -> Result<TableDescriptor, JavaException> {
        let schema = check_table(env, &self.table)?;
        let max = self.snapshot.max_file_size();
        match max > 0 && schema.attribute(MAX_FILESIZE).is_none() {
            true => Ok(schema.to_builder().attribute(MAX_FILESIZE, max.to_string()).build()),
            false => Ok((*schema).clone()),
        }
    }

    fn prepare(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        check_table(env, &self.table)?;
        let nodes = env.regions.table_regions(&self.table);
        match nodes.iter().any(|node| node.is_in(&CHANGING)) {
            true => Ok(StateFlow::RetryLater),
            false => Ok(StateFlow::To(State::PreOperation)),
        }
    }

    async fn write_info(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let next = match env.tables.get(&self.table) {
            Some(TableState::Enabled) => State::OnlineRegions,
            Some(TableState::Disabled) => {
                self.snapshot.r#type = Some(Type::Disabled.into());
                State::ClosedRegions
            }
            _ => return Err(refused("Table is not entirely open or closed".into()).into()),
        };
        env.files.write_snapshot_info(&self.snapshot).await?;
        Ok(StateFlow::To(next))
    }

    fn regions(&self, env: &MasterEnv) -> Vec<RegionInfo> {
        let nodes = env.regions.table_regions(&self.table);
        nodes.iter().map(|node| node.info().clone()).filter(RegionInfo::is_default_replica).collect()
    }

    fn online_regions(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let regions = self.regions(env).into_iter().filter(|region| !is_split(env, region));
        let list =
            |region| Box::new(SnapshotRegion::new(self.snapshot.clone(), region)) as Box<dyn Procedure<_>>;
        let children: Vec<_> = regions.map(list).collect();
        match children.is_empty() {
            true => StateFlow::To(State::SplitRegions),
            false => StateFlow::Children { children, then: Some(State::SplitRegions) },
        }
    }

    async fn closed_regions(
        &self,
        env: &MasterEnv,
        regions: Vec<RegionInfo>,
    ) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.files.snapshot_closed_regions(&self.snapshot.name, &self.schema(env)?, &regions).await?;
        Ok(StateFlow::To(State::MobRegion))
    }

    async fn verify(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        // Again, since another master may be at it by now.
        let manifest = env.files.consolidate_snapshot(&self.snapshot.name, &self.schema(env)?).await?;
        verify(&self.snapshot, &manifest, &self.regions(env))?;
        check_files(env, &manifest).await?;
        Ok(StateFlow::To(State::Complete))
    }

    async fn complete(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        check_expiry(env, &self.snapshot)?;
        env.files.complete_snapshot(&self.snapshot.name).await?;
        Ok(StateFlow::To(State::PostOperation))
    }
}

/// The schema of a table that a snapshot can be taken of.
///
/// # Errors
/// When there is no such table, or this master can't.
pub(crate) fn check_table(env: &MasterEnv, table: &TableName) -> Result<Arc<TableDescriptor>, JavaException> {
    let missing = || refused(format!("Table '{table}' doesn't exist, can't take snapshot."));
    let schema = env.schemas.get(table).ok_or_else(missing)?;
    match has_mob(&schema) {
        true => Err(refused(format!("{table} has MOB families: this master takes no snapshots of them"))),
        false => Ok(schema),
    }
}

/// Whether all files are there that a manifest lists, and as long as it says.
///
/// # Errors
/// When some aren't, or that can't be found out.
pub(crate) async fn check_files(
    env: &MasterEnv,
    manifest: &pb::SnapshotDataManifest,
) -> Result<(), JavaException> {
    let missing = env.files.missing_of_snapshot(manifest).await;
    let missing = missing.map_err(|error| JavaException::new(class::IO, error.to_string()))?;
    if missing.is_empty() {
        return Ok(());
    }
    let named = &missing[..missing.len().min(NAMED_MAX)];
    let message = format!("{} files are missing or damaged, such as {}", missing.len(), named.join(", "));
    Err(JavaException::new(class::CORRUPTED_SNAPSHOT, message))
}

/// Whether big values have files of their own.
pub(super) fn has_mob(schema: &TableDescriptor) -> bool {
    schema.families().any(is_mob)
}

fn refused(message: String) -> JavaException {
    JavaException::new(class::SNAPSHOT_CREATION, message)
}

fn is_mob(family: &ColumnFamilyDescriptor) -> bool {
    family.attributes().get(IS_MOB.as_bytes()).is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
}

fn is_split(env: &MasterEnv, region: &RegionInfo) -> bool {
    env.regions.with(region.encoded_name(), RegionNode::is_split).unwrap_or(false)
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<TakeSnapshot, StateError> {
    let data: pb::SnapshotProcedureStateData = reader.read()?;
    let table = table_of(&data.snapshot).map_err(|error| StateError::Invalid(error.to_string()))?;
    super::check_name(&data.snapshot.name).map_err(|error| StateError::Invalid(error.to_string()))?;
    Ok(TakeSnapshot { snapshot: data.snapshot, table })
}

#[async_trait]
impl StateMachine<MasterEnv> for TakeSnapshot {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("SnapshotProcedure, snapshot={}", describe(&self.snapshot))
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    /// Not while regions are flushed: they must be able to come back from a dead server meanwhile. That there is such a
    /// procedure keeps regions from being split or merged.
    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(&self.table)
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(&self.table)
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
            State::Prepare => self.prepare(env),
            State::PreOperation => {
                env.cleaners.interrupt();
                let begun = env.files.begin_snapshot(&self.snapshot.name).await;
                begun.map(|()| StateFlow::To(State::WriteInfo)).map_err(Stop::from)
            }
            State::WriteInfo => self.write_info(env).await,
            State::OnlineRegions => Ok(self.online_regions(env)),
            State::SplitRegions => {
                let split = self.regions(env).into_iter().filter(|region| is_split(env, region));
                self.closed_regions(env, split.collect()).await
            }
            State::ClosedRegions => self.closed_regions(env, self.regions(env)).await,
            // Such tables are refused when their schema is looked at.
            State::MobRegion => {
                self.schema(env).map(|_| StateFlow::To(State::Consolidate)).map_err(Stop::from)
            }
            State::Consolidate => match self.schema(env) {
                Ok(schema) => {
                    let done = env.files.consolidate_snapshot(&self.snapshot.name, &schema).await;
                    done.map(|_| StateFlow::To(State::Verify)).map_err(Stop::from)
                }
                Err(error) => Err(error.into()),
            },
            State::Verify => self.verify(env).await,
            State::Complete => self.complete(env).await,
            State::PostOperation => Ok(StateFlow::End),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        state != State::PostOperation
    }

    async fn rollback_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        if state == State::PreOperation {
            let discarded = cx.env().files.discard_snapshot(&self.snapshot.name).await;
            discarded.map_err(|error| JavaException::new(class::IO, error.to_string()))?;
        }
        Ok(())
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::SnapshotProcedureStateData { snapshot: self.snapshot.clone() })]
    }
}
