//! Whether the cluster is to be up: znode `running`. Counterpart of `ClusterStatusTracker`.

use hmaster_types::Clock;

use super::node::NodeTracker;
use crate::codec::{ClusterUp, Payload as _};
use crate::error::ZkError;
use crate::watcher::ZkWatcher;

/// Follows whether the cluster is to be up.
#[derive(Debug)]
pub struct ClusterStatusTracker {
    node: NodeTracker,
    given: Option<bool>,
}

impl ClusterStatusTracker {
    /// Follows the state of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let path = zk.paths.running.clone();
        Self { node: NodeTracker::new(zk, path), given: None }
    }

    /// Waits until the cluster's state is another; when called first, gives it at once. What the znode says of since
    /// when doesn't matter.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn next(&mut self) -> Result<bool, ZkError> {
        loop {
            let up = self.node.next().await?.is_some();
            if self.given.replace(up) != Some(up) {
                return Ok(up);
            }
        }
    }

    /// Says that the cluster is to be up; leaves it as it is if that was said already.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn set_up(zk: &ZkWatcher, clock: &dyn Clock) -> Result<(), ZkError> {
        zk.create_if_absent(&zk.paths.running, &ClusterUp::now(clock).encode()).await
    }

    /// Says that the cluster is to go down: region servers stop, and so do waiting masters.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn set_down(zk: &ZkWatcher) -> Result<(), ZkError> {
        zk.delete_if_present(&zk.paths.running).await
    }
}
