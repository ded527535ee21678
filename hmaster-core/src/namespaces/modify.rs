//! Changes a namespace's settings. Counterpart of `ModifyNamespaceProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, NamespaceDescriptor};

use super::check_settings;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{Stop, settle};
use crate::tables::Prepared;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.ModifyNamespaceProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ModifyNamespaceState`.
    pub enum State {
        Prepare = 1, "MODIFY_NAMESPACE_PREPARE";
        UpdateNsTable = 2, "MODIFY_NAMESPACE_UPDATE_NS_TABLE";
        UpdateZk = 3, "MODIFY_NAMESPACE_UPDATE_ZK";
    }
}

/// A namespace's new settings.
#[derive(Debug)]
pub struct ModifyNamespace {
    namespace: NamespaceDescriptor,
    /// As it was.
    before: Option<NamespaceDescriptor>,
    prepared: Prepared,
}

impl ModifyNamespace {
    /// Gives the namespace of that name the settings of `namespace`.
    pub fn procedure(namespace: NamespaceDescriptor, prepared: Prepared) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { namespace, before: None, prepared })
    }

    fn check(&mut self, env: &MasterEnv) -> Result<(), JavaException> {
        self.before = Some(env.namespaces.require(&self.namespace.name)?);
        check_settings(&self.namespace)
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<ModifyNamespace, StateError> {
    let data: pb::ModifyNamespaceStateData = reader.read()?;
    let namespace = |message: &pb::NamespaceDescriptor| {
        NamespaceDescriptor::try_from(message).map_err(|error| StateError::Invalid(error.to_string()))
    };
    Ok(ModifyNamespace {
        namespace: namespace(&data.namespace_descriptor)?,
        before: data.unmodified_namespace_descriptor.as_ref().map(namespace).transpose()?,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for ModifyNamespace {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("ModifyNamespaceProcedure, namespace={}", self.namespace.name)
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
                    StateFlow::To(State::UpdateNsTable)
                }
                State::UpdateNsTable => {
                    env.write_namespace(&self.namespace).await?;
                    StateFlow::To(State::UpdateZk)
                }
                State::UpdateZk => {
                    env.mirror_namespace(&self.namespace.name, Some(&self.namespace)).await?;
                    StateFlow::End
                }
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
        vec![pb::Any::pack(&pb::ModifyNamespaceStateData {
            namespace_descriptor: (&self.namespace).into(),
            unmodified_namespace_descriptor: self.before.as_ref().map(Into::into),
        })]
    }
}
