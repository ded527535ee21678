//! Closes the replicas of a table's regions that are too many. Counterpart of `CloseExcessRegionReplicasProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{RegionState, TableName};

use crate::assignment::RegionNode;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.CloseExcessRegionReplicasProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `CloseExcessRegionReplicasProcedureState`.
    pub enum State {
        Schedule = 1, "CLOSE_EXCESS_REGION_REPLICAS_SCHEDULE";
        Confirm = 2, "CLOSE_EXCESS_REGION_REPLICAS_CONFIRM";
    }
}

/// A table that is to have fewer replicas.
#[derive(Debug)]
pub struct CloseExcessReplicas {
    table: TableName,
    /// How many stay.
    replicas: u16,
}

/// Nothing is open in these states. A replica has no edits to be replayed, so it may be closed abnormally.
const CLOSED: [RegionState; 4] =
    [RegionState::Offline, RegionState::Closed, RegionState::AbnormallyClosed, RegionState::Split];

impl CloseExcessReplicas {
    /// Closes all but the first `replicas` replicas of the regions of `table`.
    pub fn procedure(table: TableName, replicas: u16) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { table, replicas })
    }

    fn excess(&self, env: &MasterEnv) -> Vec<RegionNode> {
        let mut nodes = env.regions.table_regions(&self.table);
        nodes.retain(|node| node.info().replica_id() >= self.replicas);
        nodes.retain(|node| node.owner().is_some() || !node.is_in(&CLOSED));
        nodes
    }

    fn schedule(&self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let excess = self.excess(env);
        let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
        for node in &excess {
            match env.unassign(node.info()) {
                Ok(child) => children.push(Box::new(child)),
                Err(error) => tracing::debug!(%error, "waiting for the replica"),
            }
        }
        match (excess.is_empty(), children.is_empty()) {
            (true, _) => StateFlow::To(State::Confirm),
            (false, true) => StateFlow::RetryLater,
            (false, false) => StateFlow::Children { children, then: Some(State::Confirm) },
        }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<CloseExcessReplicas, StateError> {
    let data: pb::CloseExcessRegionReplicasProcedureStateData = reader.read()?;
    let replicas = u16::try_from(data.new_replica_count);
    let replicas =
        replicas.map_err(|_| StateError::Invalid(format!("{} replicas", data.new_replica_count)))?;
    Ok(CloseExcessReplicas { table: codec::table(&data.table_name)?, replicas })
}

#[async_trait]
impl StateMachine<MasterEnv> for CloseExcessReplicas {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("CloseExcessRegionReplicasProcedure table={}, replicas={}", self.table, self.replicas)
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
            State::Confirm if self.excess(cx.env()).is_empty() => StateFlow::End,
            State::Confirm => StateFlow::To(State::Schedule),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::CloseExcessRegionReplicasProcedureStateData {
            table_name: (&self.table).into(),
            new_replica_count: self.replicas.into(),
        })]
    }
}
