//! Why there is no standalone cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{BuildError, RunError};

/// Why a standalone cluster doesn't start, or ended. Each names the option to change where one would help.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// The data folder can't be used.
    #[error("--data-dir {}", path.display())]
    DataDir {
        /// The folder, or what is in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the data folder.
    #[error("--data-dir {}: another process uses it", .0.display())]
    DataDirInUse(PathBuf),
    /// The port of ZooKeeper is taken.
    #[error("--zk-port {port}: {0} is in use by another process", port = .0.port())]
    ZooKeeperPort(SocketAddr),
    /// ZooKeeper doesn't start.
    #[error("the embedded ZooKeeper (--data-dir, --zk-port)")]
    ZooKeeper(#[source] hmaster_zk_server::StartError),
    /// A setting isn't what its key needs.
    #[error("a setting (-D)")]
    Configuration(#[source] hmaster_config::InvalidConfiguration),
    /// There is no master.
    #[error("the master can't start; -D KEY=VALUE changes a setting")]
    Build(#[from] BuildError),
    /// A region server doesn't start.
    #[error("region server {index} can't start; -D KEY=VALUE changes a setting")]
    RegionServer {
        /// Which one, from 0.
        index: usize,
        /// Why.
        #[source]
        source: hmaster_sim::StartError,
    },
    /// The master ended.
    #[error("the master ended")]
    Master(#[source] RunError),
    /// The master ended because a client asked it to.
    #[error("the master was stopped")]
    MasterStopped,
    /// The master ended in a way that it never should.
    #[error("the master's task failed")]
    MasterPanicked(#[source] tokio::task::JoinError),
    /// ZooKeeper ended.
    #[error("the embedded ZooKeeper ended")]
    ZooKeeperStopped(#[source] Option<hmaster_zk_server::ServerError>),
}
