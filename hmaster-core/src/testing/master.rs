//! A master's process, from the won election to its end. Counterpart of what the facade does with adapters.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::region_server_status_service as status;
use hmaster_protocol::services::region_server_status_service::RegionServerStatusService as _;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{
    ActiveTime, Chance, Clock, JavaException, ProcId, RegionState, ServerName, StartCode, class,
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::World;
use super::clock::WorldClock;
use super::gate::Gate;
use super::link::MasterLink;
use crate::environment::{Identity, MasterEnv, Ports};
use crate::online::OnlineOptions;
use crate::ports::MasterFiles as _;
use crate::ports::zookeeper::{ClusterZooKeeper as _, MasterNode, ZooKeeperEvent};
use crate::progress::Progress;
use crate::role::{Role, RoleCell};
use crate::services::{
    AdminServices, ClusterView, HbckServices, HostNames, LockServices, MasterServices, Process,
    RegionServerStatus, RegistryServices, SettingsSource,
};
use crate::startup::{self, Start};

type Answer<T> = Result<T, JavaException>;

/// A master that is, or was, active.
pub struct MasterProcess {
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: Arc<RoleCell>,
    /// What region servers call.
    pub status: RegionServerStatus,
    /// What clients call.
    pub services: MasterServices,
    /// The registry.
    pub registry: RegistryServices,
    /// AdminService on the master.
    pub admin: AdminServices,
    /// Repairs.
    pub hbck: HbckServices,
    /// Locks of clients.
    pub locks: LockServices,
    /// Its clock.
    pub clock: Arc<WorldClock>,
    link: Arc<MasterLink>,
    online: Arc<OnlineOptions>,
    end: Arc<Mutex<Option<String>>>,
}

/// No addresses have names: region servers say theirs.
struct NoHosts;

#[async_trait]
impl HostNames for NoHosts {
    async fn name_of(&self, _: IpAddr) -> Option<String> {
        None
    }
}

/// What a master sees of the cluster without being active.
struct View(World);

#[async_trait]
impl ClusterView for View {
    fn cluster_id(&self) -> Option<String> {
        self.0.with(|state| state.znodes.cluster_id.clone())
    }

    fn active_master(&self) -> Option<MasterNode> {
        let master = self.0.active_master()?;
        Some(MasterNode { server: master.name.clone(), info_port: 0 })
    }

    fn backup_masters(&self) -> Vec<MasterNode> {
        Vec::new()
    }

    async fn region_servers(&self) -> Answer<Vec<ServerName>> {
        Ok(self.0.with(|state| state.znodes.region_servers.iter().cloned().collect()))
    }

    async fn meta_locations(&self) -> Answer<Vec<(u16, Option<ServerName>, RegionState)>> {
        let shown = |(replica, (server, state)): (&u16, &(Option<ServerName>, RegionState))| {
            (*replica, server.clone(), *state)
        };
        Ok(self.0.with(|state| state.znodes.meta.iter().map(shown).collect()))
    }
}

/// What somebody has written since the master began.
struct Settings(World, Arc<OnlineOptions>);

#[async_trait]
impl SettingsSource for Settings {
    async fn reread(&self) -> Answer<()> {
        let changed = self.1.change(self.0.options());
        changed.map_err(|error| JavaException::new(class::DO_NOT_RETRY_IO, error.to_string()))
    }
}

/// Stops the process.
struct Stop(CancellationToken, Arc<Mutex<Option<String>>>);

impl Process for Stop {
    fn stop_master(&self, why: &str) {
        self.1.lock().get_or_insert_with(|| why.to_owned());
        self.0.cancel();
    }
}

impl MasterProcess {
    pub(super) fn new(world: &World, number: u64) -> Arc<Self> {
        let role = Arc::new(RoleCell::default());
        let link = MasterLink::new(world.clone(), number);
        let view: Arc<dyn ClusterView> = Arc::new(View(world.clone()));
        let end = Arc::new(Mutex::new(None));
        let settings = Arc::new(Settings(world.clone(), Arc::new(OnlineOptions::new(world.options()))));
        let name =
            ServerName::new("master", 16000, StartCode(number)).expect("a host without blanks or commas");
        Arc::new(Self {
            name,
            status: RegionServerStatus { role: role.clone(), hosts: Arc::new(NoHosts) },
            services: MasterServices {
                role: role.clone(),
                view: view.clone(),
                process: Arc::new(Stop(link.life.clone(), end.clone())),
            },
            registry: RegistryServices {
                role: role.clone(),
                view,
                chance: Arc::new(world.chance().fork()),
                bootstrap_nodes_max: 10,
            },
            admin: AdminServices { role: role.clone(), settings: settings.clone() },
            hbck: HbckServices { role: role.clone() },
            locks: LockServices { role: role.clone() },
            clock: Arc::new(world.new_clock()),
            role,
            link,
            online: settings.1.clone(),
            end,
        })
    }

    /// Its process; it ends with this.
    pub fn life(&self) -> &CancellationToken {
        &self.link.life
    }

    /// The master, once its store is open.
    ///
    /// # Errors
    /// While it isn't.
    pub fn env(&self) -> Answer<Arc<MasterEnv>> {
        self.role.active()
    }

    /// Why it ended, if it has ended by itself.
    pub fn end(&self) -> Option<String> {
        self.end.lock().clone()
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.link.gate
    }

    pub(super) fn link(&self) -> &MasterLink {
        &self.link
    }

    /// Dies at once: nothing that it does afterwards has any effect.
    pub(super) fn kill(&self) {
        self.link.kill();
        if let Ok(env) = self.role.active() {
            env.shutdown.cancel();
        }
        self.role.set(Role::Stopping);
    }

    /// Is active until it ends.
    pub(super) async fn run(self: Arc<Self>, world: World) {
        let life = self.life().clone();
        let end = tokio::select! {
            biased;
            () = life.cancelled() => None,
            end = self.reign(&world) => Some(end),
        };
        if let Some(end) = end {
            tracing::debug!(master = %self.name, end, "the master ends");
            self.end.lock().get_or_insert(end);
        }
        self.kill();
        world.ended(&self);
    }

    async fn reign(&self, world: &World) -> String {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let progress = Arc::new(Progress::new(clock.clone()));
        self.role.set(Role::Starting(progress.clone()));
        let start = match self.begin(world, clock, progress).await {
            Ok(start) => start,
            Err(error) => return error,
        };
        let env = start.env.clone();
        let reign = match startup::load(start).await {
            Ok(reign) => Arc::new(reign),
            Err(error) => return error.to_string(),
        };
        self.role.set(Role::Active(reign.clone()));
        let start_up = async {
            match startup::run(&reign).await {
                Ok(()) => std::future::pending().await,
                Err(error) => error.to_string(),
            }
        };
        tokio::select! {
            biased;
            error = reign.executor().failed() => error.to_string(),
            () = env.shutdown.cancelled() => env.end_reason().unwrap_or("for no reason that is known").to_owned(),
            error = start_up => error,
            () = follow(world, &env) => unreachable!("following doesn't end"),
            () = env.cluster_stopped() => {
                reign.executor().stop().await;
                "the last region server has left".to_owned()
            }
        }
    }

    async fn begin(
        &self,
        world: &World,
        clock: Arc<dyn Clock>,
        progress: Arc<Progress>,
    ) -> Result<Start, String> {
        let root = self.link.prepare().await.map_err(|error| error.to_string())?;
        self.link.publish_cluster_id(&root.cluster_id).await.map_err(|error| error.to_string())?;
        let active_time = world.with(|state| {
            let later = ActiveTime(clock.now_ms().max(state.store.active_time.0 + 1));
            state.store.active_time = later;
            self.link.take_store(state);
            later
        });
        let identity = Identity {
            server: self.name.clone(),
            active_time,
            info_port: 0,
            root_dir: "world:///".into(),
            default_fs: "world:///".into(),
        };
        let ports = Ports {
            region_servers: self.link.clone(),
            files: self.link.clone(),
            store: self.link.clone(),
            zookeeper: self.link.clone(),
        };
        let chance = Arc::new(Chance::seeded(world.chance().bits()));
        let (env, tasks) = MasterEnv::new(identity, self.online.clone(), clock, chance, progress, ports);
        // A reign has its bugs from the beginning.
        let _ = env.bugs.set(world.with(|state| state.bugs.clone()));
        Ok(Start { env, tasks, procedures: self.link.clone(), id_floor: ProcId(0) })
    }

    pub(super) async fn start_up(
        &self,
        request: pb::RegionServerStartupRequest,
    ) -> Answer<pb::RegionServerStartupResponse> {
        let call = CallContext::new(status::NAME, status::REGION_SERVER_STARTUP.name());
        self.status.region_server_startup(&call, request).await
    }

    pub(super) async fn report(
        &self,
        request: pb::RegionServerReportRequest,
    ) -> Answer<pb::RegionServerReportResponse> {
        let call = CallContext::new(status::NAME, status::REGION_SERVER_REPORT.name());
        self.status.region_server_report(&call, request).await
    }

    pub(super) async fn report_transition(
        &self,
        request: pb::ReportRegionStateTransitionRequest,
    ) -> Answer<pb::ReportRegionStateTransitionResponse> {
        let call = CallContext::new(status::NAME, status::REPORT_REGION_STATE_TRANSITION.name());
        self.status.report_region_state_transition(&call, request).await
    }

    pub(super) async fn report_done(
        &self,
        request: pb::ReportProcedureDoneRequest,
    ) -> Answer<pb::ReportProcedureDoneResponse> {
        let call = CallContext::new(status::NAME, status::REPORT_PROCEDURE_DONE.name());
        self.status.report_procedure_done(&call, request).await
    }

    pub(super) async fn last_flushed(
        &self,
        request: pb::GetLastFlushedSequenceIdRequest,
    ) -> Answer<pb::GetLastFlushedSequenceIdResponse> {
        let call = CallContext::new(status::NAME, status::GET_LAST_FLUSHED_SEQUENCE_ID.name());
        self.status.get_last_flushed_sequence_id(&call, request).await
    }
}

/// Passes on what changes in ZooKeeper, whole lists each time.
async fn follow(world: &World, env: &Arc<MasterEnv>) {
    let mut changes = world.znode_changes();
    let mut was_up = false;
    loop {
        changes.mark_unchanged();
        world.latency().await;
        let (Ok(nodes), Ok(draining)) =
            (env.zookeeper.region_servers().await, env.zookeeper.draining().await)
        else {
            world.pass(100).await;
            continue;
        };
        env.zookeeper_changed(ZooKeeperEvent::RegionServers(nodes)).await;
        env.zookeeper_changed(ZooKeeperEvent::Draining(draining)).await;
        let is_up = world.with(|state| state.znodes.running.is_some());
        if was_up && !is_up {
            env.zookeeper_changed(ZooKeeperEvent::ClusterDown).await;
        }
        was_up = is_up;
        changes.changed().await;
    }
}

impl std::fmt::Debug for MasterProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterProcess")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
