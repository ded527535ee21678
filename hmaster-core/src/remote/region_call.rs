//! A callable run by the server that has a region open. Counterpart of what Java's `FlushRegionProcedure` and
//! `SnapshotRegionProcedure` each have of `RemoteProcedure`.

use bytes::Bytes;
use hmaster_procedure::{Flow, HookContext, Reaction, StepContext};
use hmaster_types::{RegionInfo, RegionState, ServerName};

use super::RemoteOperation;
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::message::Message;

/// How far a procedure is with its region's callable. Not stored: a next master has it run anew.
#[derive(Debug, Default)]
pub(crate) struct RegionCall {
    progress: Progress,
    /// How often a server said that it failed.
    pub(crate) failures: u32,
}

#[derive(Debug, Default)]
enum Progress {
    /// The server hasn't been asked, or not with success.
    #[default]
    Todo,
    /// It has been asked.
    Asked(ServerName),
    /// It couldn't.
    Failed,
    /// It is done.
    Done,
}

impl RegionCall {
    /// What the procedure does now if the server needn't be asked.
    pub(crate) fn next(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Option<Flow<MasterEnv>> {
        match self.progress {
            Progress::Done => Some(Flow::Done),
            Progress::Failed => {
                self.progress = Progress::Todo;
                Some(cx.retry_later())
            }
            // Woken without a report: ask again.
            Progress::Todo | Progress::Asked(_) => None,
        }
    }

    /// Has `server` run `class` with a parameter.
    pub(crate) fn dispatch(
        &mut self,
        cx: &mut StepContext<'_, MasterEnv>,
        server: ServerName,
        class: &'static str,
        parameter: &impl prost::Message,
    ) -> Flow<MasterEnv> {
        let operation = RemoteOperation::Procedure { class, data: Bytes::from(parameter.encode_to_vec()) };
        match cx.env().dispatcher.add(&server, cx.id(), operation) {
            Ok(()) => {
                self.progress = Progress::Asked(server);
                Flow::Suspend
            }
            // Its recovery moves the region.
            Err(_) => cx.retry_later(),
        }
    }

    /// Takes note of what the server, or the dispatcher, says.
    pub(crate) fn on_message(
        &mut self,
        cx: &HookContext<'_, MasterEnv>,
        region: &RegionInfo,
        message: Message,
    ) -> Reaction {
        let region = region.encoded_name();
        let progress = match message {
            Message::RemoteDone { result: Ok(_) } => Progress::Done,
            Message::RemoteDone { result: Err(error) } => {
                tracing::warn!(pid = %cx.id(), %region, %error, "the region server couldn't");
                self.failures += 1;
                Progress::Failed
            }
            Message::NotDispatched { reason } => {
                tracing::info!(pid = %cx.id(), %region, reason, "the region server wasn't reached");
                Progress::Failed
            }
            Message::Transition { .. } | Message::ServerCrashed { .. } | Message::LockHeartbeat { .. } => {
                return Reaction::ignore();
            }
        };
        if let Progress::Asked(server) = std::mem::replace(&mut self.progress, progress) {
            cx.env().dispatcher.reported(&server, cx.id());
        }
        Reaction::wake()
    }
}

/// The region, if it is open and nobody is about to move it.
pub(crate) fn open_region(env: &MasterEnv, region: &RegionInfo) -> Option<RegionNode> {
    let node = env.regions.get(region.encoded_name());
    node.filter(|node| node.state() == RegionState::Open && !node.is_in_transition())
}
