//! What the master shows in ZooKeeper, and what it learns there.
//!
//! Writes are mirrors: region servers and clients read them, the master doesn't. What it learns comes as
//! [`ZooKeeperEvent`]s, whole lists each time, so that a lost event is made good by the next.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::{NamespaceDescriptor, RegionState, ServerName, TableName, TableState};

use crate::servers::manager::ServerVersion;

/// A znode couldn't be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ZooKeeperError(pub String);

/// A region server's znode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionServerNode {
    /// Whose it is.
    pub server: ServerName,
    /// What it says of its version.
    pub version: ServerVersion,
}

/// A master as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterNode {
    /// Its name.
    pub server: ServerName,
    /// The port of its pages; 0 when it has none.
    pub info_port: u16,
}

/// What changed in ZooKeeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZooKeeperEvent {
    /// The region servers that have znodes now.
    RegionServers(Vec<RegionServerNode>),
    /// The servers marked as draining now.
    Draining(Vec<ServerName>),
    /// The cluster was up and was declared down.
    ClusterDown,
}

/// The cluster's znodes.
#[async_trait]
pub trait ClusterZooKeeper: Send + Sync {
    /// The region servers that have znodes now.
    async fn region_servers(&self) -> Result<Vec<RegionServerNode>, ZooKeeperError>;

    /// The masters that wait now.
    async fn backup_masters(&self) -> Result<Vec<MasterNode>, ZooKeeperError>;

    /// The servers marked as draining.
    async fn draining(&self) -> Result<Vec<ServerName>, ZooKeeperError>;

    /// Marks or unmarks a server as draining.
    async fn set_draining(&self, server: &ServerName, draining: bool) -> Result<(), ZooKeeperError>;

    /// Declares the cluster up, since `start_ms`, or down.
    async fn set_cluster_up(&self, up: Option<u64>) -> Result<(), ZooKeeperError>;

    /// Shows the cluster's id.
    async fn publish_cluster_id(&self, cluster_id: &str) -> Result<(), ZooKeeperError>;

    /// Where hbase:meta was, as an earlier master showed it: by replica.
    async fn meta_locations(&self) -> Result<Vec<(u16, Option<ServerName>, RegionState)>, ZooKeeperError>;

    /// Shows where a replica of hbase:meta is.
    async fn mirror_meta_location(
        &self,
        replica: u16,
        server: Option<&ServerName>,
        state: RegionState,
    ) -> Result<(), ZooKeeperError>;

    /// Takes away a replica of hbase:meta that is no more.
    async fn remove_meta_location(&self, replica: u16) -> Result<(), ZooKeeperError>;

    /// Shows a table's state, or takes it away.
    async fn mirror_table_state(
        &self,
        table: &TableName,
        state: Option<TableState>,
    ) -> Result<(), ZooKeeperError>;

    /// Shows a namespace, or takes it away.
    async fn mirror_namespace(
        &self,
        name: &str,
        namespace: Option<&NamespaceDescriptor>,
    ) -> Result<(), ZooKeeperError>;

    /// The value of a switch that masters up to 2.5 kept in ZooKeeper, by its name under the base znode.
    async fn old_switch(&self, znode: &str) -> Result<Option<Bytes>, ZooKeeperError>;

    /// Removes a switch that was taken over.
    async fn remove_old_switch(&self, znode: &str) -> Result<(), ZooKeeperError>;

    /// The replication peers that are kept here, by id.
    async fn replication_peers(&self) -> Result<Vec<String>, ZooKeeperError>;

    /// The names of all WALs that are yet to be replicated: those in any queue of any server, at one moment.
    async fn queued_wals(&self) -> Result<BTreeSet<String>, ZooKeeperError>;

    /// The names of bulk-loaded store files that are yet to be replicated.
    async fn queued_hfiles(&self) -> Result<BTreeSet<String>, ZooKeeperError>;
}
