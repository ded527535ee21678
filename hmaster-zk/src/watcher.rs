//! A session with the paths of one cluster, and the ways HBase writes and reads znodes. Counterpart of `ZKWatcher` and
//! `ZKUtil`.
//!
//! Differs from Java in that it has no listeners: whoever follows a znode holds its own watch ([`crate::tracker`]).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::Chance;

use crate::acl::AclPolicy;
use crate::codec::{CodecError, CodecReason};
use crate::config::ZkConfig;
use crate::envelope;
use crate::error::ZkError;
use crate::paths::ZnodePaths;
use crate::recoverable::RecoverableZooKeeper;
use crate::session::{MultiOp, RealSession, ZkSession};
use crate::znode::{self, CreateMode, Stat};

/// A session with the paths of one cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ZkWatcher {
    /// The session, with repetition.
    pub zk: RecoverableZooKeeper,
    /// Where everything is.
    pub paths: Arc<ZnodePaths>,
    acls: AclPolicy,
}

/// A znode as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Znode {
    /// Where it is.
    pub path: String,
    /// Its data, envelope included.
    pub data: Bytes,
    /// What else ZooKeeper knows of it.
    pub stat: Stat,
}

impl Znode {
    /// The data without envelope.
    ///
    /// # Errors
    /// When the envelope doesn't fit into the data.
    pub fn payload(&self) -> Result<Bytes, CodecError> {
        envelope::unwrap(&self.data)
            .map_err(|reason| CodecError::new(&self.path, CodecReason::Envelope(reason)))
    }
}

impl ZkWatcher {
    /// How many znodes below one are looked at to delete it.
    const TREE_ZNODES_MAX: usize = 1_000_000;

    /// `session` for the process `identifier`, such as `master:16000`.
    pub fn new(
        session: Arc<dyn ZkSession>,
        identifier: impl Into<String>,
        chance: Chance,
        config: &ZkConfig,
    ) -> Self {
        let zk = RecoverableZooKeeper::new(session, identifier, chance, config.retry);
        Self { zk, paths: Arc::new(config.paths.clone()), acls: config.acls }
    }

    /// Establishes a session over TCP.
    ///
    /// # Errors
    /// Like [`RealSession::connect`].
    pub async fn connect(
        config: &ZkConfig,
        identifier: impl Into<String>,
        chance: Chance,
    ) -> Result<Self, ZkError> {
        let session = RealSession::connect(&config.session).await?;
        Ok(Self::new(session, identifier, chance, config))
    }

    /// Makes the znodes that everything else is below. Counterpart of `createBaseZNodes`.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn create_base_znodes(&self) -> Result<(), ZkError> {
        let paths = &self.paths;
        self.create_with_parents(&paths.base, b"").await?;
        // At the same time: the ensemble syncs them to disk together.
        let make = |path| self.create_if_absent(path, b"");
        tokio::try_join!(
            make(&paths.rs),
            make(&paths.draining),
            make(&paths.table),
            make(&paths.split_wal),
            make(&paths.backup_masters),
            make(&paths.master_maintenance),
        )?;
        Ok(())
    }

    /// Makes a znode with the ACL that its path gets.
    ///
    /// # Errors
    /// Like [`RecoverableZooKeeper::create`].
    pub async fn create(
        &self,
        path: &str,
        payload: &[u8],
        mode: CreateMode,
    ) -> Result<(String, Stat), ZkError> {
        self.zk.create(path, payload, mode, &self.acls.acl_for(path, &self.paths)).await
    }

    /// Makes a znode and carries out `others`, all or nothing.
    ///
    /// # Errors
    /// Like [`RecoverableZooKeeper::create_with`].
    pub async fn create_with(
        &self,
        path: &str,
        payload: &[u8],
        mode: CreateMode,
        others: Vec<MultiOp>,
    ) -> Result<(), ZkError> {
        self.zk.create_with(path, payload, mode, &self.acls.acl_for(path, &self.paths), others).await
    }

    /// Makes a persistent znode unless it is there. Counterpart of `createAndFailSilent`.
    ///
    /// # Errors
    /// Of ZooKeeper, but for an existing znode.
    pub async fn create_if_absent(&self, path: &str, payload: &[u8]) -> Result<(), ZkError> {
        match self.create(path, payload, CreateMode::Persistent).await {
            Err(error) if error.is_node_exists() => Ok(()),
            created => created.map(drop),
        }
    }

    /// Makes a persistent znode unless it is there, and whatever is missing above it, empty. Counterpart of
    /// `createWithParents`.
    ///
    /// # Errors
    /// Of ZooKeeper, but for an existing znode.
    pub async fn create_with_parents(&self, path: &str, payload: &[u8]) -> Result<(), ZkError> {
        match self.create_if_absent(path, payload).await {
            Err(error) if error.is_no_node() => {}
            done => return done,
        }
        let above: Vec<&str> =
            std::iter::successors(znode::parent(path), |path| znode::parent(path)).collect();
        for path in above.into_iter().rev().filter(|path| *path != "/") {
            self.create_if_absent(path, b"").await?;
        }
        self.create_if_absent(path, payload).await
    }

    /// Reads a znode, none if it isn't there.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn get(&self, path: &str) -> Result<Option<Znode>, ZkError> {
        match self.zk.read(path).await {
            Ok((data, stat)) => Ok(Some(Znode { path: path.to_owned(), data, stat })),
            Err(error) if error.is_no_node() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the names of a znode's children, sorted, none if it isn't there.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        match self.zk.children(path).await {
            Ok(mut names) => {
                names.sort_unstable();
                Ok(Some(names))
            }
            Err(error) if error.is_no_node() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a znode's data, making it and what is missing above it if need be. Counterpart of `createSetData`.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn put(&self, path: &str, payload: &[u8]) -> Result<(), ZkError> {
        match self.zk.set(path, payload, None).await {
            Err(error) if error.is_no_node() => {}
            done => return done.map(drop),
        }
        match self.create(path, payload, CreateMode::Persistent).await {
            Err(error) if error.is_no_node() => self.create_with_parents(path, payload).await?,
            Err(error) if error.is_node_exists() => {}
            done => return done.map(drop),
        }
        // Someone else made it meanwhile, perhaps with other data.
        self.zk.set(path, payload, None).await.map(drop)
    }

    /// Removes a znode if it is there. Counterpart of `deleteNodeFailSilent`.
    ///
    /// # Errors
    /// Of ZooKeeper, but for a missing znode.
    pub async fn delete_if_present(&self, path: &str) -> Result<(), ZkError> {
        match self.zk.delete(path, None).await {
            Err(error) if error.is_no_node() => Ok(()),
            deleted => deleted,
        }
    }

    /// Removes all that is below a znode, not the znode. Counterpart of `deleteChildrenRecursively`.
    ///
    /// # Errors
    /// Of ZooKeeper; some of it may be gone then.
    pub async fn delete_below(&self, path: &str) -> Result<(), ZkError> {
        let mut found = Vec::new();
        let mut unlisted = VecDeque::from([path.to_owned()]);
        while let Some(path) = unlisted.pop_front() {
            let names = self.children(&path).await?.unwrap_or_default();
            let below: Vec<_> = names.iter().map(|name| znode::join(&path, name)).collect();
            unlisted.extend(below.iter().cloned());
            found.extend(below);
            if found.len() > Self::TREE_ZNODES_MAX {
                break; // what was found goes; the rest is left and makes the next delete fail
            }
        }
        for path in found.iter().rev() {
            self.delete_if_present(path).await?;
        }
        Ok(())
    }

    /// Removes a znode and all that is below it. Counterpart of `deleteNodeRecursively`.
    ///
    /// # Errors
    /// Of ZooKeeper; some of it may be gone then.
    pub async fn delete_tree(&self, path: &str) -> Result<(), ZkError> {
        self.delete_below(path).await?;
        self.delete_if_present(path).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::memory::{Faults, MemoryZooKeeper};

    fn watcher() -> (MemoryZooKeeper, ZkWatcher) {
        let ensemble = MemoryZooKeeper::new(Chance::seeded(1));
        let session = ensemble.connect(Duration::from_secs(10), Faults::NONE);
        let config = ZkConfig::from_lookup(|key| (key == "zookeeper.znode.parent").then(|| "/a/b".into()));
        (ensemble, ZkWatcher::new(session, "master:16000", Chance::seeded(2), &config.unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn base_znodes_are_made_once_and_again() {
        let (ensemble, zk) = watcher();
        for _ in 0..2 {
            zk.create_base_znodes().await.unwrap();
            let made = ["backup-masters", "draining", "master-maintenance", "rs", "splitWAL", "table"];
            assert_eq!(ensemble.children("/a/b").unwrap(), made);
        }
        assert_eq!(ensemble.data("/a/b/rs").unwrap(), "", "empty data has no envelope");
        assert_eq!(ensemble.acl("/a/b/rs").unwrap(), znode::Acl::open());
    }

    #[tokio::test(start_paused = true)]
    async fn data_is_put_whether_the_znode_is_there_or_not() {
        let (_ensemble, zk) = watcher();
        for payload in ["one", "two"] {
            zk.put("/x/y/z", payload.as_bytes()).await.unwrap();
            let found = zk.get("/x/y/z").await.unwrap().unwrap();
            assert_eq!(found.payload().unwrap(), payload);
        }
        assert_eq!(zk.get("/x/nothing").await.unwrap(), None);
        assert_eq!(zk.children("/nothing").await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn trees_are_deleted() {
        let (ensemble, zk) = watcher();
        for path in ["/t/a/b/c", "/t/a/d", "/t/e"] {
            zk.put(path, b"x").await.unwrap();
        }
        zk.delete_below("/t/a").await.unwrap();
        assert_eq!(ensemble.children("/t").unwrap(), ["a", "e"]);
        zk.delete_tree("/t").await.unwrap();
        zk.delete_tree("/t").await.unwrap();
        assert_eq!(ensemble.children("/").unwrap(), Vec::<String>::new());
    }
}
