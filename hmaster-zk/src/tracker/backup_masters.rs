//! Follows which masters wait. Counterpart of `MasterAddressTracker.getBackupMastersAndRenewWatch`.

use std::collections::{BTreeMap, BTreeSet};

use super::children::ChildrenTracker;
use crate::codec::MasterInfo;
use crate::error::ZkError;
use crate::watcher::ZkWatcher;
use crate::znode;

/// Follows which masters wait.
#[derive(Debug)]
pub struct BackupMasterTracker {
    zk: ZkWatcher,
    children: ChildrenTracker,
    /// A list whose new masters aren't all read yet.
    pending: Option<BTreeSet<String>>,
    /// By child: what it says doesn't change, so it is read once.
    known: BTreeMap<String, MasterInfo>,
    given: Option<Vec<MasterInfo>>,
}

impl BackupMasterTracker {
    /// Follows the waiting masters of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let children = ChildrenTracker::new(zk.clone(), &*zk.paths.backup_masters);
        Self { zk, children, pending: None, known: BTreeMap::new(), given: None }
    }

    /// Waits until other masters wait; when called first, gives at once who does. By server name. A znode that can't be
    /// read is left out.
    ///
    /// # Errors
    /// Of ZooKeeper. The next call goes on where this one failed.
    pub async fn next(&mut self) -> Result<Vec<MasterInfo>, ZkError> {
        loop {
            let names = match self.pending.take() {
                Some(names) => names,
                None => self.children.next().await?.unwrap_or_default(),
            };
            self.pending = Some(names.clone());
            self.known.retain(|name, _| names.contains(name));
            for name in names.into_iter().filter(|name| !self.known.contains_key(name)).collect::<Vec<_>>() {
                if let Some(master) = self.read(&name).await? {
                    self.known.insert(name, master);
                }
            }
            self.pending = None;
            let mut masters: Vec<_> = self.known.values().cloned().collect();
            masters.sort_by(|a, b| a.server.cmp(&b.server));
            if self.given.as_ref() != Some(&masters) {
                self.given = Some(masters.clone());
                return Ok(masters);
            }
        }
    }

    async fn read(&self, name: &str) -> Result<Option<MasterInfo>, ZkError> {
        let Some(znode) = self.zk.get(&znode::join(&self.zk.paths.backup_masters, name)).await? else {
            return Ok(None);
        };
        let unread = |error| tracing::warn!(?error, "leaving out a backup master with unreadable data");
        Ok(znode.decode().map_err(unread).ok())
    }
}
