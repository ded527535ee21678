//! Where hbase:meta and its replicas are. Counterpart of `MetaTableLocator`.
//!
//! Region servers and clients go by it. A master reads it only where its local region has no location yet: after a
//! predecessor that kept it in ZooKeeper alone.

use std::collections::BTreeMap;

use crate::codec::{MetaLocation, Payload as _};
use crate::error::ZkError;
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;

/// Where a replica is, none if that isn't published.
///
/// # Errors
/// Of ZooKeeper, and when the znode can't be read.
pub async fn read(zk: &ZkWatcher, replica_id: u16) -> Result<Option<MetaLocation>, ZnodeError> {
    Ok(zk.get(&zk.paths.meta(replica_id)).await?.map(|znode| znode.decode()).transpose()?)
}

/// Every published location, by replica. Counterpart of `getMetaReplicaNodes`.
///
/// # Errors
/// Of ZooKeeper, and when a znode can't be read.
pub async fn read_all(zk: &ZkWatcher) -> Result<BTreeMap<u16, MetaLocation>, ZnodeError> {
    let names = zk.children(&zk.paths.base).await?.unwrap_or_default();
    let mut locations = BTreeMap::new();
    for replica_id in names.iter().filter_map(|name| zk.paths.meta_replica(name)) {
        if let Some(location) = read(zk, replica_id).await? {
            locations.insert(replica_id, location);
        }
    }
    Ok(locations)
}

/// Publishes where a replica is. Counterpart of `setMetaLocation`.
///
/// # Errors
/// Of ZooKeeper.
pub async fn publish(zk: &ZkWatcher, replica_id: u16, location: &MetaLocation) -> Result<(), ZkError> {
    zk.put(&zk.paths.meta(replica_id), &location.encode()).await
}

/// Takes the location of a replica back, if one is published. Counterpart of `deleteMetaLocation`.
///
/// # Errors
/// Of ZooKeeper.
pub async fn remove(zk: &ZkWatcher, replica_id: u16) -> Result<(), ZkError> {
    zk.delete_if_present(&zk.paths.meta(replica_id)).await
}
