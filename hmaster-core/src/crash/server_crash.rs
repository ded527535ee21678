//! Recovers a dead server. Counterpart of `ServerCrashProcedure`.
//!
//! The order is what keeps edits: the WAL folder is renamed, which fences the server; the WALs are listed and split;
//! only then are regions opened elsewhere (danger 1). WALs of hbase:meta go first, then hbase:meta itself, because
//! everything else is recorded there.
//!
//! Differs from Java in that regions that came to the server after the list of its regions was made are found, too.

mod assign;
mod by_order;
mod codec;

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateFlow, StateMachine, StateMachineProcedure, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{RegionInfo, ServerName};

use super::split_wal::SplitWal;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::ports::files::WalKind;

pub use codec::{decode, decode_by_order};

/// The Java class of a recovery that an operator has ordered.
pub const BY_ORDER_CLASS: &str = "org.apache.hadoop.hbase.master.procedure.HBCKServerCrashProcedure";
/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.ServerCrashProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ServerCrashState`.
    pub enum State {
        Start = 1, "SERVER_CRASH_START";
        GetRegions = 3, "SERVER_CRASH_GET_REGIONS";
        SplitLogs = 5, "SERVER_CRASH_SPLIT_LOGS";
        Assign = 8, "SERVER_CRASH_ASSIGN";
        SplitMetaLogs = 10, "SERVER_CRASH_SPLIT_META_LOGS";
        AssignMeta = 11, "SERVER_CRASH_ASSIGN_META";
        DeleteSplitMetaWalsDir = 12, "SERVER_CRASH_DELETE_SPLIT_META_WALS_DIR";
        DeleteSplitWalsDir = 13, "SERVER_CRASH_DELETE_SPLIT_WALS_DIR";
        ClaimReplicationQueues = 14, "SERVER_CRASH_CLAIM_REPLICATION_QUEUES";
        HandleRit2 = 20, "SERVER_CRASH_HANDLE_RIT2";
        Finish = 100, "SERVER_CRASH_FINISH";
    }
}

/// One server's recovery.
#[derive(Debug)]
pub struct ServerCrash {
    server: ServerName,
    carrying_meta: bool,
    should_split_wal: bool,
    /// The regions that were on the server when its recovery began.
    regions: Vec<RegionInfo>,
    /// Whether an operator has ordered it: then hbase:meta is searched for the server, too.
    by_order: bool,
}

impl ServerCrash {
    /// The recovery of `server`, which is on the list of the dead.
    pub fn procedure(server: ServerName, carrying_meta: bool) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self {
            server,
            carrying_meta,
            should_split_wal: true,
            regions: Vec::new(),
            by_order: false,
        })
    }

    /// The recovery of a server at an operator's word. Counterpart of `HBCKServerCrashProcedure`.
    pub fn by_order(server: ServerName, carrying_meta: bool) -> StateMachineProcedure<Self> {
        let mut procedure = Self::procedure(server, carrying_meta);
        procedure.machine_mut().by_order = true;
        procedure
    }

    /// Whose recovery it is.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// Whether hbase:meta was on the server.
    pub(super) fn is_carrying_meta(&self) -> bool {
        self.carrying_meta
    }

    /// One procedure for each WAL. The folder is renamed first, so that the list is complete.
    async fn split(
        &self,
        env: &MasterEnv,
        kind: WalKind,
        then: State,
    ) -> Result<StateFlow<MasterEnv, State>, StepError> {
        env.files.fence_wals(&self.server).await?;
        let wals = env.files.wals_to_split(&self.server, kind).await?;
        tracing::info!(server = %self.server, ?kind, wals = wals.len(), "splitting WALs");
        if wals.is_empty() {
            return Ok(StateFlow::To(then));
        }
        let child =
            |wal| Box::new(SplitWal::procedure(wal, self.server.clone())) as Box<dyn Procedure<MasterEnv>>;
        Ok(StateFlow::Children { children: wals.into_iter().map(child).collect(), then: Some(then) })
    }

    async fn is_split(&self, env: &MasterEnv, kind: WalKind) -> Result<bool, StepError> {
        Ok(env.files.wals_to_split(&self.server, kind).await?.is_empty())
    }

    async fn delete_folder(&self, env: &MasterEnv) {
        let deleted = async {
            if !self.carrying_meta {
                env.files.archive_meta_wals(&self.server).await?;
            }
            env.files.delete_wal_folder(&self.server).await
        };
        // An empty folder does no harm, and the next master looks into it again.
        if let Err(error) = deleted.await {
            tracing::warn!(server = %self.server, %error, "the folder of WALs stays");
        }
    }

    async fn step(
        &mut self,
        state: State,
        cx: &StepContext<'_, MasterEnv>,
    ) -> Result<StateFlow<MasterEnv, State>, StepError> {
        let env = cx.env();
        Ok(match state {
            State::Start if self.carrying_meta => StateFlow::To(State::SplitMetaLogs),
            State::Start => StateFlow::To(State::GetRegions),
            State::SplitMetaLogs => self.split(env, WalKind::Meta, State::DeleteSplitMetaWalsDir).await?,
            State::DeleteSplitMetaWalsDir if self.is_split(env, WalKind::Meta).await? => {
                StateFlow::To(State::AssignMeta)
            }
            State::DeleteSplitMetaWalsDir => StateFlow::To(State::SplitMetaLogs),
            State::AssignMeta => self.assign(cx, vec![RegionInfo::meta()], State::GetRegions).await?,
            State::GetRegions => {
                self.regions = env.regions.server_regions(&self.server);
                if self.by_order && self.regions.is_empty() {
                    self.regions = self.regions_by_meta(env).await?;
                }
                StateFlow::To(if self.should_split_wal { State::SplitLogs } else { State::Assign })
            }
            State::SplitLogs => self.split(env, WalKind::Other, State::DeleteSplitWalsDir).await?,
            State::DeleteSplitWalsDir if self.is_split(env, WalKind::Other).await? => {
                self.delete_folder(env).await;
                StateFlow::To(State::Assign)
            }
            State::DeleteSplitWalsDir => StateFlow::To(State::SplitLogs),
            State::Assign => self.assign(cx, self.regions_now(env), State::ClaimReplicationQueues).await?,
            State::HandleRit2 => StateFlow::To(State::ClaimReplicationQueues),
            State::ClaimReplicationQueues => StateFlow::To(State::Finish),
            State::Finish => {
                env.servers.recovered(&self.server);
                StateFlow::End
            }
        })
    }

    /// The regions from the beginning, and those that were given to the server while it was found to be dead.
    fn regions_now(&self, env: &MasterEnv) -> Vec<RegionInfo> {
        let mut regions = self.regions.clone();
        regions.extend(env.regions.server_regions(&self.server));
        regions.retain(|region| !(region.is_meta() && region.is_default_replica()));
        regions.sort();
        regions.dedup();
        regions
    }
}

#[async_trait]
impl StateMachine<MasterEnv> for ServerCrash {
    type State = State;

    fn class_name(&self) -> &'static str {
        if self.by_order { BY_ORDER_CLASS } else { CLASS }
    }

    fn details(&self) -> String {
        let (split, meta) = (self.should_split_wal, self.carrying_meta);
        let name = if self.by_order { "HBCKServerCrashProcedure" } else { "ServerCrashProcedure" };
        format!("{name} {}, splitWal={split}, meta={meta}", self.server)
    }

    fn initial_state(&self) -> State {
        State::Start
    }

    fn locks(&self) -> LockRequest {
        LockRequest::server_exclusive(&self.server)
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        if self.carrying_meta { Priority::Meta } else { Priority::Server }
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        env.servers.recovering(&self.server);
        let before_meta =
            [State::Start, State::SplitMetaLogs, State::DeleteSplitMetaWalsDir, State::AssignMeta]
                .contains(&state);
        if !before_meta && !env.conditions.is_meta_loaded() {
            return StateFlow::Wait { event: Event::MetaLoaded, then: None };
        }
        self.step(state, cx).await.unwrap_or_else(|error| {
            tracing::warn!(pid = %cx.id(), server = %self.server, ?state, %error, "trying again later");
            StateFlow::RetryLater
        })
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&self.state_data())]
    }

    fn waits_for_client_ack(&self) -> bool {
        false
    }
}
