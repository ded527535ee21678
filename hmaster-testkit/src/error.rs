//! Why a test cluster doesn't do what a test wants.

use std::net::SocketAddr;

use hmaster::{BuildError, RunError};
use hmaster_rpc::client::RpcError;
use hmaster_types::{JavaException, ParseError, ServerName};

/// Why there is no test cluster, or why it doesn't do what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum TestClusterError {
    /// There is no folder for it.
    #[error("make a folder for the cluster")]
    Folder(#[source] std::io::Error),
    /// A setting isn't what its key needs.
    #[error("a setting")]
    Configuration(#[source] hmaster_config::InvalidConfiguration),
    /// ZooKeeper doesn't start.
    #[error("start the embedded ZooKeeper")]
    ZooKeeper(#[source] hmaster_zk_server::StartError),
    /// ZooKeeper ended by itself.
    #[error("the embedded ZooKeeper ended")]
    ZooKeeperEnded(#[source] hmaster_zk_server::ServerError),
    /// A master doesn't start.
    #[error("start a master")]
    Master(#[from] BuildError),
    /// A master ended by itself, or didn't end well.
    #[error("the master at {address} ended")]
    MasterEnded {
        /// Where it listened.
        address: SocketAddr,
        /// Why.
        #[source]
        source: RunError,
    },
    /// A master ended in a way that it never should.
    #[error("the master at {address} panicked")]
    MasterPanicked {
        /// Where it listened.
        address: SocketAddr,
    },
    /// There is no master that could be active.
    #[error("no master runs")]
    NoMaster,
    /// No server of that name runs here.
    #[error("{0} doesn't run in this cluster")]
    UnknownServer(ServerName),
    /// A region server doesn't start.
    #[error("start a region server")]
    RegionServer(#[source] hmaster_sim::StartError),
    /// A name isn't one.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// The master doesn't answer, or refuses.
    #[error(transparent)]
    Call(#[from] RpcError),
    /// The procedure that should have done it failed.
    #[error("{what}: {error}")]
    Procedure {
        /// What was asked for.
        what: String,
        /// Why it isn't done.
        error: JavaException,
    },
    /// The active master ended before the procedure did. The next one goes on with it.
    #[error("{what}: the active master ended meanwhile")]
    MasterChanged {
        /// What was asked for.
        what: String,
    },
    /// The cluster can't be declared down.
    #[error("declare the cluster down: {0}")]
    ShutDown(hmaster_core::error::StepError),
}
