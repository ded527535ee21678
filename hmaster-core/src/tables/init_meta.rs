//! Makes hbase:meta in a new cluster. Counterpart of `InitMetaProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{RegionInfo, RegionState, TableName};

use crate::assignment::RegionRecord;
use crate::environment::MasterEnv;
use crate::step::{Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.InitMetaProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `InitMetaState`.
    pub enum State {
        WriteFsLayout = 1, "INIT_META_WRITE_FS_LAYOUT";
        AssignMeta = 2, "INIT_META_ASSIGN_META";
    }
}

/// A new cluster's first act.
#[derive(Debug, Default)]
pub struct InitMeta;

impl InitMeta {
    /// Makes hbase:meta and has it opened.
    pub fn procedure() -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing.
pub fn decode(reader: &mut StateReader<'_>) -> Result<InitMeta, StateError> {
    let pb::InitMetaStateData {} = reader.read()?;
    Ok(InitMeta)
}

#[async_trait]
impl StateMachine<MasterEnv> for InitMeta {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        "InitMetaProcedure table=hbase:meta".into()
    }

    fn initial_state(&self) -> State {
        State::WriteFsLayout
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(&TableName::meta())
    }

    fn priority(&self, _: State) -> Priority {
        Priority::Meta
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result: Result<_, Stop> = async {
            Ok(match state {
                State::WriteFsLayout => {
                    env.schemas.insert(env.files.bootstrap_meta().await?);
                    StateFlow::To(State::AssignMeta)
                }
                State::AssignMeta => {
                    let meta = RegionInfo::meta();
                    if env.regions.get(meta.encoded_name()).is_none() {
                        env.regions.load(RegionRecord::new(meta.clone(), RegionState::Offline));
                    }
                    match env.assign(&meta, None, false) {
                        Ok(child) => StateFlow::Children { children: vec![Box::new(child)], then: None },
                        // The step runs again after a crash, and its child with it.
                        Err(error) => {
                            tracing::info!(%error, "hbase:meta is being assigned");
                            StateFlow::End
                        }
                    }
                }
            })
        }
        .await;
        settle(result, state, false, cx)
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::InitMetaStateData {})]
    }

    fn waits_for_client_ack(&self) -> bool {
        false
    }
}
