//! What the master needs of the outside, as traits. Adapters implement them over sockets and files; simulation and tests
//! do in memory. Nothing here knows how.

pub mod files;
pub mod old_files;
pub mod region_servers;
pub mod snapshot_files;
pub mod store;
pub mod zookeeper;

pub use files::MasterFiles;
pub use old_files::OldFiles;
pub use region_servers::{RegionServers, RemoteError, RowMutation, ScanPage, ScanSpec};
pub use snapshot_files::SnapshotFiles;
pub use store::MasterStore;
pub use zookeeper::ClusterZooKeeper;
