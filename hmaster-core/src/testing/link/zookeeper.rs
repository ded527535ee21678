//! ZooKeeper.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::{NamespaceDescriptor, RegionState, ServerName, TableName, TableState};

use super::MasterLink;
use crate::ports::zookeeper::{ClusterZooKeeper, MasterNode, RegionServerNode, ZooKeeperError};
use crate::servers::ServerVersion;
use crate::testing::state::Znodes;

type Done<T> = Result<T, ZooKeeperError>;

impl MasterLink {
    async fn znodes(&self, what: impl FnOnce() -> String, change: impl FnOnce(&mut Znodes)) -> Done<()> {
        self.has_session().await?;
        self.write(what, |state| change(&mut state.znodes)).await;
        self.world.znodes_changed();
        Ok(())
    }

    async fn has_session(&self) -> Done<()> {
        self.alive().await;
        if self.is_session_over() {
            return Err(ZooKeeperError("the session is over".into()));
        }
        match self.world.with(|state| self.world.chance().happens(state.faults.zookeeper)) {
            true => Err(ZooKeeperError("ZooKeeper fails".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl ClusterZooKeeper for MasterLink {
    async fn region_servers(&self) -> Done<Vec<RegionServerNode>> {
        let node = |server: &ServerName| RegionServerNode {
            server: server.clone(),
            version: ServerVersion::default(),
        };
        self.has_session().await?;
        Ok(self.read(|state| state.znodes.region_servers.iter().map(node).collect()).await)
    }

    async fn backup_masters(&self) -> Done<Vec<MasterNode>> {
        Ok(Vec::new())
    }

    async fn draining(&self) -> Done<Vec<ServerName>> {
        self.has_session().await?;
        Ok(self.read(|state| state.znodes.draining.iter().cloned().collect()).await)
    }

    async fn set_draining(&self, server: &ServerName, draining: bool) -> Done<()> {
        let change = |znodes: &mut Znodes| match draining {
            true => drop(znodes.draining.insert(server.clone())),
            false => drop(znodes.draining.remove(server)),
        };
        self.znodes(|| format!("{server} draining: {draining}"), change).await
    }

    async fn set_cluster_up(&self, up: Option<u64>) -> Done<()> {
        self.has_session().await?;
        self.write(
            || format!("cluster up: {}", up.is_some()),
            |state| {
                state.znodes.running = up;
                state.truth.is_going_down = up.is_none();
            },
        )
        .await;
        self.world.znodes_changed();
        Ok(())
    }

    async fn publish_cluster_id(&self, cluster_id: &str) -> Done<()> {
        self.znodes(|| "cluster id".into(), |znodes| znodes.cluster_id = Some(cluster_id.to_owned())).await
    }

    async fn meta_locations(&self) -> Done<Vec<(u16, Option<ServerName>, RegionState)>> {
        let shown = |(replica, (server, state)): (&u16, &(Option<ServerName>, RegionState))| {
            (*replica, server.clone(), *state)
        };
        Ok(self.read(|state| state.znodes.meta.iter().map(shown).collect()).await)
    }

    async fn mirror_meta_location(
        &self,
        replica: u16,
        server: Option<&ServerName>,
        state: RegionState,
    ) -> Done<()> {
        let change = |znodes: &mut Znodes| drop(znodes.meta.insert(replica, (server.cloned(), state)));
        self.znodes(|| format!("hbase:meta shown as {state}"), change).await
    }

    async fn remove_meta_location(&self, replica: u16) -> Done<()> {
        self.znodes(
            || format!("replica {replica} of hbase:meta"),
            |znodes| drop(znodes.meta.remove(&replica)),
        )
        .await
    }

    async fn mirror_table_state(&self, table: &TableName, state: Option<TableState>) -> Done<()> {
        let change = |znodes: &mut Znodes| match state {
            Some(state) => drop(znodes.tables.insert(table.clone(), state)),
            None => drop(znodes.tables.remove(table)),
        };
        self.znodes(|| format!("{table} shown as {state:?}"), change).await
    }

    async fn mirror_namespace(&self, name: &str, namespace: Option<&NamespaceDescriptor>) -> Done<()> {
        let change = |znodes: &mut Znodes| match namespace {
            Some(namespace) => drop(znodes.namespaces.insert(name.to_owned(), namespace.clone())),
            None => drop(znodes.namespaces.remove(name)),
        };
        self.znodes(|| format!("namespace {name} shown"), change).await
    }

    async fn old_switch(&self, znode: &str) -> Done<Option<Bytes>> {
        Ok(self.read(|state| state.znodes.switches.get(znode).cloned()).await)
    }

    async fn remove_old_switch(&self, znode: &str) -> Done<()> {
        if self.read(|state| state.znodes.switches.contains_key(znode)).await {
            self.znodes(|| format!("old switch {znode}"), |znodes| drop(znodes.switches.remove(znode)))
                .await?;
        }
        Ok(())
    }

    async fn replication_peers(&self) -> Done<Vec<String>> {
        Ok(self.read(|state| state.znodes.peers.iter().cloned().collect()).await)
    }

    async fn queued_wals(&self) -> Done<BTreeSet<String>> {
        Ok(self.read(|state| state.znodes.queued_wals.clone()).await)
    }

    async fn queued_hfiles(&self) -> Done<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }
}
