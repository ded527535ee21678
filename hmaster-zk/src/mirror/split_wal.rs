//! Tasks of the split-log manager over ZooKeeper that a predecessor left. Counterpart of `ZKSplitLog`, of which nothing
//! but the leftovers is built: WALs are split by procedures.

use crate::error::ZkError;
use crate::watcher::ZkWatcher;

/// Names of the tasks that are left: paths of WALs, encoded, and markers.
///
/// # Errors
/// Of ZooKeeper.
pub async fn leftovers(zk: &ZkWatcher) -> Result<Vec<String>, ZkError> {
    Ok(zk.children(&zk.paths.split_wal).await?.unwrap_or_default())
}

/// Removes all tasks. Nothing is lost by it: what a task was to split is still in the WAL folder of its server.
///
/// # Errors
/// Of ZooKeeper.
pub async fn clear(zk: &ZkWatcher) -> Result<(), ZkError> {
    zk.delete_below(&zk.paths.split_wal).await
}
