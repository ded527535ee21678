//! Disables a table. Counterpart of `DisableTableProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{JavaException, SeqNum, TableName, TableState, class};

use super::Prepared;
use super::close_regions::CloseTableRegions;
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::step::{ProcedureUser, Stop, settle, table_procedure};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.DisableTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `DisableTableState`.
    pub enum State {
        Prepare = 1, "DISABLE_TABLE_PREPARE";
        PreOperation = 2, "DISABLE_TABLE_PRE_OPERATION";
        SetDisablingTableState = 3, "DISABLE_TABLE_SET_DISABLING_TABLE_STATE";
        MarkRegionsOffline = 4, "DISABLE_TABLE_MARK_REGIONS_OFFLINE";
        SetDisabledTableState = 5, "DISABLE_TABLE_SET_DISABLED_TABLE_STATE";
        PostOperation = 6, "DISABLE_TABLE_POST_OPERATION";
        AddReplicationBarrier = 7, "DISABLE_TABLE_ADD_REPLICATION_BARRIER";
    }
}

/// A table that goes offline.
#[derive(Debug)]
pub struct DisableTable {
    user: ProcedureUser,
    table: TableName,
    /// Set by procedures that have looked at the table's state themselves.
    skip_state_check: bool,
    prepared: Prepared,
}

impl DisableTable {
    /// Disables `table`.
    pub fn procedure(
        user: ProcedureUser,
        table: TableName,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { user, table, skip_state_check: false, prepared })
    }

    /// Disables a table to the end that was being disabled by a procedure which is lost.
    pub fn resume(table: TableName) -> StateMachineProcedure<Self> {
        let mut procedure = Self::procedure(ProcedureUser::master(), table, Prepared::default());
        procedure.machine_mut().skip_state_check = true;
        procedure
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        if self.table.is_meta() {
            return Err(JavaException::new(class::CONSTRAINT, format!("Cannot disable {}", self.table)));
        }
        match env.tables.get(&self.table) {
            None => Err(JavaException::new(class::TABLE_NOT_FOUND, self.table.as_str())),
            Some(TableState::Enabled) => Ok(()),
            Some(_) if self.skip_state_check => Ok(()),
            Some(state) => {
                let message = format!("tableName={}, state={state}", self.table);
                Err(JavaException::new(class::TABLE_NOT_ENABLED, message))
            }
        }
    }

    /// Where edits of a replicated table end for now, so that their order can be told later.
    async fn add_barriers(&self, env: &MasterEnv) -> Result<(), StepError> {
        let replicated =
            env.schemas.get(&self.table).is_some_and(|schema| schema.has_global_replication_scope());
        if !replicated {
            return Ok(());
        }
        let mut rows = Vec::new();
        for node in env.regions.table_regions(&self.table) {
            let highest = env.files.max_sequence_id(node.info()).await?.filter(|seq| *seq > SeqNum(0));
            let barrier = highest.map_or(SeqNum::NONE, |seq| SeqNum(seq.0 + 1));
            rows.push(meta::put_barrier(node.info(), barrier.0, env.catalog.clock.now_ms()));
        }
        Ok(env.catalog.write(rows).await?)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<DisableTable, StateError> {
    let data: pb::DisableTableStateData = reader.read()?;
    Ok(DisableTable {
        user: (&data.user_info).into(),
        table: codec::table(&data.table_name)?,
        skip_state_check: data.skip_table_state_check,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for DisableTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    table_procedure!(first: State::Prepare, lock: table_exclusive);

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result: Result<_, Stop> = async {
            Ok(match state {
                State::Prepare => {
                    let checked = self.check(env);
                    self.prepared.tell(&checked);
                    checked?;
                    StateFlow::To(State::PreOperation)
                }
                State::PreOperation => StateFlow::To(State::SetDisablingTableState),
                State::SetDisablingTableState => {
                    env.set_table_state(&self.table, TableState::Disabling).await?;
                    StateFlow::To(State::MarkRegionsOffline)
                }
                State::MarkRegionsOffline => StateFlow::Children {
                    children: vec![Box::new(CloseTableRegions::procedure(self.table.clone()))],
                    then: Some(State::AddReplicationBarrier),
                },
                State::AddReplicationBarrier => {
                    self.add_barriers(env).await?;
                    StateFlow::To(State::SetDisabledTableState)
                }
                State::SetDisabledTableState => {
                    env.set_table_state(&self.table, TableState::Disabled).await?;
                    StateFlow::To(State::PostOperation)
                }
                State::PostOperation => StateFlow::End,
            })
        }
        .await;
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        matches!(state, State::Prepare | State::PreOperation)
    }

    async fn rollback_state(
        &mut self,
        _: State,
        _: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        Ok(()) // nothing was done but checks
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::DisableTableStateData {
            user_info: (&self.user).into(),
            table_name: (&self.table).into(),
            skip_table_state_check: self.skip_state_check,
        })]
    }
}
