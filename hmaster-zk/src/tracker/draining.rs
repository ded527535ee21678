//! Follows and marks decommissioned region servers, which get no regions. Counterpart of `DrainingServerTracker` and of
//! what `HMaster` does to decommission and recommission.

use std::collections::BTreeSet;

use hmaster_types::ServerName;

use super::server_set::{ServerChanges, ServerSetTracker};
use crate::error::ZkError;
use crate::watcher::ZkWatcher;
use crate::znode;

/// Follows which region servers are decommissioned.
#[derive(Debug)]
pub struct DrainingServerTracker {
    servers: ServerSetTracker,
}

impl DrainingServerTracker {
    /// Follows the decommissioned servers of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let path = zk.paths.draining.clone();
        Self { servers: ServerSetTracker::new(zk, &path) }
    }

    /// Who is decommissioned, as last given.
    pub fn draining(&self) -> &BTreeSet<ServerName> {
        self.servers.known()
    }

    /// Waits for a change. When called first, gives at once who is decommissioned.
    ///
    /// # Errors
    /// Of ZooKeeper, also when the znode of all decommissioned servers is missing.
    pub async fn next(&mut self) -> Result<ServerChanges, ZkError> {
        let (now, changes) = self.servers.next().await?;
        self.servers.accept(now);
        Ok(changes)
    }

    /// Marks a server as decommissioned.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn mark(zk: &ZkWatcher, server: &ServerName) -> Result<(), ZkError> {
        zk.create_if_absent(&znode::join(&zk.paths.draining, server.as_str()), b"").await
    }

    /// Takes the mark back, if there is one.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn unmark(zk: &ZkWatcher, server: &ServerName) -> Result<(), ZkError> {
        zk.delete_if_present(&znode::join(&zk.paths.draining, server.as_str())).await
    }
}
