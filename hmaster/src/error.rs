//! Why a master can't be made, or ended.

use std::net::SocketAddr;

use hmaster_core::startup::StartError;
use hmaster_zk::ZkError;

pub use crate::file_systems::FileSystemError;
pub use crate::host::HostError;

/// Why there is no master. Each says which key to change.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Something else listens there.
    #[error("{key}: {address} is in use")]
    PortInUse {
        /// The key that names the port.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// It can't listen there.
    #[error("{key}: can't listen at {address}")]
    Listen {
        /// The key that names the port.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The name it should go by leads nowhere.
    #[error("hbase.master.hostname")]
    Host(#[from] HostError),
    /// A file system can't be reached as it is configured.
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    /// There can be no pages.
    #[error(transparent)]
    Pages(#[from] hmaster_web::BindError),
    /// A setting isn't what its key needs.
    #[error("{0}")]
    Option(String),
}

/// Why a master ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// ZooKeeper refuses what is needed.
    #[error("ZooKeeper")]
    ZooKeeper(#[from] ZkError),
    /// The root folder can't be used.
    #[error("hbase.rootdir: {0}")]
    RootFolder(String),
    /// The master's own store can't be used.
    #[error("master:store: {0}")]
    Store(String),
    /// It became active and couldn't begin to work.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was active and can't go on.
    #[error("the active role ended: {0}")]
    Ended(String),
}
