//! Has one region server split one WAL, and waits for its report. Counterpart of `SplitWALRemoteProcedure` and
//! `ServerRemoteProcedure`.
//!
//! Differs from Java in that it ends after one attempt, however that went: whoever asked looks whether the WAL is still
//! there, and chooses another server if it is.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_procedure::{
    Flow, HookContext, Priority, Procedure, Reaction, StateError, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_protocol::pb::ServerRemoteProcedureState as State;
use hmaster_types::{JavaException, ServerName, class};
use prost::Message as _;

use super::split_wal::{name, priority};
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Message;
use crate::remote::RemoteOperation;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.SplitWALRemoteProcedure";
/// The callable on the region server.
const CALLABLE: &str = "org.apache.hadoop.hbase.regionserver.SplitWALCallable";

/// One attempt.
#[derive(Debug)]
pub struct SplitWalRemote {
    path: String,
    crashed_server: ServerName,
    worker: ServerName,
    state: State,
    error: Option<JavaException>,
}

impl SplitWalRemote {
    /// Has `worker` split the WAL at `path`.
    pub fn new(path: String, crashed_server: ServerName, worker: ServerName) -> Self {
        Self { path, crashed_server, worker, state: State::ServerRemoteProcedureDispatch, error: None }
    }

    fn dispatch(&self, cx: &StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        let parameter = pb::SplitWalParameter { wal_path: self.path.clone() };
        let operation =
            RemoteOperation::Procedure { class: CALLABLE, data: Bytes::from(parameter.encode_to_vec()) };
        match cx.env().dispatcher.add(&self.worker, cx.id(), operation) {
            Ok(()) => Flow::Suspend,
            Err(not_online) => {
                tracing::info!(pid = %cx.id(), wal = %self.path, %not_online, "not dispatched");
                Flow::Done
            }
        }
    }

    /// The WAL was split; it goes into the archive, by which whoever asked sees that it is done.
    async fn archive(&self, env: &MasterEnv) {
        if let Err(error) = env.files.archive_wal(&self.path).await {
            tracing::warn!(wal = %self.path, %error, "split but not archived, it will be split again");
        }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<SplitWalRemote, StateError> {
    let data: pb::SplitWalRemoteData = reader.read()?;
    Ok(SplitWalRemote {
        crashed_server: codec::server(&data.crashed_server)?,
        worker: codec::server(&data.worker)?,
        state: data.state.map_or(State::ServerRemoteProcedureDispatch, |_| data.state()),
        error: data.error.as_ref().map(JavaException::from),
        path: data.wal_path,
    })
}

#[async_trait]
impl Procedure<MasterEnv> for SplitWalRemote {
    fn class_name(&self) -> &str {
        CLASS
    }

    fn details(&self) -> String {
        format!("SplitWALRemoteProcedure {}, worker={}", name(&self.path), self.worker)
    }

    fn priority(&self) -> Priority {
        priority(&self.path)
    }

    async fn execute(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        match self.state {
            State::ServerRemoteProcedureDispatch => return self.dispatch(cx),
            State::ServerRemoteProcedureReportSucceed => self.archive(cx.env()).await,
            State::ServerRemoteProcedureDispatchFail
            | State::ServerRemoteProcedureReportFailed
            | State::ServerRemoteProcedureServerCrash => {
                let error = self.error.as_ref().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(pid = %cx.id(), wal = %self.path, worker = %self.worker, %error, "not split");
            }
        }
        Flow::Done
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _: &mut StepContext<'_, MasterEnv>) -> Result<(), JavaException> {
        Ok(())
    }

    fn on_message(&mut self, cx: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        if self.state != State::ServerRemoteProcedureDispatch {
            return Reaction::ignore();
        }
        (self.state, self.error) = match message {
            Message::RemoteDone { result: Ok(_) } => (State::ServerRemoteProcedureReportSucceed, None),
            Message::RemoteDone { result: Err(error) } => {
                (State::ServerRemoteProcedureReportFailed, Some(error))
            }
            Message::NotDispatched { reason } => {
                let error = JavaException::new(class::DO_NOT_RETRY_IO, reason);
                (State::ServerRemoteProcedureDispatchFail, Some(error))
            }
            Message::Transition { .. } | Message::ServerCrashed { .. } | Message::LockHeartbeat { .. } => {
                return Reaction::ignore();
            }
        };
        cx.env().dispatcher.reported(&self.worker, cx.id());
        Reaction::wake().persist()
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::SplitWalRemoteData {
            wal_path: self.path.clone(),
            crashed_server: (&self.crashed_server).into(),
            worker: (&self.worker).into(),
            state: Some(self.state.into()),
            error: self.error.as_ref().map(|error| pb::ForeignExceptionMessage::new(None, error)),
        })]
    }
}
