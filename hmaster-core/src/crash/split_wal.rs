//! Has one WAL of a dead server split. Counterpart of `SplitWALProcedure`.
//!
//! Differs from Java in that a WAL whose split failed is tried again after a growing wait instead of at once.

use async_trait::async_trait;
use hmaster_procedure::{
    HookContext, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::ServerName;

use super::split_wal_remote::SplitWalRemote;
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.SplitWALProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `SplitWALState`.
    pub enum State {
        AcquireSplitWalWorker = 1, "ACQUIRE_SPLIT_WAL_WORKER";
        DispatchWalToWorker = 2, "DISPATCH_WAL_TO_WORKER";
        ReleaseSplitWorker = 3, "RELEASE_SPLIT_WORKER";
    }
}

/// One WAL.
#[derive(Debug)]
pub struct SplitWal {
    /// As region servers understand it.
    path: String,
    crashed_server: ServerName,
    worker: Option<ServerName>,
    /// Splits that failed in this master's life.
    failed: u32,
}

impl SplitWal {
    /// Splits the WAL at `path` of `crashed_server`.
    pub fn procedure(path: String, crashed_server: ServerName) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { path, crashed_server, worker: None, failed: 0 })
    }

    fn acquire(&mut self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let acquire = || env.split_workers.acquire(&online(env), &env.chance);
        self.worker = acquire().or_else(|| {
            env.set_condition(Event::SplitWorkerFree, false);
            // A place may have come free before the event was cleared.
            acquire()
        });
        match self.worker {
            Some(_) => StateFlow::To(State::DispatchWalToWorker),
            None => StateFlow::Wait { event: Event::SplitWorkerFree, then: None },
        }
    }

    fn dispatch(&self) -> StateFlow<MasterEnv, State> {
        let Some(worker) = &self.worker else { return StateFlow::To(State::AcquireSplitWalWorker) };
        let remote = SplitWalRemote::new(self.path.clone(), self.crashed_server.clone(), worker.clone());
        StateFlow::Children { children: vec![Box::new(remote)], then: Some(State::ReleaseSplitWorker) }
    }

    /// A WAL that is gone was split and archived.
    async fn release(
        &mut self,
        cx: &StepContext<'_, MasterEnv>,
    ) -> Result<StateFlow<MasterEnv, State>, StepError> {
        let env = cx.env();
        let exists = env.files.wal_exists(&self.path).await?;
        if let Some(worker) = self.worker.take() {
            env.split_workers.release(&worker);
            env.set_condition(Event::SplitWorkerFree, true);
        }
        if !exists {
            return Ok(StateFlow::End);
        }
        self.failed += 1;
        let (pause, longest) = (env.options.procedures.retry_pause, env.options.procedures.retry_pause_max);
        let duration = pause.saturating_mul(1 << self.failed.min(20)).min(longest);
        tracing::warn!(wal = %self.path, failed = self.failed, "not split yet, trying again");
        Ok(match self.failed {
            1 => StateFlow::To(State::AcquireSplitWalWorker),
            _ => StateFlow::Sleep { duration, durable: false, then: Some(State::AcquireSplitWalWorker) },
        })
    }
}

fn online(env: &MasterEnv) -> Vec<ServerName> {
    env.servers
        .online()
        .into_iter()
        .filter(|(_, online)| online.is_assignable)
        .map(|(server, _)| server)
        .collect()
}

/// A WAL of hbase:meta keeps everything else waiting.
pub(super) fn priority(path: &str) -> Priority {
    if path.ends_with(".meta") { Priority::Meta } else { Priority::Server }
}

/// The WAL's own name, for logs.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<SplitWal, StateError> {
    let data: pb::SplitWalData = reader.read()?;
    Ok(SplitWal {
        crashed_server: codec::server(&data.crashed_server)?,
        worker: data.worker.as_ref().map(codec::server).transpose()?,
        path: data.wal_path,
        failed: 0,
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for SplitWal {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        let worker = self.worker.as_ref().map(|worker| format!(", worker={worker}")).unwrap_or_default();
        format!("SplitWALProcedure {}{worker}", name(&self.path))
    }

    fn initial_state(&self) -> State {
        State::AcquireSplitWalWorker
    }

    fn priority(&self, _: State) -> Priority {
        priority(&self.path)
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        match state {
            State::AcquireSplitWalWorker => self.acquire(cx.env()),
            State::DispatchWalToWorker => self.dispatch(),
            State::ReleaseSplitWorker => self.release(cx).await.unwrap_or_else(|error| {
                tracing::warn!(pid = %cx.id(), wal = %self.path, %error, "trying again later");
                StateFlow::RetryLater
            }),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::SplitWalData {
            wal_path: self.path.clone(),
            crashed_server: (&self.crashed_server).into(),
            worker: self.worker.as_ref().map(Into::into),
        })]
    }

    fn after_load(&mut self, cx: &HookContext<'_, MasterEnv>) {
        if let Some(worker) = &self.worker {
            cx.env().split_workers.add_used(worker);
        }
    }
}
