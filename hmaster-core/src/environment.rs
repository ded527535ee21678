//! Everything an active master consists of, as its procedures and services see it. Counterpart of `MasterServices` and
//! `MasterProcedureEnv`.
//!
//! One [`MasterEnv`] is one reign: it is made when the election is won and ends with it. Nothing in it outlives a loss of
//! the session with ZooKeeper or a failure to persist; the next reign loads everything anew.

mod bugs;
mod conditions;
mod reign;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use hmaster_balancer::LoadBalancer;
use hmaster_config::Options;
use hmaster_procedure::{Environment, WeakExecutor};
use hmaster_types::{ActiveTime, Chance, Clock, ServerName};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assignment::RegionStates;
use crate::assignment::locks::RegionLocks;
use crate::balancing::Balancing;
use crate::catalog::{Catalog, CatalogClock};
use crate::cleaners::Cleaners;
use crate::crash::SplitWorkers;
use crate::janitor::Janitor;
use crate::message::{Event, Message};
use crate::metrics::MasterMetrics;
use crate::namespaces::Namespaces;
use crate::online::OnlineOptions;
use crate::placement::{Placer, default_balancer};
use crate::ports::{ClusterZooKeeper, MasterFiles, MasterStore, RegionServers};
use crate::progress::Progress;
use crate::remote::{Dispatcher, RetryPolicy};
use crate::servers::{FatalErrors, FlushedSequenceIds, ServerLimits, ServerManager};
use crate::switches::Switches;
use crate::tables::{Schemas, TableStates};

pub use bugs::Bug;
pub use conditions::Conditions;
pub use reign::{Reign, ReignTasks};

/// What the master is connected to.
#[derive(Clone)]
pub struct Ports {
    /// Region servers.
    pub region_servers: Arc<dyn RegionServers>,
    /// The root folder.
    pub files: Arc<dyn MasterFiles>,
    /// The master's own store.
    pub store: Arc<dyn MasterStore>,
    /// ZooKeeper.
    pub zookeeper: Arc<dyn ClusterZooKeeper>,
}

/// Who this master is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name, with the time its process started.
    pub server: ServerName,
    /// When it became active; later than any master's before it.
    pub active_time: ActiveTime,
    /// The port of its pages, which region servers link to; 0 without pages.
    pub info_port: u16,
    /// `hbase.rootdir` as it was configured: region servers take it over letter by letter (danger 19).
    pub root_dir: String,
    /// `fs.defaultFS` as region servers are told.
    pub default_fs: String,
}

/// An active master.
pub struct MasterEnv {
    /// Who this master is.
    pub identity: Identity,
    /// When this master became active.
    pub active_time: ActiveTime,
    /// Settings, as they were when this reign began.
    pub options: Arc<Options>,
    /// Settings as they are now, for what changes while a master runs.
    pub online: Arc<OnlineOptions>,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<Chance>,

    /// Region servers, to call.
    pub region_servers: Arc<dyn RegionServers>,
    /// The root folder.
    pub files: Arc<dyn MasterFiles>,
    /// The master's own store.
    pub store: Arc<dyn MasterStore>,
    /// ZooKeeper.
    pub zookeeper: Arc<dyn ClusterZooKeeper>,

    /// All regions.
    pub regions: RegionStates,
    /// A lock per region, for steps.
    pub region_locks: RegionLocks,
    /// All region servers.
    pub servers: ServerManager,
    /// Up to where regions are flushed.
    pub flushed: FlushedSequenceIds,
    /// Last words of region servers.
    pub fatal_errors: FatalErrors,
    /// hbase:meta.
    pub catalog: Catalog,
    /// All tables' states.
    pub tables: TableStates,
    /// All tables' schemas.
    pub schemas: Schemas,
    /// All namespaces.
    pub namespaces: Namespaces,
    /// Finds servers for regions.
    pub placement: Placer,
    /// Decides where regions go.
    pub balancer: Arc<dyn LoadBalancer>,
    /// What the balancer remembers of loads and plans.
    pub balancing: Balancing,
    /// Sends commands.
    pub dispatcher: Dispatcher,
    /// Room for WALs to split on each server.
    pub split_workers: SplitWorkers,
    /// Balancer, splits, merges and others: on or off.
    pub switches: Switches,
    /// What the catalog janitor has found.
    pub janitor: Janitor,
    /// Old files go in one run at a time.
    pub cleaners: Cleaners,
    /// How far the start has come.
    pub progress: Arc<Progress>,
    /// What is counted.
    pub metrics: MasterMetrics,

    /// What procedures wait for.
    pub conditions: Conditions,
    /// The end of this reign.
    pub shutdown: CancellationToken,
    /// Everything that runs for this reign.
    pub tasks: TaskTracker,
    executor: OnceLock<WeakExecutor<MasterEnv>>,
    end: OnceLock<String>,
    #[cfg(any(test, feature = "testing"))]
    pub(crate) bugs: OnceLock<Vec<Bug>>,
}

#[async_trait]
impl Environment for MasterEnv {
    type Event = Event;
    type Message = Message;
}

impl MasterEnv {
    /// A master that knows nothing yet, and the tasks that have to run for it.
    pub fn new(
        identity: Identity,
        online: Arc<OnlineOptions>,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
        progress: Arc<Progress>,
        ports: Ports,
    ) -> (Arc<Self>, ReignTasks) {
        let options = online.get();
        let shutdown = CancellationToken::new();
        let catalog_clock = CatalogClock::new(clock.clone());
        let (catalog, writer) = Catalog::new(ports.region_servers.clone(), catalog_clock, shutdown.clone());
        let (placement, placer) = Placer::new();
        let env = Arc::new(Self {
            active_time: identity.active_time,
            identity,
            regions: RegionStates::new(clock.clone()),
            region_locks: RegionLocks::default(),
            servers: ServerManager::new(clock.clone(), server_limits(&options)),
            flushed: FlushedSequenceIds::default(),
            fatal_errors: FatalErrors::new(options.master.rs_fatals_bytes as usize),
            catalog,
            tables: TableStates::default(),
            schemas: Schemas::default(),
            namespaces: Namespaces::default(),
            placement,
            balancer: default_balancer(),
            balancing: Balancing::new(&options),
            dispatcher: Dispatcher::new(retry_policy(&options)),
            split_workers: SplitWorkers::new(options.assignment.wal_splitters_max as usize),
            switches: Switches::default(),
            janitor: Janitor::default(),
            cleaners: Cleaners::default(),
            progress,
            metrics: MasterMetrics::default(),
            conditions: Conditions::default(),
            region_servers: ports.region_servers,
            files: ports.files,
            store: ports.store,
            zookeeper: ports.zookeeper,
            options,
            online,
            clock,
            chance,
            shutdown,
            tasks: TaskTracker::new(),
            executor: OnceLock::new(),
            end: OnceLock::new(),
            #[cfg(any(test, feature = "testing"))]
            bugs: OnceLock::new(),
        });
        env.dispatcher.connect(&env);
        (env.clone(), ReignTasks { writer, placer })
    }
}

fn server_limits(options: &Options) -> ServerLimits {
    let servers = &options.region_servers;
    ServerLimits {
        clock_skew_ms_max: servers.clock_skew_max.as_millis() as u64,
        clock_skew_ms_warn: servers.clock_skew_warning.as_millis() as u64,
    }
}

fn retry_policy(options: &Options) -> RetryPolicy {
    let servers = &options.region_servers;
    RetryPolicy {
        interval: servers.call_retry_pause,
        start_up_wait_max: servers.startup_wait,
        unreachable_attempts_max: u32::try_from(servers.fail_fast_tries).unwrap_or(1).max(1),
        ..RetryPolicy::default()
    }
}

impl std::fmt::Debug for MasterEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterEnv").field("identity", &self.identity).finish_non_exhaustive()
    }
}
