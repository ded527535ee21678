//! Whether the master is to be in maintenance mode: whether a znode has children. Counterpart of
//! `MasterMaintenanceModeTracker`.
//!
//! Differs from Java in that an error is an error; there it ends the maintenance.

use super::children::ChildrenTracker;
use crate::error::ZkError;
use crate::watcher::ZkWatcher;

/// Follows whether the master is to be in maintenance mode.
#[derive(Debug)]
pub struct MasterMaintenanceModeTracker {
    children: ChildrenTracker,
    given: Option<bool>,
}

impl MasterMaintenanceModeTracker {
    /// Follows the mode of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let path = zk.paths.master_maintenance.clone();
        Self { children: ChildrenTracker::new(zk, path), given: None }
    }

    /// Waits until the mode is another; when called first, gives it at once.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn next(&mut self) -> Result<bool, ZkError> {
        loop {
            let on = self.children.next().await?.is_some_and(|names| !names.is_empty());
            if self.given.replace(on) != Some(on) {
                return Ok(on);
            }
        }
    }
}
