//! Writes into a schema of an early release how its stores know their files. Counterpart of
//! `InitializeStoreFileTrackerProcedure`, which Java's `RollingUpgradeChore` submits.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, TableDescriptor, TableName, attribute};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};

/// The Java class.
pub const CLASS: &str =
    "org.apache.hadoop.hbase.regionserver.storefiletracker.InitializeStoreFileTrackerProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ModifyTableDescriptorState`.
    pub enum State {
        Prepare = 1, "MODIFY_TABLE_DESCRIPTOR_PREPARE";
        Update = 2, "MODIFY_TABLE_DESCRIPTOR_UPDATE";
    }
}

/// A table whose schema doesn't say.
#[derive(Debug)]
pub struct InitializeTracker {
    table: TableName,
    modified: Option<TableDescriptor>,
}

impl InitializeTracker {
    /// Writes the tracker of the settings into a table's schema, if that says none.
    pub fn procedure(table: TableName) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { table, modified: None })
    }

    fn prepare(&mut self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let schema = env.schemas.get(&self.table);
        let Some(schema) = schema.filter(|schema| schema.attribute(attribute::STORE_FILE_TRACKER).is_none())
        else {
            return StateFlow::End;
        };
        let tracker = env.options.filesystem.store_file_tracker.as_str();
        self.modified = Some(schema.to_builder().attribute(attribute::STORE_FILE_TRACKER, tracker).build());
        StateFlow::To(State::Update)
    }

    async fn update(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        if let Some(schema) = &self.modified {
            env.update_schema(schema).await?;
        }
        Ok(StateFlow::End)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<InitializeTracker, StateError> {
    let data: pb::ModifyTableDescriptorStateData = reader.read()?;
    Ok(InitializeTracker {
        table: codec::table(&data.table_name)?,
        modified: data.modified_table_schema.as_ref().map(codec::schema).transpose()?,
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for InitializeTracker {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("InitializeStoreFileTrackerProcedure table={}", self.table)
    }

    fn initial_state(&self) -> State {
        State::Prepare
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
            State::Prepare => Ok(self.prepare(env)),
            State::Update => self.update(env).await,
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
        Ok(())
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::ModifyTableDescriptorStateData {
            table_name: (&self.table).into(),
            modified_table_schema: self.modified.as_ref().map(Into::into),
        })]
    }
}
