//! Deletes an empty namespace. Counterpart of `DeleteNamespaceProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, NamespaceDescriptor, class};

use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};
use crate::tables::Prepared;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.DeleteNamespaceProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `DeleteNamespaceState`.
    pub enum State {
        Prepare = 1, "DELETE_NAMESPACE_PREPARE";
        DeleteFromNsTable = 2, "DELETE_NAMESPACE_DELETE_FROM_NS_TABLE";
        RemoveFromZk = 3, "DELETE_NAMESPACE_REMOVE_FROM_ZK";
        DeleteDirectories = 4, "DELETE_NAMESPACE_DELETE_DIRECTORIES";
        RemoveNamespaceQuota = 5, "DELETE_NAMESPACE_REMOVE_NAMESPACE_QUOTA";
    }
}

/// A namespace that goes.
#[derive(Debug)]
pub struct DeleteNamespace {
    name: String,
    /// As it was.
    before: Option<NamespaceDescriptor>,
    prepared: Prepared,
}

impl DeleteNamespace {
    /// Deletes the namespace `name`.
    pub fn procedure(name: String, prepared: Prepared) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { name, before: None, prepared })
    }

    fn check(&mut self, env: &MasterEnv) -> Result<(), JavaException> {
        let namespace = env.namespaces.require(&self.name)?;
        if namespace.is_reserved() {
            let message = format!("Reserved namespace {} cannot be removed.", self.name);
            return Err(JavaException::new(class::CONSTRAINT, message));
        }
        let tables = env.tables.all().iter().filter(|(table, _)| table.namespace() == self.name).count();
        if tables > 0 {
            let message =
                format!("Only empty namespaces can be removed. Namespace {} has {tables} tables", self.name);
            return Err(JavaException::new(class::CONSTRAINT, message));
        }
        self.before = Some(namespace);
        Ok(())
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<DeleteNamespace, StateError> {
    let data: pb::DeleteNamespaceStateData = reader.read()?;
    let before = data.namespace_descriptor.as_ref().map(NamespaceDescriptor::try_from).transpose();
    let before = before.map_err(|error| StateError::Invalid(error.to_string()))?;
    Ok(DeleteNamespace { name: data.namespace_name, before, prepared: Prepared::default() })
}

#[async_trait]
impl StateMachine<MasterEnv> for DeleteNamespace {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("DeleteNamespaceProcedure, namespace={}", self.name)
    }

    fn initial_state(&self) -> State {
        State::Prepare
    }

    fn locks(&self) -> LockRequest {
        LockRequest::namespace_exclusive(&self.name)
    }

    fn priority(&self, _: State) -> Priority {
        Priority::SystemTable
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
        let result: Result<_, Stop> = async {
            Ok(match state {
                State::Prepare => {
                    let checked = self.check(env);
                    self.prepared.tell(&checked);
                    checked?;
                    StateFlow::To(State::DeleteFromNsTable)
                }
                State::DeleteFromNsTable => {
                    env.erase_namespace(&self.name).await?;
                    StateFlow::To(State::RemoveFromZk)
                }
                State::RemoveFromZk => {
                    env.mirror_namespace(&self.name, None).await?;
                    StateFlow::To(State::DeleteDirectories)
                }
                State::DeleteDirectories => {
                    env.files.delete_namespace(&self.name).await?;
                    StateFlow::To(State::RemoveNamespaceQuota)
                }
                // Quotas are off, so there are none.
                State::RemoveNamespaceQuota => StateFlow::End,
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
        vec![pb::Any::pack(&pb::DeleteNamespaceStateData {
            namespace_name: self.name.clone(),
            namespace_descriptor: self.before.as_ref().map(Into::into),
        })]
    }
}
