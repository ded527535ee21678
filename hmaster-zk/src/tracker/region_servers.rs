//! Follows which region servers live. Counterpart of `RegionServerTracker`.
//!
//! A region server lives as long as its ephemeral znode. One that is reported gone is gone for good: its regions will be
//! given to others. So a removal is reported only when a list that ZooKeeper gave lacks it; that the znode above is
//! missing or that ZooKeeper doesn't answer is an error. In Java a missing znode reads as no servers.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hmaster_types::ServerName;

use super::server_set::{ServerChanges, ServerSetTracker};
use crate::codec::RegionServerInfo;
use crate::error::ZkError;
use crate::watcher::ZkWatcher;
use crate::znode;

/// Follows which region servers live.
#[derive(Debug)]
pub struct RegionServerTracker {
    zk: ZkWatcher,
    servers: ServerSetTracker,
    /// A change whose new servers aren't all read yet.
    pending: Option<(BTreeSet<ServerName>, ServerChanges)>,
}

/// How the set of region servers changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegionServerChanges {
    /// Who is new, with what it says of itself; none if that can't be read, or if it is gone again, which the next
    /// change will say.
    pub added: BTreeMap<ServerName, Option<RegionServerInfo>>,
    /// Who is gone.
    pub removed: BTreeSet<ServerName>,
}

impl RegionServerTracker {
    /// How many znodes of new servers are read at a time.
    const READS_IN_FLIGHT_MAX: usize = 64;

    /// Follows the region servers of `zk`'s cluster.
    pub fn new(zk: ZkWatcher) -> Self {
        let servers = ServerSetTracker::new(zk.clone(), &zk.paths.rs);
        Self { zk, servers, pending: None }
    }

    /// Who lives, as last given.
    pub fn live(&self) -> &BTreeSet<ServerName> {
        self.servers.known()
    }

    /// Waits for a change. When called first, gives at once who is there, after the server that answers has caught up
    /// with its leader.
    ///
    /// # Errors
    /// Of ZooKeeper, also when the znode of all region servers is missing. The next call goes on where this one failed.
    pub async fn next(&mut self) -> Result<RegionServerChanges, ZkError> {
        if self.pending.is_none() {
            if self.servers.is_new() {
                self.zk.zk.sync(&self.zk.paths.rs).await?;
            }
            self.pending = Some(self.servers.next().await?);
        }
        let added = match &self.pending {
            Some((_, changes)) => self.read_all(&changes.added).await?,
            None => BTreeMap::new(),
        };
        let (now, changes) = self.pending.take().unwrap_or_default();
        self.servers.accept(now);
        Ok(RegionServerChanges { added, removed: changes.removed })
    }

    async fn read_all(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, Option<RegionServerInfo>>, ZkError> {
        let read = |server: ServerName| async move {
            let info = self.read(&server).await?;
            Ok((server, info))
        };
        // Boxed, or the compiler can't see that this may be awaited in a spawned task.
        let reads: Vec<_> = servers.iter().map(|server| read(server.clone()).boxed()).collect();
        stream::iter(reads).buffer_unordered(Self::READS_IN_FLIGHT_MAX).try_collect().await
    }

    async fn read(&self, server: &ServerName) -> Result<Option<RegionServerInfo>, ZkError> {
        let Some(znode) = self.zk.get(&znode::join(&self.zk.paths.rs, server.as_str())).await? else {
            return Ok(None);
        };
        let unread = |error| tracing::warn!(%server, ?error, "region server with unreadable data");
        Ok(znode.decode().map_err(unread).ok())
    }
}
