//! States of tables, for clients of HBase 1. Counterpart of `MirroringTableStateManager`.

use std::collections::BTreeMap;

use hmaster_types::{TableName, TableState};

use crate::codec::Payload as _;
use crate::error::ZkError;
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;
use crate::znode;

/// Publishes a table's state.
///
/// # Errors
/// Of ZooKeeper.
pub async fn publish(zk: &ZkWatcher, table: &TableName, state: TableState) -> Result<(), ZkError> {
    zk.put(&path(zk, table), &state.encode()).await
}

/// Takes a table's state back, if it is published.
///
/// # Errors
/// Of ZooKeeper.
pub async fn remove(zk: &ZkWatcher, table: &TableName) -> Result<(), ZkError> {
    zk.delete_if_present(&path(zk, table)).await
}

/// Every published state. A child that is no table's is left out, and so is one that has no data yet.
///
/// # Errors
/// Of ZooKeeper, and when a state can't be read.
pub async fn read_all(zk: &ZkWatcher) -> Result<BTreeMap<TableName, TableState>, ZnodeError> {
    let mut states = BTreeMap::new();
    for name in zk.children(&zk.paths.table).await?.unwrap_or_default() {
        let Ok(table) = name.parse::<TableName>() else {
            tracing::warn!(name, "ignoring a child that is no table");
            continue;
        };
        if let Some(znode) = zk.get(&path(zk, &table)).await?
            && !znode.data.is_empty()
        {
            states.insert(table, znode.decode()?);
        }
    }
    Ok(states)
}

fn path(zk: &ZkWatcher, table: &TableName) -> String {
    znode::join(&zk.paths.table, &table.to_string())
}
