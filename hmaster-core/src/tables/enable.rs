//! Enables a table. Counterpart of `EnableTableProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionState, TableName, TableState, class};

use super::Prepared;
use super::create::with_replicas;
use crate::assignment::RegionRecord;
use crate::codec;
use crate::environment::MasterEnv;
use crate::step::{ProcedureUser, Stop, settle, table_procedure};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.EnableTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `EnableTableState`.
    pub enum State {
        Prepare = 1, "ENABLE_TABLE_PREPARE";
        PreOperation = 2, "ENABLE_TABLE_PRE_OPERATION";
        SetEnablingTableState = 3, "ENABLE_TABLE_SET_ENABLING_TABLE_STATE";
        MarkRegionsOnline = 4, "ENABLE_TABLE_MARK_REGIONS_ONLINE";
        SetEnabledTableState = 5, "ENABLE_TABLE_SET_ENABLED_TABLE_STATE";
        PostOperation = 6, "ENABLE_TABLE_POST_OPERATION";
    }
}

/// A table that comes online.
#[derive(Debug)]
pub struct EnableTable {
    user: ProcedureUser,
    table: TableName,
    /// Set by a start that finds the table half enabled.
    skip_state_check: bool,
    prepared: Prepared,
}

impl EnableTable {
    /// Enables `table`.
    pub fn procedure(
        user: ProcedureUser,
        table: TableName,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { user, table, skip_state_check: false, prepared })
    }

    /// Enables a table to the end that was being enabled by a procedure which is lost.
    pub fn resume(table: TableName) -> StateMachineProcedure<Self> {
        let mut procedure = Self::procedure(ProcedureUser::master(), table, Prepared::default());
        procedure.machine_mut().skip_state_check = true;
        procedure
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        match env.tables.get(&self.table) {
            None => Err(JavaException::new(class::TABLE_NOT_FOUND, self.table.as_str())),
            Some(TableState::Disabled) => Ok(()),
            Some(_) if self.skip_state_check => Ok(()),
            Some(state) => {
                let message = format!("tableName={}, state={state}", self.table);
                Err(JavaException::new(class::TABLE_NOT_DISABLED, message))
            }
        }
    }

    /// Regions go back to where they were; the number of replicas may have changed since.
    fn assign(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let replicas = env.schemas.get(&self.table).map_or(1, |schema| schema.region_replication());
        for node in env.regions.table_regions(&self.table) {
            if node.info().replica_id() >= replicas {
                env.regions.remove(node.info().encoded_name());
            }
        }
        let nodes = env.regions.table_regions(&self.table);
        let primaries = nodes.iter().filter(|node| node.info().is_default_replica() && !node.is_split());
        let primaries: Vec<_> = primaries.map(|node| node.info().clone()).collect();
        let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
        for region in with_replicas(&primaries, replicas) {
            if env.regions.get(region.encoded_name()).is_none() {
                env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
            }
            match env.assign(&region, None, false) {
                Ok(child) => children.push(Box::new(child)),
                Err(error) => tracing::warn!(%region, %error, "left to the procedure that has it"),
            }
        }
        StateFlow::Children { children, then: Some(State::SetEnabledTableState) }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<EnableTable, StateError> {
    let data: pb::EnableTableStateData = reader.read()?;
    Ok(EnableTable {
        user: (&data.user_info).into(),
        table: codec::table(&data.table_name)?,
        skip_state_check: data.skip_table_state_check,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for EnableTable {
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
                State::PreOperation => StateFlow::To(State::SetEnablingTableState),
                State::SetEnablingTableState => {
                    env.set_table_state(&self.table, TableState::Enabling).await?;
                    StateFlow::To(State::MarkRegionsOnline)
                }
                State::MarkRegionsOnline => self.assign(env),
                State::SetEnabledTableState => {
                    env.set_table_state(&self.table, TableState::Enabled).await?;
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
        vec![pb::Any::pack(&pb::EnableTableStateData {
            user_info: (&self.user).into(),
            table_name: (&self.table).into(),
            skip_table_state_check: self.skip_state_check,
        })]
    }
}
