//! Tells an active master what changes in ZooKeeper.

use hmaster_core::environment::MasterEnv;
use hmaster_core::ports::zookeeper::ZooKeeperEvent;
use hmaster_zk::ZkWatcher;
use hmaster_zk::tracker::{ClusterStatusTracker, DrainingServerTracker, RegionServerTracker};

use super::view::or_pause;
use crate::adapters::zookeeper::region_server_node;

/// Follows everything, as long as it is polled.
pub(super) async fn follow(zk: &ZkWatcher, env: &MasterEnv) {
    tokio::join!(region_servers(zk, env), draining(zk, env), cluster_down(zk, env));
}

async fn region_servers(zk: &ZkWatcher, env: &MasterEnv) {
    let mut tracker = RegionServerTracker::new(zk.clone());
    let mut infos = std::collections::BTreeMap::new();
    loop {
        let Some(changes) = or_pause("region servers", tracker.next()).await else { continue };
        infos.extend(changes.added);
        infos.retain(|server, _| tracker.live().contains(server));
        let nodes = infos.iter().map(|(server, info)| region_server_node(server, info.as_ref())).collect();
        env.zookeeper_changed(ZooKeeperEvent::RegionServers(nodes)).await;
    }
}

async fn draining(zk: &ZkWatcher, env: &MasterEnv) {
    let mut tracker = DrainingServerTracker::new(zk.clone());
    loop {
        if or_pause("draining servers", tracker.next()).await.is_some() {
            let draining = tracker.draining().iter().cloned().collect();
            env.zookeeper_changed(ZooKeeperEvent::Draining(draining)).await;
        }
    }
}

/// Down is what was up before: when this begins the cluster may not have been declared up yet.
async fn cluster_down(zk: &ZkWatcher, env: &MasterEnv) {
    let mut tracker = ClusterStatusTracker::new(zk.clone());
    let mut was_up = false;
    loop {
        match or_pause("state of the cluster", tracker.next()).await {
            Some(true) => was_up = true,
            Some(false) if was_up => env.zookeeper_changed(ZooKeeperEvent::ClusterDown).await,
            Some(false) | None => {}
        }
    }
}
