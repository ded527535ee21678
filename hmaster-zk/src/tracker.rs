//! Znodes that are followed as they change. Counterpart of `ZKListener` and `ZKNodeTracker`.
//!
//! A tracker is pulled: its `next` waits until what it follows differs from what it gave last. So there is no queue and
//! no task, and whoever is slow gets fewer, larger steps. `next` may be given up (in a `select!`) and called again; what
//! it had begun is then done over, and nothing is lost.
//!
//! Beneath each lies a [`NodeTracker`] or a [`ChildrenTracker`]: read with a watch, wait, read again. Waiting ends with
//! the watch's event, with a connection that came back, or after a session's timeout, so that a view is current again
//! after at most that time even if an event were lost. A failed read is an error, never an empty view: nobody is
//! reported gone because ZooKeeper didn't answer.

mod backup_masters;
mod children;
mod cluster_status;
mod draining;
mod maintenance;
mod master_address;
mod node;
mod region_servers;
mod server_set;
#[cfg(test)]
mod tests;
mod trigger;

use crate::codec::CodecError;
use crate::error::ZkError;

pub use backup_masters::BackupMasterTracker;
pub use children::ChildrenTracker;
pub use cluster_status::ClusterStatusTracker;
pub use draining::DrainingServerTracker;
pub use maintenance::MasterMaintenanceModeTracker;
pub use master_address::MasterAddressTracker;
pub use node::NodeTracker;
pub use region_servers::{RegionServerChanges, RegionServerTracker};
pub use server_set::ServerChanges;
pub use trigger::Trigger;

/// A znode can't be read, or what it holds can't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZnodeError {
    /// ZooKeeper doesn't give it.
    #[error(transparent)]
    Zk(#[from] ZkError),
    /// What it gives makes no sense.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
