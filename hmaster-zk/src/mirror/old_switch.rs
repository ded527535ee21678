//! Switches that a master before 2.6 left in ZooKeeper. Counterpart of `MasterStateStore.tryMigrate`.
//!
//! The rule: where the master's local region has a row for the switch, that counts; else the znode's payload becomes the
//! row's value. In both cases the znode goes. So: [`read`], store, [`remove`], in this order.

use bytes::Bytes;

use crate::codec::{CodecError, SwitchKind};
use crate::error::ZkError;
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;

/// A switch as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSwitch {
    /// What becomes the row's value, as it is.
    pub payload: Bytes,
    /// What that says.
    pub on: bool,
}

/// Reads a switch; none if it isn't there or says nothing.
///
/// # Errors
/// Of ZooKeeper, and when the znode can't be read.
pub async fn read(zk: &ZkWatcher, kind: SwitchKind) -> Result<Option<OldSwitch>, ZnodeError> {
    let Some(znode) = zk.get(kind.path(&zk.paths)).await? else { return Ok(None) };
    let payload = znode.payload()?;
    if payload.is_empty() {
        return Ok(None);
    }
    let on = kind.decode(&payload).map_err(|reason| CodecError::new(&znode.path, reason))?;
    Ok(Some(OldSwitch { payload, on }))
}

/// Removes a switch, if it is there.
///
/// # Errors
/// Of ZooKeeper.
pub async fn remove(zk: &ZkWatcher, kind: SwitchKind) -> Result<(), ZkError> {
    zk.delete_if_present(kind.path(&zk.paths)).await
}
