//! Has one region opened or closed by one server, and waits for its report. Counterpart of `RegionRemoteProcedureBase`,
//! `OpenRegionProcedure` and `CloseRegionProcedure`.
//!
//! A report is stored before the region server gets its answer, because it forgets the region then (danger 4); only
//! afterwards is it written to hbase:meta.

mod codec;

use async_trait::async_trait;
use hmaster_procedure::{Flow, HookContext, Priority, Procedure, Reaction, StepContext};
use hmaster_protocol::pb;
use hmaster_protocol::pb::RegionRemoteProcedureBaseState as State;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{JavaException, RegionInfo, SeqNum, ServerName, class};

use crate::environment::{Bug, MasterEnv};
use crate::error::StepError;
use crate::message::{Event, Message};
use crate::remote::{Doubtful, RemoteOperation};

pub use codec::{decode_close, decode_open};

/// The Java class that opens.
pub const OPEN_CLASS: &str = "org.apache.hadoop.hbase.master.assignment.OpenRegionProcedure";
/// The Java class that closes.
pub const CLOSE_CLASS: &str = "org.apache.hadoop.hbase.master.assignment.CloseRegionProcedure";

/// What an open and a close have in common.
#[derive(Debug, Clone)]
pub struct RegionRemote {
    region: RegionInfo,
    server: ServerName,
    state: State,
    /// What the server reported, with the sequence number.
    report: Option<(TransitionCode, SeqNum)>,
    /// Whether the command may have reached the server. Not stored: one that was loaded may have been sent by the master
    /// before this one.
    doubt: Doubt,
    /// The command is to be sent again, after a while.
    again: bool,
    /// Its server is being asked for the region.
    is_looked_after: bool,
}

/// What is known of a command's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It wasn't sent.
    No,
    /// This master has sent it, and knows how that went.
    Sent,
    /// Another master may have sent it.
    Inherited,
}

/// Has a region opened.
#[derive(Debug, Clone)]
pub struct OpenRegion(RegionRemote);

/// Has a region closed.
#[derive(Debug, Clone)]
pub struct CloseRegion {
    remote: RegionRemote,
    /// Where the region will go, a hint for clients.
    destination: Option<ServerName>,
    evict_cache: bool,
}

impl OpenRegion {
    /// Opens `region` on `server`.
    pub fn new(region: RegionInfo, server: ServerName) -> Self {
        Self(RegionRemote::new(region, server))
    }
}

impl CloseRegion {
    /// Closes `region` on `server`, from where it may go to `destination`.
    pub fn new(
        region: RegionInfo,
        server: ServerName,
        destination: Option<ServerName>,
        evict_cache: bool,
    ) -> Self {
        Self { remote: RegionRemote::new(region, server), destination, evict_cache }
    }
}

impl RegionRemote {
    fn new(region: RegionInfo, server: ServerName) -> Self {
        let state = State::RegionRemoteProcedureDispatch;
        Self { region, server, state, report: None, doubt: Doubt::No, again: false, is_looked_after: false }
    }

    fn details(&self, class: &str) -> String {
        format!("{class} {}, server={}", self.region.encoded_name(), self.server)
    }

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        if self.region.is_meta() { None } else { env.meta_wait() }
    }

    async fn execute(
        &mut self,
        cx: &mut StepContext<'_, MasterEnv>,
        operation: RemoteOperation,
    ) -> Flow<MasterEnv> {
        let env = cx.env();
        let region = self.region.encoded_name();
        let _guard = env.region_locks.lock(region).await;
        let result = match self.state {
            State::RegionRemoteProcedureDispatch => return self.dispatch(cx, operation),
            State::RegionRemoteProcedureReportSucceed => self.record_report(env).await,
            State::RegionRemoteProcedureServerCrash => self.record_crash(env).await,
            State::RegionRemoteProcedureDispatchFail => Ok(()),
        };
        match result {
            Ok(()) => {
                env.regions.detach_remote(region, cx.id());
                Flow::Done
            }
            Err(error) => {
                tracing::warn!(pid = %cx.id(), %region, %error, "trying again later");
                cx.retry_later()
            }
        }
    }

    /// The region must know who waits for the report before the command leaves.
    fn dispatch(
        &mut self,
        cx: &mut StepContext<'_, MasterEnv>,
        operation: RemoteOperation,
    ) -> Flow<MasterEnv> {
        let env = cx.env();
        let region = self.region.encoded_name();
        if let Err(error) = env.regions.attach_remote(region, cx.id()) {
            tracing::warn!(pid = %cx.id(), %error, "nothing to open or close");
            return Flow::Done;
        }
        if std::mem::take(&mut self.again) {
            return cx.retry_later();
        }
        if env.regions.doubtful_place(region).as_ref() == Some(&self.server) {
            return self.look_after(cx, operation);
        }
        match env.dispatcher.add(&self.server, cx.id(), operation) {
            Ok(()) => {
                self.doubt = if self.doubt == Doubt::Inherited { Doubt::Inherited } else { Doubt::Sent };
                Flow::Suspend
            }
            // The server may have opened the region and taken edits. Its recovery will tell, after its WALs are split
            // (danger 1).
            Err(_) if self.doubt != Doubt::No && self.may_be_there(env) => Flow::Suspend,
            Err(not_online) => {
                tracing::info!(pid = %cx.id(), %region, %not_online, "not dispatched");
                env.regions.detach_remote(region, cx.id());
                Flow::Done
            }
        }
    }

    /// The server may have done it already, by a command that is lost. Only one that may have been sent before, under this
    /// very id, is sent before the server has answered.
    fn look_after(&mut self, cx: &StepContext<'_, MasterEnv>, operation: RemoteOperation) -> Flow<MasterEnv> {
        let (id, server, region) = (cx.id(), self.server.clone(), self.region.clone());
        let dispatcher = &cx.env().dispatcher;
        let is_sent =
            self.doubt == Doubt::Inherited && dispatcher.add(&server, id, operation.clone()).is_ok();
        if !std::mem::replace(&mut self.is_looked_after, true) {
            dispatcher.look_after(Doubtful { id, server, region, operation, is_sent });
        }
        Flow::Suspend
    }

    /// Whether the region counts as being opened, open or being closed on the server.
    fn may_be_there(&self, env: &MasterEnv) -> bool {
        env.regions.may_be_open_on(self.region.encoded_name(), &self.server)
    }

    async fn record_report(&self, env: &MasterEnv) -> Result<(), StepError> {
        let region = self.region.encoded_name();
        let record = match self.report {
            Some((TransitionCode::Opened, open_seq_num)) => env.regions.opened(region, open_seq_num)?,
            Some((TransitionCode::Closed, _)) => env.regions.closed(region)?,
            // The region is nowhere; whoever wanted it open tries elsewhere.
            _ => {
                env.regions.settle(region);
                return Ok(());
            }
        };
        env.record_region(&record).await
    }

    async fn record_crash(&self, env: &MasterEnv) -> Result<(), StepError> {
        let record = env.regions.closed_abnormally(self.region.encoded_name())?;
        env.record_region(&record).await
    }

    fn on_message(
        &mut self,
        cx: &HookContext<'_, MasterEnv>,
        message: Message,
        may_report: &[TransitionCode],
    ) -> Reaction {
        match message {
            Message::Transition { server, code, open_seq_num } => {
                self.on_report(cx, &server, code, open_seq_num, may_report)
            }
            Message::NotDispatched { reason } if self.state == State::RegionRemoteProcedureDispatch => {
                tracing::info!(region = %self.region.encoded_name(), %reason, "not carried out");
                // Not stored: a next master may as well try the same server again.
                self.state = State::RegionRemoteProcedureDispatchFail;
                Reaction::wake()
            }
            Message::ServerCrashed { server, .. }
                if server == self.server && self.state != State::RegionRemoteProcedureServerCrash =>
            {
                // Even after a report: the region was open, and died with its server before hbase:meta said so.
                self.state = State::RegionRemoteProcedureServerCrash;
                Reaction::wake().persist()
            }
            Message::NotDispatched { .. }
            | Message::ServerCrashed { .. }
            | Message::RemoteDone { .. }
            | Message::LockHeartbeat { .. } => Reaction::ignore(),
        }
    }

    fn on_report(
        &mut self,
        cx: &HookContext<'_, MasterEnv>,
        server: &ServerName,
        code: TransitionCode,
        open_seq_num: SeqNum,
        may_report: &[TransitionCode],
    ) -> Reaction {
        if self.state != State::RegionRemoteProcedureDispatch {
            return Reaction::ignore(); // the same report once more
        }
        let complaint = if *server != self.server {
            Some(format!("Received report from {server}, expected {}", self.server))
        } else if !may_report.contains(&code) {
            Some(format!("Received report unexpected {} transition, {}", code.as_str_name(), self.region))
        } else if code == TransitionCode::Opened && open_seq_num < SeqNum(0) {
            Some(format!(
                "Received report unexpected OPENED transition openSeqNum={open_seq_num}, {}",
                self.region
            ))
        } else {
            None
        };
        if let Some(complaint) = complaint {
            return Reaction::ignore().reject(JavaException::new(class::UNEXPECTED_STATE, complaint));
        }
        self.state = State::RegionRemoteProcedureReportSucceed;
        self.report = Some((code, open_seq_num));
        match cx.env().has_bug(Bug::AcknowledgesEarly) {
            true => Reaction::wake(),
            false => Reaction::wake().persist(),
        }
    }
}

#[async_trait]
impl Procedure<MasterEnv> for OpenRegion {
    fn class_name(&self) -> &str {
        OPEN_CLASS
    }

    fn details(&self) -> String {
        self.0.details("OpenRegionProcedure")
    }

    fn priority(&self) -> Priority {
        Priority::of_table(self.0.region.table())
    }

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        self.0.wait_before(env)
    }

    async fn execute(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        let operation = RemoteOperation::Open { region: self.0.region.clone() };
        self.0.execute(cx, operation).await
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _: &mut StepContext<'_, MasterEnv>) -> Result<(), JavaException> {
        Ok(())
    }

    /// That this master couldn't give the command to the server proves nothing if another has tried, too: the region may
    /// be open there, and must not be opened elsewhere (danger 2).
    fn on_message(&mut self, cx: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        let is_waiting = self.0.state == State::RegionRemoteProcedureDispatch;
        if let Message::NotDispatched { reason } = &message
            && is_waiting
            && self.0.doubt == Doubt::Inherited
            // One whose server was asked in vain needs another id. It goes nowhere else, see `TransitRegionState::settle`.
            && !self.0.is_looked_after
        {
            tracing::info!(region = %self.0.region.encoded_name(), %reason, "not carried out now, but perhaps before");
            self.0.again = true;
            return Reaction::wake();
        }
        self.0.on_message(cx, message, &[TransitionCode::Opened, TransitionCode::FailedOpen])
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        codec::open_messages(self)
    }

    fn after_load(&mut self, cx: &HookContext<'_, MasterEnv>) {
        attach_loaded(&self.0, cx);
    }
}

#[async_trait]
impl Procedure<MasterEnv> for CloseRegion {
    fn class_name(&self) -> &str {
        CLOSE_CLASS
    }

    fn details(&self) -> String {
        self.remote.details("CloseRegionProcedure")
    }

    fn priority(&self) -> Priority {
        Priority::of_table(self.remote.region.table())
    }

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        self.remote.wait_before(env)
    }

    async fn execute(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        let operation = RemoteOperation::Close {
            region: self.remote.region.clone(),
            destination: self.destination.clone(),
            evict_cache: self.evict_cache,
        };
        self.remote.execute(cx, operation).await
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _: &mut StepContext<'_, MasterEnv>) -> Result<(), JavaException> {
        Ok(())
    }

    fn on_message(&mut self, cx: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        self.remote.on_message(cx, message, &[TransitionCode::Closed])
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        codec::close_messages(self)
    }

    fn after_load(&mut self, cx: &HookContext<'_, MasterEnv>) {
        attach_loaded(&self.remote, cx);
    }
}

/// Reports may come before the first step after a change of masters.
fn attach_loaded(remote: &RegionRemote, cx: &HookContext<'_, MasterEnv>) {
    let regions = &cx.env().regions;
    if let Some(parent) = cx.parent() {
        regions.attach_loaded(&remote.region, parent);
    }
    regions.attach_remote(remote.region.encoded_name(), cx.id()).unwrap_or(());
}
