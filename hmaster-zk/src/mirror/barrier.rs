//! The ground on which barrier procedures meet. Counterpart of the constructor of `ZKProcedureUtil` and of
//! `clearZNodes`; the coordinator isn't built.

use crate::error::ZkError;
use crate::paths::BarrierPaths;
use crate::watcher::ZkWatcher;

/// Makes the znodes of a kind of barrier procedure, such as `flush-table-proc`, without what a predecessor left there.
///
/// # Errors
/// Of ZooKeeper.
pub async fn prepare(zk: &ZkWatcher, kind: &str) -> Result<BarrierPaths, ZkError> {
    let paths = zk.paths.barrier(kind);
    for path in [&paths.acquired, &paths.reached, &paths.abort] {
        zk.create_with_parents(path, b"").await?;
        zk.delete_below(path).await?;
    }
    Ok(paths)
}
