//! From the won election to the end of the active role.

use std::sync::Arc;
use std::time::Duration;

use hmaster_core::environment::{Identity, MasterEnv, Ports, Reign};
use hmaster_core::ports::files::MasterFiles;
use hmaster_core::ports::zookeeper::ClusterZooKeeper;
use hmaster_core::progress::Progress;
use hmaster_core::role::Role;
use hmaster_core::startup::{self, Start, StartError};
use hmaster_fs::Permit;
use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_types::ProcId;
use hmaster_zk::{SessionLease, ZkWatcher};
use tokio::time::timeout;

use super::life::LifeEnd;
use super::{Parts, follow};
use crate::adapters::balancer::SystemSources;
use crate::adapters::files::RootFolder;
use crate::adapters::region_servers::RpcRegionServers;
use crate::adapters::store::{self, OpenStore};
use crate::adapters::zookeeper::Znodes;
use crate::{RunError, file_systems};

/// Is active until the lease is lost, somebody stops the master, or it can't go on.
pub(super) async fn reign(parts: &Arc<Parts>, zk: &ZkWatcher, lease: &SessionLease) -> LifeEnd {
    let progress = Arc::new(Progress::new(parts.clock.clone()));
    parts.role.set(Role::Starting(progress.clone()));
    let begun = tokio::select! {
        biased;
        loss = lease.lost() => return LifeEnd::Lost(loss.to_string()),
        () = parts.stop.0.cancelled() => return LifeEnd::Stopped,
        begun = begin(parts, zk, lease, &progress) => begun,
    };
    let (env, store, start) = match begun {
        Ok(begun) => begun,
        // What failed because the lease is lost is no reason to end.
        Err(error) => {
            return lease.loss().map_or(LifeEnd::Failed(error), |loss| LifeEnd::Lost(loss.to_string()));
        }
    };
    let end = work(parts, zk, lease, &env, start).await;
    // Whatever went wrong, a master whose lease is lost can begin anew.
    let end = lease.loss().map_or(end, |loss| LifeEnd::Lost(loss.to_string()));
    env.shutdown.cancel();
    env.tasks.close();
    let patience = parts.config.options().master.service_stop_timeout;
    if timeout(patience, env.tasks.wait()).await.is_err() {
        tracing::warn!("some tasks of the active role don't end");
    }
    if lease.valid() {
        store.close().await;
    }
    end
}

/// Makes everything ready that a reign needs.
async fn begin(
    parts: &Arc<Parts>,
    zk: &ZkWatcher,
    lease: &SessionLease,
    progress: &Arc<Progress>,
) -> Result<(Arc<MasterEnv>, OpenStore, Start), RunError> {
    let (options, cluster) = (parts.config.options(), parts.config.cluster());
    let zookeeper = Arc::new(Znodes(zk.clone()));
    let permit: Arc<dyn Permit> = Arc::new(LeasePermit(lease.clone()));
    let folder = parts.root.guarded(&permit);
    let files = Arc::new(RootFolder::new(
        folder.clone(),
        options,
        parts.chance.clone(),
        parts.clock.clone(),
        &parts.server,
    ));
    let store = open_existing_store(parts, &folder, progress).await?;
    progress.begin("Prepare the root folder");
    let root = files.prepare().await.map_err(|error| RunError::RootFolder(error.to_string()))?;
    parts.view.set_cluster_id(&root.cluster_id);
    progress.begin("Show the cluster's id");
    let shown = zookeeper.publish_cluster_id(&root.cluster_id).await;
    shown.map_err(|error| RunError::Ended(error.to_string()))?;
    let store = match store {
        Some(store) => store,
        None => {
            progress.begin("Open the master's store");
            store::open(&folder, &parts.server, &parts.config, &parts.clock).await?
        }
    };
    let active_time = store.begin_reign(&*parts.clock).await?;
    let identity = Identity {
        server: parts.server.clone(),
        active_time,
        info_port: parts.info_port,
        root_dir: cluster.root_dir_text.clone(),
        default_fs: cluster.default_fs(),
    };
    let ports = Ports {
        region_servers: Arc::new(RpcRegionServers::new(
            parts.client.clone(),
            lease.clone(),
            file_systems::has_leases(&folder),
        )),
        files,
        store: store.master(),
        zookeeper,
    };
    let (env, tasks) = MasterEnv::new(
        identity,
        parts.settings.online.clone(),
        parts.clock.clone(),
        parts.chance.clone(),
        progress.clone(),
        ports,
    );
    let files = Some(Arc::clone(folder.file_system()));
    let sources = SystemSources::new(files, &|key| options.balancer_settings.get(key));
    env.set_balancer_sources(Arc::new(sources));
    let start = Start { env: env.clone(), tasks, procedures: store.procedures(), id_floor: ProcId(0) };
    Ok((env, store, start))
}

/// Where a cluster is already, nothing but the logs of the master before is touched before it is known that all of its
/// procedures can be continued. None in a folder that is to become a cluster's.
async fn open_existing_store(
    parts: &Parts,
    folder: &RootDir,
    progress: &Progress,
) -> Result<Option<OpenStore>, RunError> {
    let unusable = |error: RootDirError| RunError::RootFolder(error.to_string());
    let options = parts.config.options();
    progress.begin("Wait for the file system");
    folder.wait_until_writable(options.filesystem.wake_frequency).await.map_err(unusable)?;
    if !folder.is_prepared().await.map_err(unusable)? {
        return Ok(None);
    }
    progress.begin("Open the master's store");
    let store = store::open(folder, &parts.server, &parts.config, &parts.clock).await?;
    let loaded = store.procedures().load().await.map_err(StartError::from)?;
    if let Err(error) = startup::check_procedures(loaded, options) {
        store.close().await;
        return Err(error.into());
    }
    Ok(Some(store))
}

/// Files are changed as long as the master may act.
#[derive(Debug)]
struct LeasePermit(SessionLease);

impl Permit for LeasePermit {
    fn is_valid(&self) -> bool {
        self.0.valid()
    }
}

/// Loads, starts and serves.
async fn work(parts: &Parts, zk: &ZkWatcher, lease: &SessionLease, env: &MasterEnv, start: Start) -> LifeEnd {
    let lost = async {
        let loss = lease.lost().await;
        env.end_reign(loss.to_string());
        LifeEnd::Lost(loss.to_string())
    };
    tokio::select! {
        biased;
        end = lost => end,
        end = serve(parts, zk, env, start) => end,
    }
}

async fn serve(parts: &Parts, zk: &ZkWatcher, env: &MasterEnv, start: Start) -> LifeEnd {
    let reign = match startup::load(start).await {
        Ok(reign) => Arc::new(reign),
        Err(error) => return LifeEnd::Failed(error.into()),
    };
    parts.role.set(Role::Active(reign.clone()));
    let store_failed = reign.executor().failed();
    let stopped = async {
        tokio::select! {
            () = parts.stop.0.cancelled() => {}
            () = env.cluster_stopped() => tracing::info!("the last region server has left"),
        }
    };
    tokio::select! {
        biased;
        error = store_failed => LifeEnd::Failed(RunError::Ended(error.to_string())),
        () = env.shutdown.cancelled() => LifeEnd::Failed(RunError::Ended(reason(env))),
        error = start_up(parts, env, &reign) => LifeEnd::Failed(error.into()),
        () = follow::follow(zk, env) => unreachable!("following doesn't end"),
        () = stopped => {
            parts.role.set(Role::Stopping);
            let patience = parts.config.options().master.service_stop_timeout;
            if timeout(patience, reign.executor().stop()).await.is_err() {
                tracing::warn!("some steps of procedures don't end; the next master does them again");
            }
            LifeEnd::Stopped
        }
    }
}

fn reason(env: &MasterEnv) -> String {
    env.end_reason().unwrap_or("for no reason that is known").to_owned()
}

/// Starts to work. Ends only if it can't.
async fn start_up(parts: &Parts, env: &MasterEnv, reign: &Reign) -> StartError {
    let watchdog = async {
        let options = &parts.config.options().master;
        loop {
            tokio::time::sleep(options.initialization_timeout.max(Duration::from_secs(1))).await;
            let stages = env.progress.stages();
            let stage = stages.last().map_or("nothing", |stage| stage.name);
            tracing::error!(stage, "the start takes long");
            if options.initialization_timeout_halts {
                return StartError::Ended(format!("the start took too long; it was at: {stage}"));
            }
        }
    };
    let run = async { startup::run(reign).await.err() };
    let failed = tokio::select! {
        error = watchdog => Some(error),
        failed = run => failed,
    };
    match failed {
        Some(error) => error,
        None => std::future::pending().await,
    }
}
