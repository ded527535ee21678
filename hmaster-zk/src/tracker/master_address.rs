//! Follows who the active master is. Counterpart of `MasterAddressTracker`, for backup masters and region servers.

use super::node::NodeTracker;
use crate::codec::{CodecError, MasterInfo};
use crate::error::ZkError;
use crate::watcher::ZkWatcher;

/// Follows who the active master is.
#[derive(Debug)]
pub struct MasterAddressTracker {
    node: NodeTracker,
    given: Option<Option<Result<MasterInfo, CodecError>>>,
}

impl MasterAddressTracker {
    /// Follows the active master of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let path = zk.paths.master.clone();
        Self { node: NodeTracker::new(zk, path), given: None }
    }

    /// Waits until another master is active, or none; when called first, gives at once who is. A znode that can't be
    /// read is given as the error it is: someone is active.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn next(&mut self) -> Result<Option<Result<MasterInfo, CodecError>>, ZkError> {
        loop {
            let master = self.node.next().await?.map(|znode| znode.decode());
            if self.given.as_ref() != Some(&master) {
                self.given = Some(master.clone());
                return Ok(master);
            }
        }
    }

    /// Who is active now.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn get(zk: &ZkWatcher) -> Result<Option<Result<MasterInfo, CodecError>>, ZkError> {
        Ok(zk.get(&zk.paths.master).await?.map(|znode| znode.decode()))
    }
}
