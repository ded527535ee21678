//! Has all regions of a table flushed. Counterpart of `FlushTableProcedure`.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_procedure::{
    Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, TableName, TableState, class, to_string_binary};

use super::Prepared;
use crate::codec;
use crate::environment::MasterEnv;
use crate::regions::flush::FlushRegion;
use crate::step::{ProcedureUser, Stop, settle, table_procedure};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.FlushTableProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `FlushTableState`.
    pub enum State {
        Prepare = 1, "FLUSH_TABLE_PREPARE";
        FlushRegions = 2, "FLUSH_TABLE_FLUSH_REGIONS";
    }
}

/// A table that is flushed.
#[derive(Debug)]
pub struct FlushTable {
    table: TableName,
    /// Column families; none for all.
    families: Vec<Bytes>,
    prepared: Prepared,
}

impl FlushTable {
    /// Flushes these families of `table`, or all.
    pub fn procedure(
        _: ProcedureUser,
        table: TableName,
        families: Vec<Bytes>,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let families = families.into_iter().filter(|family| !family.is_empty()).collect();
        StateMachineProcedure::new(Self { table, families, prepared })
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        let Some(schema) = env.schemas.get(&self.table) else {
            return Err(JavaException::new(class::TABLE_NOT_FOUND, self.table.as_str()));
        };
        if !env.tables.is_in(&self.table, &[TableState::Enabled, TableState::Enabling]) {
            return Err(JavaException::new(class::TABLE_NOT_ENABLED, self.table.as_str()));
        }
        let missing = self.families.iter().filter(|family| schema.family(family).is_none());
        let missing: Vec<_> = missing.map(|family| to_string_binary(family)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Column families [{}] don't exist in table {}", missing.join(", "), self.table);
        Err(JavaException::new(class::NO_SUCH_COLUMN_FAMILY, message))
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        Ok(StateFlow::To(State::FlushRegions))
    }

    fn flush(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let nodes = env.regions.table_regions(&self.table);
        let primaries = nodes.iter().filter(|node| node.info().is_default_replica() && !node.is_split());
        let flush =
            |region| Box::new(FlushRegion::new(region, self.families.clone())) as Box<dyn Procedure<_>>;
        let children: Vec<_> = primaries.map(|node| flush(node.info().clone())).collect();
        match children.is_empty() {
            true => StateFlow::End,
            false => StateFlow::Children { children, then: None },
        }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<FlushTable, StateError> {
    let data: pb::FlushTableProcedureStateData = reader.read()?;
    let families = data.column_family.into_iter().filter(|family| !family.is_empty());
    Ok(FlushTable {
        table: codec::table(&data.table_name)?,
        families: families.collect(),
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for FlushTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    table_procedure!(first: State::Prepare, lock: table_shared);

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result = match state {
            State::Prepare => self.prepare(env),
            State::FlushRegions => Ok(self.flush(env)),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        state == State::Prepare
    }

    async fn rollback_state(
        &mut self,
        _: State,
        _: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        Ok(()) // nothing was done but checks
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::FlushTableProcedureStateData {
            table_name: (&self.table).into(),
            column_family: self.families.clone(),
        })]
    }
}
