//! What changes in ZooKeeper while this master is active. Counterpart of `RegionServerTracker` and
//! `DrainingServerTracker`, as far as they act.

use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::ports::zookeeper::ZooKeeperEvent;

impl MasterEnv {
    /// Takes in what ZooKeeper shows now. A server whose znode is gone is expired.
    pub async fn zookeeper_changed(&self, event: ZooKeeperEvent) {
        match event {
            ZooKeeperEvent::RegionServers(nodes) => {
                let changes = self.servers.znodes(&nodes);
                if changes.joined {
                    self.server_joined();
                }
                for server in changes.gone {
                    tracing::warn!(%server, "its znode is gone");
                    self.expire_server(&server).await;
                }
            }
            ZooKeeperEvent::Draining(draining) => {
                self.servers.set_draining(draining);
                self.set_condition(Event::ServerAssignable, !self.servers.assignable().is_empty());
            }
            ZooKeeperEvent::ClusterDown => {
                tracing::info!("the cluster goes down");
                self.servers.go_down();
            }
        }
    }

    /// A server that no event told of has reported. A server that was held up for so long that its session ended and its
    /// regions were recovered by an earlier master reports like any other, and no event will tell that it is gone.
    pub(crate) async fn look_for_znodes(&self) {
        match self.zookeeper.region_servers().await {
            Ok(nodes) => self.zookeeper_changed(ZooKeeperEvent::RegionServers(nodes)).await,
            // The next event tells.
            Err(error) => tracing::warn!(%error, "it isn't known whether the server has a znode"),
        }
    }

    /// Declares the cluster down: region servers see that and leave, and are not recovered.
    ///
    /// # Errors
    /// When ZooKeeper doesn't take it. Then nothing has changed.
    pub async fn shut_cluster_down(&self) -> Result<(), StepError> {
        // A cluster that isn't declared down must go on recovering its servers.
        self.zookeeper.set_cluster_up(None).await?;
        self.servers.go_down();
        Ok(())
    }

    /// Ends when the cluster was declared down and the last region server has left.
    pub async fn cluster_stopped(&self) {
        let mut changes = self.servers.changes();
        loop {
            changes.mark_unchanged();
            if self.servers.is_going_down() && self.servers.online_count() == 0 {
                return;
            }
            changes.changed().await;
        }
    }
}
