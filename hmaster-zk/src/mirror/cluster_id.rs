//! The cluster's id, which region servers compare with their own. Counterpart of `ZKClusterId`.

use crate::codec::{ClusterId, Payload as _};
use crate::error::ZkError;
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;

/// The published id, none before the first master.
///
/// # Errors
/// Of ZooKeeper, and when the znode can't be read.
pub async fn read(zk: &ZkWatcher) -> Result<Option<ClusterId>, ZnodeError> {
    Ok(zk.get(&zk.paths.cluster_id).await?.map(|znode| znode.decode()).transpose()?)
}

/// Publishes the id.
///
/// # Errors
/// Of ZooKeeper.
pub async fn publish(zk: &ZkWatcher, id: &ClusterId) -> Result<(), ZkError> {
    zk.put(&zk.paths.cluster_id, &id.encode()).await
}
