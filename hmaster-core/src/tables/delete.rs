//! Deletes a disabled table. Counterpart of `DeleteTableProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, RegionInfo, TableName, TableState, class};

use super::Prepared;
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::snapshots::before;
use crate::step::{ProcedureUser, Stop, settle, table_procedure};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.DeleteTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `DeleteTableState`.
    pub enum State {
        PreOperation = 1, "DELETE_TABLE_PRE_OPERATION";
        RemoveFromMeta = 2, "DELETE_TABLE_REMOVE_FROM_META";
        ClearFsLayout = 3, "DELETE_TABLE_CLEAR_FS_LAYOUT";
        UpdateDescCache = 4, "DELETE_TABLE_UPDATE_DESC_CACHE";
        UnassignRegions = 5, "DELETE_TABLE_UNASSIGN_REGIONS";
        PostOperation = 6, "DELETE_TABLE_POST_OPERATION";
        Snapshot = 7, "DELETE_TABLE_SNAPSHOT";
    }
}

/// A table that goes.
#[derive(Debug)]
pub struct DeleteTable {
    user: ProcedureUser,
    table: TableName,
    regions: Vec<RegionInfo>,
    /// Of the snapshot that was taken first.
    snapshot: Option<String>,
    prepared: Prepared,
}

impl DeleteTable {
    /// Deletes `table`.
    pub fn procedure(
        user: ProcedureUser,
        table: TableName,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { user, table, regions: Vec::new(), snapshot: None, prepared })
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = check_modifiable(env, &self.table);
        self.prepared.tell(&checked);
        checked?;
        let nodes = env.regions.table_regions(&self.table);
        if nodes.iter().any(|node| node.owner().is_some()) {
            return Ok(StateFlow::RetryLater);
        }
        self.regions = nodes.iter().map(|node| node.info().clone()).collect();
        Ok(StateFlow::To(if before::is_wanted(env) { State::Snapshot } else { State::ClearFsLayout }))
    }

    /// A snapshot first, under another name with each attempt.
    fn take_snapshot(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let (name, child) = before::take(env, &self.table)?;
        self.snapshot = Some(name);
        Ok(StateFlow::Children { children: vec![child], then: Some(State::ClearFsLayout) })
    }
}

/// A table can be deleted or truncated when it exists and is disabled. Counterpart of `checkTableModifiable`.
pub(crate) fn check_modifiable(env: &MasterEnv, table: &TableName) -> Result<(), JavaException> {
    match env.tables.get(table) {
        None => Err(JavaException::new(class::TABLE_NOT_FOUND, table.as_str())),
        Some(TableState::Disabled) => Ok(()),
        Some(state) => {
            let message = format!("Not DISABLED; tableName={table}, state={state}");
            Err(JavaException::new(class::TABLE_NOT_DISABLED, message))
        }
    }
}

/// Takes a table's regions out of hbase:meta, with whatever else is in its rows, and forgets up to where they were
/// flushed: a region of that name may come back with other edits (danger 7).
pub(crate) async fn delete_from_meta(
    env: &MasterEnv,
    table: &TableName,
    regions: &[RegionInfo],
) -> Result<(), StepError> {
    let (start, stop) = meta::table_rows(table);
    let delete_ms = env.catalog.clock.delete_ms();
    let mut rows = Vec::new();
    env.catalog
        .scan(&start, &stop, &[], |cells| {
            rows.extend(cells.first().map(|cell| meta::delete_row(cell.row(), delete_ms)));
            Ok(())
        })
        .await?;
    env.catalog.write(rows).await?;
    for region in regions {
        env.flushed.forget(region.encoded_name());
    }
    env.schemas.remove(table);
    Ok(())
}

/// Forgets a table's regions and its state.
pub(crate) async fn forget_table(env: &MasterEnv, table: &TableName) -> Result<(), StepError> {
    for node in env.regions.table_regions(table) {
        env.regions.remove(node.info().encoded_name());
    }
    env.delete_table_state(table).await
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<DeleteTable, StateError> {
    let data: pb::DeleteTableStateData = reader.read()?;
    Ok(DeleteTable {
        user: (&data.user_info).into(),
        table: codec::table(&data.table_name)?,
        regions: codec::regions(&data.region_info)?,
        snapshot: data.snapshot_name,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for DeleteTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    table_procedure!(first: State::PreOperation, lock: table_exclusive);

    fn holds_lock(&self) -> bool {
        true
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result: Result<_, Stop> = async {
            Ok(match state {
                State::PreOperation => self.prepare(env)?,
                State::Snapshot => self.take_snapshot(env)?,
                State::ClearFsLayout => {
                    env.files.delete_table(&self.table).await?;
                    StateFlow::To(State::RemoveFromMeta)
                }
                State::RemoveFromMeta => {
                    delete_from_meta(env, &self.table, &self.regions).await?;
                    self.regions.clear();
                    StateFlow::To(State::UnassignRegions)
                }
                State::UpdateDescCache => StateFlow::To(State::UnassignRegions),
                State::UnassignRegions => {
                    forget_table(env, &self.table).await?;
                    StateFlow::To(State::PostOperation)
                }
                State::PostOperation => StateFlow::End,
            })
        }
        .await;
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
        vec![pb::Any::pack(&pb::DeleteTableStateData {
            user_info: (&self.user).into(),
            table_name: (&self.table).into(),
            region_info: self.regions.iter().map(Into::into).collect(),
            snapshot_name: self.snapshot.clone(),
        })]
    }
}
