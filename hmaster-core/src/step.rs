//! What tables', namespaces' and other procedures have in common.

use hmaster_procedure::{StateFlow, StepContext};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use crate::assignment::RegionError;
use crate::environment::MasterEnv;
use crate::error::StepError;

/// On whose behalf a procedure runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureUser(pub String);

impl ProcedureUser {
    /// The master itself.
    pub fn master() -> Self {
        Self("hbase".into())
    }
}

impl From<&ProcedureUser> for pb::UserInformation {
    fn from(user: &ProcedureUser) -> Self {
        Self { effective_user: user.0.clone(), real_user: None }
    }
}

impl From<&pb::UserInformation> for ProcedureUser {
    fn from(user: &pb::UserInformation) -> Self {
        Self(user.effective_user.clone())
    }
}

/// Why a step doesn't go on: because it must not, or because it can't yet.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The request is refused, or what it asks for is impossible.
    Refused(JavaException),
    /// Something it needs didn't work.
    Failed(StepError),
}

impl From<JavaException> for Stop {
    fn from(exception: JavaException) -> Self {
        Self::Refused(exception)
    }
}

impl<E: Into<StepError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What comes after a step: as long as nothing was changed yet the procedure fails; afterwards it can only go on, so it
/// tries again until it can.
pub(crate) fn settle<S: hmaster_procedure::MachineState>(
    result: Result<StateFlow<MasterEnv, S>, Stop>,
    state: S,
    can_roll_back: bool,
    cx: &StepContext<'_, MasterEnv>,
) -> StateFlow<MasterEnv, S> {
    match result {
        Ok(flow) => flow,
        Err(Stop::Refused(exception)) if can_roll_back => StateFlow::Fail(exception),
        Err(Stop::Failed(error)) if can_roll_back => StateFlow::Fail(error.into()),
        Err(stop) => {
            tracing::warn!(pid = %cx.id(), state = state.name(), ?stop, "trying again later");
            StateFlow::RetryLater
        }
    }
}

impl From<StepError> for JavaException {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Region(RegionError::Unknown(_)) => Self::new(class::UNKNOWN_REGION, error.to_string()),
            StepError::Region(_) => Self::new(class::DO_NOT_RETRY_REGION, error.to_string()),
            StepError::Catalog(_)
            | StepError::Files(_)
            | StepError::Store(_)
            | StepError::ZooKeeper(_)
            | StepError::Remote(_) => Self::new(class::IO, error.to_string()),
        }
    }
}

/// What procedures of a `table` answer alike: what they are called in lists, where they begin, which lock they need, how
/// urgent they are, and that the master must be initialized. Stands in an `impl StateMachine`, beside what differs.
macro_rules! table_procedure {
    (first: $first:expr, lock: $lock:ident) => {
        fn details(&self) -> String {
            format!("{} table={}", hmaster_procedure::simple_class_name(self.class_name()), self.table)
        }

        fn initial_state(&self) -> Self::State {
            $first
        }

        fn locks(&self) -> hmaster_procedure::LockRequest {
            hmaster_procedure::LockRequest::$lock(&self.table)
        }

        fn priority(&self, _: Self::State) -> hmaster_procedure::Priority {
            hmaster_procedure::Priority::of_table(&self.table)
        }

        fn wait_before(&self, env: &MasterEnv) -> Option<$crate::message::Event> {
            env.initialized_wait()
        }
    };
}
pub(crate) use table_procedure;
