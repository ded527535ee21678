//! Creates a namespace. Counterpart of `CreateNamespaceProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, NamespaceDescriptor, class};

use super::check_settings;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};
use crate::tables::Prepared;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.CreateNamespaceProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `CreateNamespaceState`.
    pub enum State {
        Prepare = 1, "CREATE_NAMESPACE_PREPARE";
        CreateDirectory = 2, "CREATE_NAMESPACE_CREATE_DIRECTORY";
        InsertIntoNsTable = 3, "CREATE_NAMESPACE_INSERT_INTO_NS_TABLE";
        UpdateZk = 4, "CREATE_NAMESPACE_UPDATE_ZK";
        SetNamespaceQuota = 5, "CREATE_NAMESPACE_SET_NAMESPACE_QUOTA";
    }
}

/// A namespace to be.
#[derive(Debug)]
pub struct CreateNamespace {
    namespace: NamespaceDescriptor,
    prepared: Prepared,
}

impl CreateNamespace {
    /// Creates `namespace`.
    pub fn procedure(namespace: NamespaceDescriptor, prepared: Prepared) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { namespace, prepared })
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        if env.namespaces.get(&self.namespace.name).is_some() {
            let message = format!("Namespace {} already exists", self.namespace.name);
            return Err(JavaException::new(class::NAMESPACE_EXIST, message));
        }
        check_settings(&self.namespace)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<CreateNamespace, StateError> {
    let data: pb::CreateNamespaceStateData = reader.read()?;
    let namespace = NamespaceDescriptor::try_from(&data.namespace_descriptor)
        .map_err(|error| StateError::Invalid(error.to_string()))?;
    Ok(CreateNamespace { namespace, prepared: Prepared::default() })
}

#[async_trait]
impl StateMachine<MasterEnv> for CreateNamespace {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("CreateNamespaceProcedure, namespace={}", self.namespace.name)
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        LockRequest::namespace_exclusive(&self.namespace.name)
    }

    fn priority(&self, _: State) -> Priority {
        Priority::SystemTable
    }

    /// `default` and `hbase` are made while the master starts.
    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        if self.namespace.is_reserved() { env.meta_wait() } else { env.initialized_wait() }
    }

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
                    StateFlow::To(State::CreateDirectory)
                }
                State::CreateDirectory => {
                    env.files.create_namespace(&self.namespace.name).await?;
                    StateFlow::To(State::InsertIntoNsTable)
                }
                State::InsertIntoNsTable => {
                    env.write_namespace(&self.namespace).await?;
                    StateFlow::To(State::UpdateZk)
                }
                State::UpdateZk => {
                    env.mirror_namespace(&self.namespace.name, Some(&self.namespace)).await?;
                    StateFlow::To(State::SetNamespaceQuota)
                }
                // Quotas are off; its settings are kept with the namespace.
                State::SetNamespaceQuota => StateFlow::End,
            })
        }
        .await;
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
        vec![pb::Any::pack(&pb::CreateNamespaceStateData { namespace_descriptor: (&self.namespace).into() })]
    }
}
