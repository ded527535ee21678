//! What is yet to be replicated: `replication/rs/server/queue/WAL` and `replication/hfile-refs/peer/file`. Counterpart of
//! `ZKReplicationQueueStorage.getAllWALs` and `getAllHFileRefs`.

use std::collections::BTreeSet;

use hmaster_core::ports::zookeeper::ZooKeeperError;
use hmaster_zk::ZkWatcher;

use super::failed;

/// How often the queues are read when they change meanwhile. Java goes on for ever.
const ATTEMPTS_MAX: usize = 20;

/// A queue that moves from a dead server to another while it is read could be missed on both: the servers must be the same
/// before and after.
pub(super) async fn queued_wals(zk: &ZkWatcher) -> Result<BTreeSet<String>, ZooKeeperError> {
    let servers = &zk.paths.queues;
    for _ in 0..ATTEMPTS_MAX {
        let before = version(zk, servers).await?;
        let mut wals = BTreeSet::new();
        for server in children(zk, servers).await? {
            let server = format!("{servers}/{server}");
            for queue in children(zk, &server).await? {
                wals.extend(children(zk, &format!("{server}/{queue}")).await?);
            }
        }
        if version(zk, servers).await? == before {
            return Ok(wals);
        }
    }
    Err(failed(format!("{servers}: the queues change all the time")))
}

pub(super) async fn queued_hfiles(zk: &ZkWatcher) -> Result<BTreeSet<String>, ZooKeeperError> {
    let peers = &zk.paths.hfile_refs;
    for _ in 0..ATTEMPTS_MAX {
        let before = version(zk, peers).await?;
        let mut files = BTreeSet::new();
        for peer in children(zk, peers).await? {
            files.extend(children(zk, &format!("{peers}/{peer}")).await?);
        }
        if version(zk, peers).await? == before {
            return Ok(files);
        }
    }
    Err(failed(format!("{peers}: the lists change all the time")))
}

/// How often children have come or gone; none while the znode isn't there.
async fn version(zk: &ZkWatcher, path: &str) -> Result<Option<i32>, ZooKeeperError> {
    Ok(zk.get(path).await.map_err(failed)?.map(|znode| znode.stat.cversion))
}

async fn children(zk: &ZkWatcher, path: &str) -> Result<Vec<String>, ZooKeeperError> {
    Ok(zk.children(path).await.map_err(failed)?.unwrap_or_default())
}
