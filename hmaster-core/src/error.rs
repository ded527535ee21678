//! Why a step of a procedure has to be tried again.

use crate::assignment::RegionError;
use crate::catalog::CatalogError;
use crate::ports::RemoteError;
use crate::ports::files::FilesError;
use crate::ports::store::StoreError;
use crate::ports::zookeeper::ZooKeeperError;

/// Something a step needs didn't work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StepError {
    /// The region isn't known, or its state forbids it.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// hbase:meta, or another system table.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The file system.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The master's own store; the active role ends.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// ZooKeeper.
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    /// A region server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}
