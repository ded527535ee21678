//! Empties a disabled table. Counterpart of `TruncateTableProcedure`.
//!
//! The table gets new regions, which have nothing to do with the old ones: neither their files nor edits in WALs can come
//! back.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, RegionInfo, RegionState, TableDescriptor, TableName, TableState, class};

use super::Prepared;
use super::create::{round_robin, with_replicas};
use super::delete::{check_modifiable, delete_from_meta, forget_table};
use crate::assignment::RegionRecord;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::snapshots::before;
use crate::step::{ProcedureUser, Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.TruncateTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `TruncateTableState`.
    pub enum State {
        PreOperation = 1, "TRUNCATE_TABLE_PRE_OPERATION";
        RemoveFromMeta = 2, "TRUNCATE_TABLE_REMOVE_FROM_META";
        ClearFsLayout = 3, "TRUNCATE_TABLE_CLEAR_FS_LAYOUT";
        CreateFsLayout = 4, "TRUNCATE_TABLE_CREATE_FS_LAYOUT";
        AddToMeta = 5, "TRUNCATE_TABLE_ADD_TO_META";
        AssignRegions = 6, "TRUNCATE_TABLE_ASSIGN_REGIONS";
        PostOperation = 7, "TRUNCATE_TABLE_POST_OPERATION";
        Snapshot = 8, "TRUNCATE_TABLE_SNAPSHOT";
    }
}

/// A table that is emptied.
#[derive(Debug)]
pub struct TruncateTable {
    user: ProcedureUser,
    table: TableName,
    preserve_splits: bool,
    /// The table's schema, kept because its file goes with the table's folder.
    schema: Option<TableDescriptor>,
    /// The old regions at first, and then the new ones. They are chosen, and stored, before anything is made of them.
    regions: Vec<RegionInfo>,
    /// Of the snapshot that was taken first.
    snapshot: Option<String>,
    prepared: Prepared,
}

impl TruncateTable {
    /// Empties `table`, and keeps its regions' bounds if `preserve_splits`.
    pub fn procedure(
        user: ProcedureUser,
        table: TableName,
        preserve_splits: bool,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let (schema, regions, snapshot) = (None, Vec::new(), None);
        StateMachineProcedure::new(Self { user, table, preserve_splits, schema, regions, snapshot, prepared })
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        let nodes = env.regions.table_regions(&self.table);
        if nodes.iter().any(|node| node.owner().is_some()) {
            return Ok(StateFlow::RetryLater);
        }
        let kept = nodes.iter().filter(|node| node.info().is_default_replica() && !node.is_split());
        self.regions = kept.map(|node| node.info().clone()).collect();
        self.schema = env.schemas.get(&self.table).map(|schema| (*schema).clone());
        Ok(StateFlow::To(if before::is_wanted(env) { State::Snapshot } else { State::ClearFsLayout }))
    }

    /// A snapshot first, under another name with each attempt.
    fn take_snapshot(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let (name, child) = before::take(env, &self.table)?;
        self.snapshot = Some(name);
        Ok(StateFlow::Children { children: vec![child], then: Some(State::ClearFsLayout) })
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        if self.table.is_meta() {
            return Err(JavaException::new(class::IO, "Can't modify catalog tables"));
        }
        check_modifiable(env, &self.table)?;
        if env.schemas.get(&self.table).is_none() {
            return refuse(format!("The schema of {} can't be read", self.table));
        }
        Ok(())
    }

    async fn clear_files(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.files.clear_table(&self.table, &[]).await?;
        let newest = env.regions.table_regions(&self.table);
        let newest = newest.iter().map(|node| node.info().region_id()).max().unwrap_or(0);
        let id = env.clock.now_ms().max(newest + 1);
        self.regions = new_regions(&self.table, &self.regions, self.preserve_splits, id);
        Ok(StateFlow::To(State::RemoveFromMeta))
    }

    /// The new regions were chosen by now, so only what hbase:meta and memory have of the old ones goes.
    async fn remove_from_meta(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let nodes = env.regions.table_regions(&self.table);
        let old: Vec<_> = nodes.iter().map(|node| node.info().clone()).collect();
        delete_from_meta(env, &self.table, &old).await?;
        forget_table(env, &self.table).await?;
        Ok(StateFlow::To(State::CreateFsLayout))
    }

    /// What else has a folder there is taken away first.
    async fn create_files(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = self.schema()?;
        env.files.clear_table(&self.table, &self.regions).await?;
        env.files.create_table(schema, &self.regions).await?;
        env.schemas.insert(schema.clone());
        Ok(StateFlow::To(State::AddToMeta))
    }

    async fn add_to_meta(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let replicas = self.schema()?.region_replication();
        let now_ms = env.catalog.clock.now_ms();
        self.regions.retain(RegionInfo::is_default_replica);
        let rows = self.regions.iter().map(|region| meta::add_region(region, replicas, now_ms));
        env.catalog.write(rows.collect()).await?;
        self.regions = with_replicas(&self.regions, replicas);
        Ok(StateFlow::To(State::AssignRegions))
    }

    async fn assign(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.set_table_state(&self.table, TableState::Enabling).await?;
        for region in self.regions.iter().filter(|region| !env.regions.has(region.encoded_name())) {
            env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
        }
        let children = round_robin(env, &self.regions).await?;
        Ok(match children.is_empty() {
            true => StateFlow::To(State::PostOperation),
            false => StateFlow::Children { children, then: Some(State::PostOperation) },
        })
    }

    fn schema(&self) -> Result<&TableDescriptor, JavaException> {
        let lost =
            || JavaException::new(class::ILLEGAL_STATE, format!("the schema of {} is lost", self.table));
        self.schema.as_ref().ok_or_else(lost)
    }
}

/// Regions with new names: one, or one within the bounds of each old one.
fn new_regions(table: &TableName, old: &[RegionInfo], preserve_splits: bool, id: u64) -> Vec<RegionInfo> {
    let new = || RegionInfo::builder(table.clone()).region_id(id);
    if !preserve_splits {
        return vec![new().build()];
    }
    old.iter().map(|old| new().start_key(old.start_key()).end_key(old.end_key()).build()).collect()
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<TruncateTable, StateError> {
    let data: pb::TruncateTableStateData = reader.read()?;
    let schema = data.table_schema.as_ref().map(codec::schema).transpose()?;
    let named = data.table_name.as_ref().map(codec::table).transpose()?;
    let table = schema.as_ref().map(|schema| schema.name().clone()).or(named);
    Ok(TruncateTable {
        user: (&data.user_info).into(),
        table: table.ok_or_else(|| StateError::Invalid("neither a table nor a schema".into()))?,
        preserve_splits: data.preserve_splits,
        schema,
        regions: codec::regions(&data.region_info)?,
        snapshot: data.snapshot_name,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for TruncateTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("TruncateTableProcedure (table={} preserveSplits={})", self.table, self.preserve_splits)
    }

    fn initial_state(&self) -> State {
        State::PreOperation
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(&self.table)
    }

    fn holds_lock(&self) -> bool {
        true
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
            State::PreOperation => self.prepare(env),
            State::Snapshot => self.take_snapshot(env),
            State::ClearFsLayout => self.clear_files(env).await,
            State::RemoveFromMeta => self.remove_from_meta(env).await,
            State::CreateFsLayout => self.create_files(env).await,
            State::AddToMeta => self.add_to_meta(env).await,
            State::AssignRegions => self.assign(env).await,
            State::PostOperation => {
                let enabled = env.set_table_state(&self.table, TableState::Enabled).await;
                enabled.map(|()| StateFlow::End).map_err(Stop::from)
            }
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        matches!(state, State::PreOperation | State::Snapshot)
    }

    async fn rollback_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        if state == State::Snapshot {
            before::discard(cx.env(), self.snapshot.as_deref()).await;
        }
        Ok(()) // nothing else was done but checks
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::TruncateTableStateData {
            user_info: (&self.user).into(),
            preserve_splits: self.preserve_splits,
            table_name: self.schema.is_none().then(|| (&self.table).into()),
            table_schema: self.schema.as_ref().map(Into::into),
            region_info: self.regions.iter().map(Into::into).collect(),
            snapshot_name: self.snapshot.clone(),
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_or_dropped_and_names_are_new() {
        let table: TableName = "t".parse().unwrap();
        let old = |start: &str, end: &str| {
            let builder = RegionInfo::builder(table.clone()).region_id(4);
            builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
        };
        let old = [old("", "m"), old("m", "")];
        let bounds = |regions: &[RegionInfo]| -> Vec<_> {
            regions.iter().map(|region| (region.start_key().to_vec(), region.end_key().to_vec())).collect()
        };
        let kept = new_regions(&table, &old, true, 9);
        assert_eq!(bounds(&kept), bounds(&old));
        assert!(kept.iter().all(|region| region.region_id() == 9));
        assert_eq!(bounds(&new_regions(&table, &old, false, 9)), [(Vec::new(), Vec::new())]);
    }
}
