//! How clients find the cluster, asked of a region server. Counterpart of the `ClientMetaService` and
//! `BootstrapNodeService` of `RSRpcServices`.
//!
//! Differs from Java in that bootstrap nodes are the live region servers in ZooKeeper; Java's servers ask one another.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::bootstrap_node_service::BootstrapNodeService;
use hmaster_protocol::services::client_meta_service::ClientMetaService;
use hmaster_protocol::{CallContext, pb};
use hmaster_rpc::server::ClusterIdSource;
use hmaster_types::{JavaException, RegionInfo, ServerName, class};
use hmaster_zk::tracker::BackupMasterTracker;
use hmaster_zk::{ZkWatcher, mirror};

use crate::server::Server;

/// `ClientMetaService`.
#[derive(Debug)]
pub(crate) struct Registry(pub(crate) Arc<Server>);

/// `BootstrapNodeService`.
#[derive(Debug)]
pub(crate) struct Bootstrap(pub(crate) Arc<Server>);

/// Answers the registry preamble.
#[derive(Debug)]
pub(crate) struct ClusterId(pub(crate) Arc<Server>);

/// As many region servers are told to a client: `hbase.client.bootstrap.node.limit`.
const NODES_MAX: usize = 10;

#[async_trait]
impl ClusterIdSource for ClusterId {
    async fn cluster_id(&self) -> Option<String> {
        self.0.cluster_id.get().cloned()
    }
}

impl Registry {
    fn zk(&self) -> Result<&ZkWatcher, JavaException> {
        let message = || format!("Server {} is not running yet", self.0.label());
        self.0.zk.get().ok_or_else(|| JavaException::new(class::SERVER_NOT_RUNNING_YET, message()))
    }
}

#[async_trait]
impl ClientMetaService<CallContext> for Registry {
    async fn get_cluster_id(
        &self,
        _call: &CallContext,
        _request: pb::GetClusterIdRequest,
    ) -> Result<pb::GetClusterIdResponse, JavaException> {
        Ok(pb::GetClusterIdResponse { cluster_id: self.0.cluster_id.get().cloned() })
    }

    async fn get_active_master(
        &self,
        _call: &CallContext,
        _request: pb::GetActiveMasterRequest,
    ) -> Result<pb::GetActiveMasterResponse, JavaException> {
        Ok(pb::GetActiveMasterResponse { server_name: self.0.link.active().as_ref().map(Into::into) })
    }

    async fn get_masters(
        &self,
        _call: &CallContext,
        _request: pb::GetMastersRequest,
    ) -> Result<pb::GetMastersResponse, JavaException> {
        let entry = |server: &ServerName, is_active| pb::GetMastersResponseEntry {
            server_name: server.into(),
            is_active,
        };
        let active = self.0.link.active();
        let mut backups = BackupMasterTracker::new(self.zk()?.clone());
        let backups = backups.next().await.map_err(|error| io(&error))?;
        let active = active.iter().map(|server| entry(server, true));
        let backups = backups.iter().map(|master| entry(&master.server, false));
        Ok(pb::GetMastersResponse { master_servers: active.chain(backups).collect() })
    }

    async fn get_meta_region_locations(
        &self,
        _call: &CallContext,
        _request: pb::GetMetaRegionLocationsRequest,
    ) -> Result<pb::GetMetaRegionLocationsResponse, JavaException> {
        let locations = mirror::meta_location::read_all(self.zk()?).await.map_err(|error| io(&error))?;
        let location = |(replica, at): (u16, hmaster_zk::MetaLocation)| pb::RegionLocation {
            region_info: (&RegionInfo::meta_replica(replica)).into(),
            server_name: Some((&at.server).into()),
            seq_num: 0,
        };
        Ok(pb::GetMetaRegionLocationsResponse {
            meta_locations: locations.into_iter().map(location).collect(),
        })
    }

    async fn get_bootstrap_nodes(
        &self,
        _call: &CallContext,
        _request: pb::GetBootstrapNodesRequest,
    ) -> Result<pb::GetBootstrapNodesResponse, JavaException> {
        let mut nodes = region_servers(self.zk()?).await?;
        self.0.chance.shuffle(&mut nodes);
        nodes.truncate(NODES_MAX);
        Ok(pb::GetBootstrapNodesResponse { server_name: nodes.iter().map(Into::into).collect() })
    }
}

#[async_trait]
impl BootstrapNodeService<CallContext> for Bootstrap {
    async fn get_all_bootstrap_nodes(
        &self,
        _call: &CallContext,
        _request: pb::GetAllBootstrapNodesRequest,
    ) -> Result<pb::GetAllBootstrapNodesResponse, JavaException> {
        let registry = Registry(self.0.clone());
        let nodes = region_servers(registry.zk()?).await?;
        Ok(pb::GetAllBootstrapNodesResponse { node: nodes.iter().map(Into::into).collect() })
    }
}

async fn region_servers(zk: &ZkWatcher) -> Result<Vec<ServerName>, JavaException> {
    let names = zk.children(&zk.paths.rs).await.map_err(|error| io(&error))?.unwrap_or_default();
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn io(error: &dyn std::fmt::Display) -> JavaException {
    JavaException::new(class::IO, error.to_string())
}
