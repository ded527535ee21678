//! The cluster's znodes.

mod replication;

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_core::ports::zookeeper::{ClusterZooKeeper, MasterNode, RegionServerNode, ZooKeeperError};
use hmaster_core::servers::ServerVersion;
use hmaster_types::{ManualClock, NamespaceDescriptor, RegionState, ServerName, TableName, TableState};
use hmaster_zk::tracker::{
    BackupMasterTracker, ClusterStatusTracker, DrainingServerTracker, RegionServerTracker,
};
use hmaster_zk::{ClusterId, MasterInfo, MetaLocation, RegionServerInfo, SwitchKind, ZkWatcher, mirror};

/// ZooKeeper, as far as the cluster is in it.
#[derive(Debug, Clone)]
pub(crate) struct Znodes(pub(crate) ZkWatcher);

fn failed(error: impl std::fmt::Display) -> ZooKeeperError {
    ZooKeeperError(error.to_string())
}

/// A master's znode as the master's mind takes it.
pub(crate) fn master_node(info: &MasterInfo) -> MasterNode {
    MasterNode { server: info.server.clone(), info_port: info.info_port.unwrap_or(0) }
}

/// A region server's znode as the master's mind takes it.
pub(crate) fn region_server_node(server: &ServerName, info: Option<&RegionServerInfo>) -> RegionServerNode {
    let version = info.and_then(|info| info.version.as_ref()).map(ServerVersion::of);
    RegionServerNode { server: server.clone(), version: version.unwrap_or_default() }
}

fn switch(znode: &str) -> Result<SwitchKind, ZooKeeperError> {
    match znode {
        "balancer" => Ok(SwitchKind::Balancer),
        "normalizer" => Ok(SwitchKind::Normalizer),
        "switch/split" => Ok(SwitchKind::Split),
        "switch/merge" => Ok(SwitchKind::Merge),
        "snapshot-cleanup" => Ok(SwitchKind::SnapshotCleanup),
        other => Err(failed(format!("no switch is at {other}"))),
    }
}

#[async_trait]
impl ClusterZooKeeper for Znodes {
    async fn region_servers(&self) -> Result<Vec<RegionServerNode>, ZooKeeperError> {
        let mut tracker = RegionServerTracker::new(self.0.clone());
        let there = tracker.next().await.map_err(failed)?;
        Ok(there.added.iter().map(|(server, info)| region_server_node(server, info.as_ref())).collect())
    }

    async fn backup_masters(&self) -> Result<Vec<MasterNode>, ZooKeeperError> {
        let mut tracker = BackupMasterTracker::new(self.0.clone());
        Ok(tracker.next().await.map_err(failed)?.iter().map(master_node).collect())
    }

    async fn draining(&self) -> Result<Vec<ServerName>, ZooKeeperError> {
        let mut tracker = DrainingServerTracker::new(self.0.clone());
        Ok(tracker.next().await.map_err(failed)?.added.into_iter().collect())
    }

    async fn set_draining(&self, server: &ServerName, draining: bool) -> Result<(), ZooKeeperError> {
        let done = match draining {
            true => DrainingServerTracker::mark(&self.0, server).await,
            false => DrainingServerTracker::unmark(&self.0, server).await,
        };
        done.map_err(failed)
    }

    async fn set_cluster_up(&self, up: Option<u64>) -> Result<(), ZooKeeperError> {
        let done = match up {
            Some(since_ms) => ClusterStatusTracker::set_up(&self.0, &ManualClock::at(since_ms)).await,
            None => ClusterStatusTracker::set_down(&self.0).await,
        };
        done.map_err(failed)
    }

    async fn publish_cluster_id(&self, cluster_id: &str) -> Result<(), ZooKeeperError> {
        mirror::cluster_id::publish(&self.0, &ClusterId(cluster_id.to_owned())).await.map_err(failed)
    }

    async fn meta_locations(&self) -> Result<Vec<(u16, Option<ServerName>, RegionState)>, ZooKeeperError> {
        let locations = mirror::meta_location::read_all(&self.0).await.map_err(failed)?;
        Ok(locations.into_iter().map(|(replica, at)| (replica, Some(at.server), at.state)).collect())
    }

    async fn mirror_meta_location(
        &self,
        replica: u16,
        server: Option<&ServerName>,
        state: RegionState,
    ) -> Result<(), ZooKeeperError> {
        let Some(server) = server else {
            // A znode without a server isn't one that others can read. As in Java the last place stays; it is tried in
            // vain, which is what happens to any place that has just changed.
            return Ok(());
        };
        let location = MetaLocation { server: server.clone(), state };
        mirror::meta_location::publish(&self.0, replica, &location).await.map_err(failed)
    }

    async fn remove_meta_location(&self, replica: u16) -> Result<(), ZooKeeperError> {
        mirror::meta_location::remove(&self.0, replica).await.map_err(failed)
    }

    async fn mirror_table_state(
        &self,
        table: &TableName,
        state: Option<TableState>,
    ) -> Result<(), ZooKeeperError> {
        let done = match state {
            Some(state) => mirror::table_state::publish(&self.0, table, state).await,
            None => mirror::table_state::remove(&self.0, table).await,
        };
        done.map_err(failed)
    }

    async fn mirror_namespace(
        &self,
        name: &str,
        namespace: Option<&NamespaceDescriptor>,
    ) -> Result<(), ZooKeeperError> {
        let done = match namespace {
            Some(namespace) => mirror::namespace::publish(&self.0, namespace).await,
            None => mirror::namespace::remove(&self.0, name).await,
        };
        done.map_err(failed)
    }

    async fn old_switch(&self, znode: &str) -> Result<Option<Bytes>, ZooKeeperError> {
        let switch = mirror::old_switch::read(&self.0, switch(znode)?).await.map_err(failed)?;
        Ok(switch.map(|switch| switch.payload))
    }

    async fn remove_old_switch(&self, znode: &str) -> Result<(), ZooKeeperError> {
        mirror::old_switch::remove(&self.0, switch(znode)?).await.map_err(failed)
    }

    async fn replication_peers(&self) -> Result<Vec<String>, ZooKeeperError> {
        Ok(self.0.children(&self.0.paths.peers).await.map_err(failed)?.unwrap_or_default())
    }

    async fn queued_wals(&self) -> Result<BTreeSet<String>, ZooKeeperError> {
        replication::queued_wals(&self.0).await
    }

    async fn queued_hfiles(&self) -> Result<BTreeSet<String>, ZooKeeperError> {
        replication::queued_hfiles(&self.0).await
    }
}
