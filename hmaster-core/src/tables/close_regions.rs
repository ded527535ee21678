//! Closes all regions of a table, until none is open. Counterpart of `CloseTableRegionsProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{RegionState, TableName};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.CloseTableRegionsProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `CloseTableRegionsProcedureState`.
    pub enum State {
        Schedule = 1, "CLOSE_TABLE_REGIONS_SCHEDULE";
        Confirm = 2, "CLOSE_TABLE_REGIONS_CONFIRM";
    }
}

/// A table whose regions close.
#[derive(Debug)]
pub struct CloseTableRegions {
    table: TableName,
}

/// Nothing is open in these states. A region that was closed abnormally isn't closed: its edits must be replayed first.
const CLOSED: [RegionState; 3] = [RegionState::Offline, RegionState::Closed, RegionState::Split];

impl CloseTableRegions {
    /// Closes all regions of `table`.
    pub fn procedure(table: TableName) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { table })
    }

    /// Regions that other procedures have in hand are waited for; what those do may be the opposite.
    fn schedule(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
        let mut in_transition = 0;
        for node in env.regions.table_regions(&self.table) {
            if node.owner().is_none() && node.is_in(&CLOSED) {
                continue;
            }
            match env.unassign(node.info()) {
                Ok(child) => children.push(Box::new(child)),
                Err(error) => {
                    tracing::debug!(%error, "waiting for the region");
                    in_transition += 1;
                }
            }
        }
        if children.is_empty() && in_transition > 0 {
            return StateFlow::RetryLater;
        }
        match children.is_empty() {
            true => StateFlow::To(State::Confirm),
            false => StateFlow::Children { children, then: Some(State::Confirm) },
        }
    }

    fn confirm(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let open = env.regions.table_regions(&self.table).iter().filter(|node| !node.is_in(&CLOSED)).count();
        if open == 0 { StateFlow::End } else { StateFlow::To(State::Schedule) }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<CloseTableRegions, StateError> {
    let data: pb::CloseTableRegionsProcedureStateData = reader.read()?;
    Ok(CloseTableRegions { table: codec::table(&data.table_name)? })
}

#[async_trait]
impl StateMachine<MasterEnv> for CloseTableRegions {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("CloseTableRegionsProcedure table={}", self.table)
    }

    fn initial_state(&self) -> State {
        State::Schedule
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_shared(&self.table)
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(&self.table)
    }

    /// Before hbase:meta is loaded the table seems to have no regions.
    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        env.meta_wait()
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        match state {
            State::Schedule => self.schedule(cx.env()),
            State::Confirm => self.confirm(cx.env()),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::CloseTableRegionsProcedureStateData { table_name: (&self.table).into() })]
    }
}
