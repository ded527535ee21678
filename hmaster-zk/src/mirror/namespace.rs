//! Namespaces. Counterpart of `ZKNamespaceManager`, but for its cache.

use hmaster_types::NamespaceDescriptor;

use crate::codec::Payload as _;
use crate::error::ZkError;
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;
use crate::znode;

/// Publishes a namespace.
///
/// # Errors
/// Of ZooKeeper.
pub async fn publish(zk: &ZkWatcher, namespace: &NamespaceDescriptor) -> Result<(), ZkError> {
    zk.put(&znode::join(&zk.paths.namespace, &namespace.name), &namespace.encode()).await
}

/// Takes a namespace back, if it is published.
///
/// # Errors
/// Of ZooKeeper.
pub async fn remove(zk: &ZkWatcher, name: &str) -> Result<(), ZkError> {
    zk.delete_if_present(&znode::join(&zk.paths.namespace, name)).await
}

/// Every published namespace, by name. One that has no data yet is left out: Java makes the znode first.
///
/// # Errors
/// Of ZooKeeper, and when a namespace can't be read.
pub async fn read_all(zk: &ZkWatcher) -> Result<Vec<NamespaceDescriptor>, ZnodeError> {
    let mut namespaces = Vec::new();
    for name in zk.children(&zk.paths.namespace).await?.unwrap_or_default() {
        if let Some(znode) = zk.get(&znode::join(&zk.paths.namespace, &name)).await?
            && !znode.data.is_empty()
        {
            namespaces.push(znode.decode()?);
        }
    }
    Ok(namespaces)
}
