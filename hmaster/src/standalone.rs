//! A whole cluster in one process: embedded ZooKeeper, one master, and region servers in Rust, on local disk.
//!
//! Counterpart of HBase's standalone mode (`LocalHBaseCluster`). Everything speaks HBase's own protocols over sockets, so
//! unmodified clients connect, and more region servers, Java ones too, can join. What is acknowledged is on disk: after a
//! kill -9 the next start has all of it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hmaster::standalone::Standalone;
//!
//! let cluster = Standalone::builder("./hmaster-data").region_servers(3).start().await?;
//! println!("clients connect with {}", cluster.conf_dir().display());
//! cluster.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It listens at localhost only, unless `hbase.master.hostname` and `hbase.regionserver.hostname` say otherwise.

mod builder;
mod error;
mod folder;
mod site;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use hmaster_config::Configuration;
use hmaster_sim::RegionServerHandle;
use hmaster_zk_server::ZkServer;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::{MasterHandle, RunError};

pub use builder::StandaloneBuilder;
pub use error::StandaloneError;
pub use site::{LocalSettings, client_site};

/// How long to wait for region servers to close their regions, and then for the master. What isn't done by then is
/// recovered by the next start.
const STOP_WAIT: Duration = Duration::from_secs(30);

/// A cluster in this process. Dropping it is what a kill -9 is for a process.
#[derive(Debug)]
pub struct Standalone {
    zk: ZkServer,
    master: MasterHandle,
    master_task: AbortOnDropHandle<Result<(), RunError>>,
    region_servers: Vec<RegionServerHandle>,
    config: Configuration,
    data_dir: PathBuf,
    _lock: folder::Lock,
}

impl Standalone {
    /// A cluster that keeps its data in `data_dir`.
    pub fn builder(data_dir: impl Into<PathBuf>) -> StandaloneBuilder {
        StandaloneBuilder::new(data_dir.into())
    }

    /// Where ZooKeeper listens.
    pub fn zookeeper(&self) -> SocketAddr {
        self.zk.local_addr()
    }

    /// The master.
    pub fn master(&self) -> &MasterHandle {
        &self.master
    }

    /// The region servers.
    pub fn region_servers(&self) -> &[RegionServerHandle] {
        &self.region_servers
    }

    /// The master's configuration.
    pub fn config(&self) -> &Configuration {
        &self.config
    }

    /// A folder with an hbase-site.xml for clients and for region servers that are to join.
    pub fn conf_dir(&self) -> PathBuf {
        folder::conf_dir(&self.data_dir)
    }

    /// Where the data is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Waits until a part ends without having been asked to. Region servers may come and go; without ZooKeeper or the
    /// master there is no cluster.
    pub async fn failed(&mut self) -> StandaloneError {
        tokio::select! {
            ended = &mut self.master_task => match ended {
                Ok(Ok(())) => StandaloneError::MasterStopped,
                Ok(Err(error)) => StandaloneError::Master(error),
                Err(error) => StandaloneError::MasterPanicked(error),
            },
            ended = self.zk.stopped() => match ended {
                Ok(()) => StandaloneError::ZooKeeperStopped(None),
                Err(error) => StandaloneError::ZooKeeperStopped(Some(error)),
            },
        }
    }

    /// Shuts the cluster down, as `stop-hbase.sh` does: regions are flushed and closed, then the master ends, then
    /// ZooKeeper. The next start has nothing to recover.
    ///
    /// # Errors
    /// When the master or ZooKeeper didn't end well. Nothing is lost by that.
    pub async fn stop(self) -> Result<(), StandaloneError> {
        let Self { zk, master, mut master_task, region_servers, _lock, .. } = self;
        if let Ok(env) = master.role().active() {
            // Otherwise the master would recover the region servers that leave.
            if let Err(error) = env.shut_cluster_down().await {
                tracing::warn!(%error, "the cluster isn't declared down");
            }
        }
        if timeout(STOP_WAIT, join_all(region_servers.into_iter().map(RegionServerHandle::stop)))
            .await
            .is_err()
        {
            tracing::warn!("some region servers don't stop; the next start recovers them");
        }
        master.stop("the cluster is shut down");
        let ended = match timeout(STOP_WAIT, &mut master_task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(StandaloneError::Master(error)),
            Ok(Err(error)) => Err(StandaloneError::MasterPanicked(error)),
            Err(_) => {
                master_task.abort();
                tracing::warn!("the master doesn't stop; the next start recovers it");
                Ok(())
            }
        };
        zk.shutdown().await.map_err(|error| StandaloneError::ZooKeeperStopped(Some(error)))?;
        ended
    }
}
