//! Follows the data of one znode, which may come and go. Counterpart of `ZKNodeTracker`.

use super::trigger::{Trigger, Triggers};
use crate::error::ZkError;
use crate::session::NodeWatch;
use crate::watcher::{ZkWatcher, Znode};

/// Follows one znode.
#[derive(Debug)]
pub struct NodeTracker {
    zk: ZkWatcher,
    path: String,
    watch: Option<NodeWatch>,
    triggers: Triggers,
}

impl NodeTracker {
    /// Follows the znode at `path`.
    pub fn new(zk: ZkWatcher, path: impl Into<String>) -> Self {
        let triggers = Triggers::new(&**zk.zk.session());
        Self { zk, path: path.into(), watch: None, triggers }
    }

    /// The znode: at once when called first, later when there may be something new. May give the same again.
    ///
    /// # Errors
    /// Of ZooKeeper. The next call reads again.
    pub async fn next(&mut self) -> Result<Option<Znode>, ZkError> {
        self.triggered().await;
        self.read().await
    }

    /// Waits until there may be something new; none if nothing was read yet.
    pub async fn triggered(&mut self) -> Option<Trigger> {
        match &mut self.watch {
            Some(watch) => Some(self.triggers.next(watch).await),
            None => None,
        }
    }

    /// Reads the znode and watches it.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn read(&mut self) -> Result<Option<Znode>, ZkError> {
        self.watch = None;
        self.triggers.was_read();
        loop {
            match self.zk.zk.read_watch(&self.path).await {
                Ok((data, stat, watch)) => {
                    self.watch = Some(watch);
                    return Ok(Some(Znode { path: self.path.clone(), data, stat }));
                }
                Err(error) if error.is_no_node() => {}
                Err(error) => return Err(error),
            }
            // Reading a missing znode leaves no watch.
            if let (None, watch) = self.zk.zk.exists_watch(&self.path).await? {
                self.watch = Some(watch);
                return Ok(None);
            }
        }
    }
}
