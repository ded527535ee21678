//! Follows which children a znode has. Counterpart of `ZKUtil.listChildrenAndWatchForNewChildren`.

use std::collections::BTreeSet;

use super::trigger::Triggers;
use crate::error::ZkError;
use crate::session::NodeWatch;
use crate::watcher::ZkWatcher;

/// Follows the children of one znode.
#[derive(Debug)]
pub struct ChildrenTracker {
    zk: ZkWatcher,
    path: String,
    watch: Option<NodeWatch>,
    triggers: Triggers,
}

impl ChildrenTracker {
    /// Follows the children of the znode at `path`.
    pub fn new(zk: ZkWatcher, path: impl Into<String>) -> Self {
        let triggers = Triggers::new(&**zk.zk.session());
        Self { zk, path: path.into(), watch: None, triggers }
    }

    /// The znode whose children it follows.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The children's names, none if the znode isn't there: at once when called first, later when there may be
    /// something new. May give the same again.
    ///
    /// # Errors
    /// Of ZooKeeper. The next call reads again.
    pub async fn next(&mut self) -> Result<Option<BTreeSet<String>>, ZkError> {
        if let Some(watch) = &mut self.watch {
            self.triggers.next(watch).await;
        }
        self.read().await
    }

    async fn read(&mut self) -> Result<Option<BTreeSet<String>>, ZkError> {
        self.watch = None;
        self.triggers.was_read();
        loop {
            match self.zk.zk.children_watch(&self.path).await {
                Ok((names, watch)) => {
                    self.watch = Some(watch);
                    return Ok(Some(names.into_iter().collect()));
                }
                Err(error) if error.is_no_node() => {}
                Err(error) => return Err(error),
            }
            // Listing the children of a missing znode leaves no watch.
            if let (None, watch) = self.zk.zk.exists_watch(&self.path).await? {
                self.watch = Some(watch);
                return Ok(None);
            }
        }
    }
}
