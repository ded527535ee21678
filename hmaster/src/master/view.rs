//! What this master sees of the cluster in ZooKeeper, whatever its role. Counterpart of `ActiveMasterManager`'s
//! `ZKListener`, `MetaRegionLocationCache` and `CachedClusterId`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_core::ports::zookeeper::{ClusterZooKeeper, MasterNode};
use hmaster_core::services::ClusterView;
use hmaster_rpc::server::ClusterIdSource;
use hmaster_types::{JavaException, RegionState, ServerName, class};
use hmaster_zk::tracker::{BackupMasterTracker, MasterAddressTracker, NodeTracker};
use hmaster_zk::{ClusterId, ZkError, ZkWatcher};
use parking_lot::RwLock;
use tokio_util::task::AbortOnDropHandle;

use crate::adapters::zookeeper::{Znodes, master_node};

/// Pause after ZooKeeper didn't answer a tracker.
pub(super) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// What was seen last.
#[derive(Debug, Default)]
pub(crate) struct View {
    seen: RwLock<Seen>,
    zk: RwLock<Option<ZkWatcher>>,
}

#[derive(Debug, Default)]
struct Seen {
    cluster_id: Option<String>,
    active: Option<MasterNode>,
    backups: Vec<MasterNode>,
}

/// The tasks that keep a [`View`] up to date, as long as this is kept.
#[derive(Debug)]
pub(super) struct Watching {
    _tasks: [AbortOnDropHandle<()>; 3],
}

impl View {
    /// Looks through `zk` from now on.
    pub(super) fn watch(self: &Arc<Self>, zk: &ZkWatcher) -> Watching {
        *self.zk.write() = Some(zk.clone());
        let (view, mut active) = (self.clone(), MasterAddressTracker::new(zk.clone()));
        let active = tokio::spawn(async move {
            loop {
                match or_pause("active master", active.next()).await {
                    Some(None) => view.seen.write().active = None,
                    Some(Some(Ok(info))) => view.seen.write().active = Some(master_node(&info)),
                    Some(Some(Err(error))) => tracing::warn!(%error, "can't read who the active master is"),
                    None => {}
                }
            }
        });
        let (view, mut backups) = (self.clone(), BackupMasterTracker::new(zk.clone()));
        let backups = tokio::spawn(async move {
            loop {
                if let Some(masters) = or_pause("backup masters", backups.next()).await {
                    view.seen.write().backups = masters.iter().map(master_node).collect();
                }
            }
        });
        let (view, mut id) = (self.clone(), NodeTracker::new(zk.clone(), zk.paths.cluster_id.clone()));
        let id = tokio::spawn(async move {
            loop {
                if let Some(Some(znode)) = or_pause("cluster id", id.next()).await {
                    match znode.decode::<ClusterId>() {
                        Ok(id) => view.seen.write().cluster_id = Some(id.0),
                        Err(error) => tracing::warn!(%error, "can't read the cluster's id"),
                    }
                }
            }
        });
        Watching { _tasks: [active, backups, id].map(AbortOnDropHandle::new) }
    }

    /// There is no session: nobody is known to be active.
    pub(super) fn forget(&self) {
        *self.zk.write() = None;
        let mut seen = self.seen.write();
        (seen.active, seen.backups) = (None, Vec::new());
    }

    fn znodes(&self) -> Result<Znodes, JavaException> {
        let zk = self.zk.read().clone();
        zk.map(Znodes).ok_or_else(|| JavaException::new(class::IO, "there is no connection to ZooKeeper yet"))
    }

    /// Takes in the id that the active master, this one, knows from its files.
    pub(super) fn set_cluster_id(&self, id: &str) {
        self.seen.write().cluster_id = Some(id.to_owned());
    }
}

/// What a tracker gives; none after an error, and a pause.
pub(super) async fn or_pause<T>(what: &str, next: impl Future<Output = Result<T, ZkError>>) -> Option<T> {
    match next.await {
        Ok(given) => Some(given),
        Err(error) => {
            tracing::debug!(%error, "following: {what}");
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            None
        }
    }
}

#[async_trait]
impl ClusterView for View {
    fn cluster_id(&self) -> Option<String> {
        self.seen.read().cluster_id.clone()
    }

    fn active_master(&self) -> Option<MasterNode> {
        self.seen.read().active.clone()
    }

    fn backup_masters(&self) -> Vec<MasterNode> {
        self.seen.read().backups.clone()
    }

    async fn region_servers(&self) -> Result<Vec<ServerName>, JavaException> {
        let there = self.znodes()?.region_servers().await;
        let there = there.map_err(|error| JavaException::new(class::IO, error.to_string()))?;
        Ok(there.into_iter().map(|node| node.server).collect())
    }

    async fn meta_locations(&self) -> Result<Vec<(u16, Option<ServerName>, RegionState)>, JavaException> {
        self.znodes()?
            .meta_locations()
            .await
            .map_err(|error| JavaException::new(class::IO, error.to_string()))
    }
}

#[async_trait]
impl ClusterIdSource for View {
    async fn cluster_id(&self) -> Option<String> {
        ClusterView::cluster_id(self)
    }
}
