//! Changes a table's schema. Counterpart of `ModifyTableProcedure`.
//!
//! Regions take the new schema up one batch after the other. Families that went are archived only afterwards, and
//! replicas that are too many are closed before, so that nobody works with what is gone.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, RegionInfo, RegionState, TableDescriptor, TableName, TableState, class};

use super::Prepared;
use super::change;
use super::excess_replicas::CloseExcessReplicas;
use super::reopen::ReopenTableRegions;
use super::sanity;
use crate::assignment::RegionRecord;
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::snapshots::before;
use crate::step::{ProcedureUser, Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.ModifyTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ModifyTableState`.
    pub enum State {
        Prepare = 1, "MODIFY_TABLE_PREPARE";
        PreOperation = 2, "MODIFY_TABLE_PRE_OPERATION";
        UpdateTableDescriptor = 3, "MODIFY_TABLE_UPDATE_TABLE_DESCRIPTOR";
        RemoveReplicaColumn = 4, "MODIFY_TABLE_REMOVE_REPLICA_COLUMN";
        DeleteFsLayout = 5, "MODIFY_TABLE_DELETE_FS_LAYOUT";
        PostOperation = 6, "MODIFY_TABLE_POST_OPERATION";
        ReopenAllRegions = 7, "MODIFY_TABLE_REOPEN_ALL_REGIONS";
        CloseExcessReplicas = 8, "MODIFY_TABLE_CLOSE_EXCESS_REPLICAS";
        AssignNewReplicas = 9, "MODIFY_TABLE_ASSIGN_NEW_REPLICAS";
        SyncErasureCodingPolicy = 10, "MODIFY_TABLE_SYNC_ERASURE_CODING_POLICY";
        Snapshot = 11, "MODIFY_TABLE_SNAPSHOT";
    }
}

/// A table whose schema changes.
#[derive(Debug)]
pub struct ModifyTable {
    user: ProcedureUser,
    modified: TableDescriptor,
    /// What the client changed, or else what there was when the procedure began.
    unmodified: Option<TableDescriptor>,
    /// Whether the table's schema must still be `unmodified`.
    check_unmodified: bool,
    deletes_families: bool,
    reopens_regions: bool,
    /// Of the snapshot that was taken first, because families go.
    snapshot: Option<String>,
    prepared: Prepared,
}

impl ModifyTable {
    /// Changes a table's schema to `modified`, and has its regions reopened.
    pub fn procedure(
        user: ProcedureUser,
        modified: TableDescriptor,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self {
            user,
            modified,
            unmodified: None,
            check_unmodified: false,
            deletes_families: false,
            reopens_regions: true,
            snapshot: None,
            prepared,
        })
    }

    /// The same if the schema is still `unmodified` by then.
    pub fn from_unmodified(
        user: ProcedureUser,
        modified: TableDescriptor,
        unmodified: TableDescriptor,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let mut procedure = Self::procedure(user, modified, prepared);
        procedure.machine_mut().unmodified = Some(unmodified);
        procedure.machine_mut().check_unmodified = true;
        procedure
    }

    /// Changes the schema and leaves it to regions to take it up when they open next.
    pub fn without_reopening(
        user: ProcedureUser,
        modified: TableDescriptor,
        unmodified: Option<TableDescriptor>,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let mut procedure = Self::procedure(user, modified, prepared);
        procedure.machine_mut().unmodified = unmodified;
        procedure.machine_mut().reopens_regions = false;
        procedure
    }

    fn table(&self) -> &TableName {
        self.modified.name()
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        Ok(StateFlow::To(State::PreOperation))
    }

    fn check(&mut self, env: &MasterEnv) -> Result<(), JavaException> {
        let table = self.table().clone();
        let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        let Some(current) = env.schemas.get(&table) else {
            return Err(JavaException::new(class::TABLE_NOT_FOUND, table.as_str()));
        };
        change::check_meta(&self.modified)?;
        if self.modified.families().len() == 0 {
            return refuse(format!("Table {table} should have at least one column family."));
        }
        match &self.unmodified {
            Some(unmodified) if self.check_unmodified && *unmodified != *current => {
                let message = format!(
                    "Skipping modify table operation on table '{table}' as it has already been modified by some other \
                     concurrent operation, Please retry."
                );
                return Err(JavaException::new(class::CONCURRENT_TABLE_MODIFICATION, message));
            }
            _ => {}
        }
        if !self.reopens_regions {
            let old = self.unmodified.as_ref().unwrap_or(&current);
            change::check_without_reopening(old, &self.modified)?;
        }
        let is_disabled = !env.tables.is_in(&table, &[TableState::Enabled]);
        let tracker = env.options.filesystem.store_file_tracker.as_str();
        change::check_trackers(&current, &self.modified, tracker, is_disabled)?;
        change::check_supported(&current, &self.modified)?;
        sanity::check_tiers(&self.modified)?;
        self.deletes_families = !change::families_that_go(&current, &self.modified).is_empty();
        self.unmodified = Some((*current).clone());
        Ok(())
    }

    /// Replicas before and after.
    fn replicas(&self) -> (u16, u16) {
        let new = self.modified.region_replication();
        (self.unmodified.as_ref().map_or(new, TableDescriptor::region_replication), new)
    }

    fn close_excess_replicas(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let (old, new) = self.replicas();
        if new >= old || !self.is_enabled(env) {
            return StateFlow::To(State::UpdateTableDescriptor);
        }
        let close = CloseExcessReplicas::procedure(self.table().clone(), new);
        StateFlow::Children { children: vec![Box::new(close)], then: Some(State::UpdateTableDescriptor) }
    }

    async fn remove_replica_columns(&self, env: &MasterEnv) -> Result<(), StepError> {
        let (old, new) = self.replicas();
        if new >= old {
            return Ok(());
        }
        let delete_ms = env.catalog.clock.delete_ms();
        let nodes = env.regions.table_regions(self.table());
        let primaries = nodes.iter().filter(|node| node.info().is_default_replica());
        let rows = primaries.map(|node| meta::delete_replicas(node.info(), new..old, delete_ms));
        env.catalog.write(rows.collect()).await?;
        for node in nodes.iter().filter(|node| node.info().replica_id() >= new) {
            env.regions.remove(node.info().encoded_name());
        }
        Ok(())
    }

    fn reopen(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        if !self.is_enabled(env) {
            return StateFlow::To(State::AssignNewReplicas);
        }
        let reopen = ReopenTableRegions::procedure(self.table().clone(), Vec::new());
        StateFlow::Children { children: vec![Box::new(reopen)], then: Some(State::AssignNewReplicas) }
    }

    /// New replicas of all regions that there are by now; a split makes its daughters with as many as the schema says.
    fn assign_new_replicas(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let (old, new) = self.replicas();
        let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
        if new > old && self.is_enabled(env) {
            let nodes = env.regions.table_regions(self.table());
            let primaries = nodes.iter().filter(|node| node.info().is_default_replica() && !node.is_split());
            for region in primaries.flat_map(|node| (old..new).map(|id| node.info().with_replica(id))) {
                if !env.regions.has(region.encoded_name()) {
                    env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
                }
                match env.assign(&region, None, false) {
                    Ok(child) => children.push(Box::new(child)),
                    Err(error) => tracing::warn!(%region, %error, "left to the procedure that has it"),
                }
            }
        }
        let then = self.deletes_families.then_some(State::DeleteFsLayout);
        match (children.is_empty(), then) {
            (true, None) => StateFlow::End,
            (true, Some(then)) => StateFlow::To(then),
            (false, then) => StateFlow::Children { children, then },
        }
    }

    async fn archive_families(&self, env: &MasterEnv) -> Result<(), StepError> {
        let Some(unmodified) = &self.unmodified else { return Ok(()) };
        let nodes = env.regions.table_regions(self.table());
        let primaries = nodes
            .iter()
            .map(super::super::assignment::region_node::RegionNode::info)
            .filter(|region| region.is_default_replica());
        let regions: Vec<RegionInfo> = primaries.cloned().collect();
        for family in change::families_that_go(unmodified, &self.modified) {
            env.files.archive_family(&regions, &family).await?;
        }
        Ok(())
    }

    fn is_enabled(&self, env: &MasterEnv) -> bool {
        env.tables.is_in(self.table(), &[TableState::Enabled])
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<ModifyTable, StateError> {
    let data: pb::ModifyTableStateData = reader.read()?;
    Ok(ModifyTable {
        user: (&data.user_info).into(),
        modified: codec::schema(&data.modified_table_schema)?,
        unmodified: data.unmodified_table_schema.as_ref().map(codec::schema).transpose()?,
        check_unmodified: data.should_check_descriptor(),
        deletes_families: data.delete_column_family_in_modify,
        reopens_regions: data.reopen_regions.unwrap_or(true),
        snapshot: data.snapshot_name,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for ModifyTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("ModifyTableProcedure table={}", self.table())
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(self.table())
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
        let result: Result<_, Stop> = async {
            Ok(match state {
                State::Prepare => self.prepare(env)?,
                State::PreOperation if self.reopens_regions => {
                    let is_wanted = self.deletes_families && before::is_wanted(env);
                    StateFlow::To(if is_wanted { State::Snapshot } else { State::CloseExcessReplicas })
                }
                State::PreOperation => StateFlow::To(State::UpdateTableDescriptor),
                State::Snapshot => {
                    let (name, child) = before::take(env, self.table())?;
                    self.snapshot = Some(name);
                    StateFlow::Children { children: vec![child], then: Some(State::CloseExcessReplicas) }
                }
                State::CloseExcessReplicas => self.close_excess_replicas(env),
                State::UpdateTableDescriptor => {
                    env.update_schema(&self.modified).await?;
                    StateFlow::To(match self.reopens_regions {
                        true => State::RemoveReplicaColumn,
                        false => State::PostOperation,
                    })
                }
                State::RemoveReplicaColumn => {
                    self.remove_replica_columns(env).await?;
                    StateFlow::To(State::PostOperation)
                }
                State::PostOperation if self.reopens_regions => StateFlow::To(State::ReopenAllRegions),
                State::PostOperation => StateFlow::End,
                State::ReopenAllRegions => self.reopen(env),
                State::AssignNewReplicas => self.assign_new_replicas(env),
                State::DeleteFsLayout => {
                    self.archive_families(env).await?;
                    StateFlow::End
                }
                // A Java master was about to set a policy on the table's folder. The schema has it, the folder hasn't.
                State::SyncErasureCodingPolicy => {
                    tracing::error!(table = %self.table(), "the erasure coding policy isn't set on the table's folder");
                    StateFlow::End
                }
            })
        }
        .await;
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        matches!(state, State::Prepare | State::PreOperation | State::Snapshot | State::CloseExcessReplicas)
    }

    async fn rollback_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        if state == State::Snapshot {
            before::discard(cx.env(), self.snapshot.as_deref()).await;
        }
        Ok(()) // nothing else was done but checks, and replicas that were closed open with the next enable
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::ModifyTableStateData {
            user_info: (&self.user).into(),
            unmodified_table_schema: self.unmodified.as_ref().map(Into::into),
            modified_table_schema: (&self.modified).into(),
            delete_column_family_in_modify: self.deletes_families,
            should_check_descriptor: Some(self.check_unmodified),
            reopen_regions: Some(self.reopens_regions),
            snapshot_name: self.snapshot.clone(),
        })]
    }
}
