//! ClientMetaService: where clients find the cluster. Counterpart of that half of `RSRpcServices`, which a Java master
//! inherits.
//!
//! A waiting master answers from what ZooKeeper shows. The active one answers from what it knows itself.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::client_meta_service::ClientMetaService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, RegionInfo, RegionState, SeqNum, ServerName, TableName, class};

use super::RegistryServices;
use crate::environment::MasterEnv;

/// A replica of hbase:meta as ZooKeeper shows it.
type Shown = (u16, Option<ServerName>, RegionState);

impl RegistryServices {
    fn active(&self) -> Option<Arc<MasterEnv>> {
        self.role.active().ok()
    }

    fn active_master(&self) -> Option<ServerName> {
        match self.active() {
            Some(env) => Some(env.identity.server.clone()),
            None => self.view.active_master().map(|master| master.server),
        }
    }

    async fn region_servers(&self) -> Result<Vec<ServerName>, JavaException> {
        match self.active() {
            Some(env) => Ok(env.servers.online().into_iter().map(|(server, _)| server).collect()),
            None => self.view.region_servers().await,
        }
    }
}

#[async_trait]
impl ClientMetaService<CallContext> for RegistryServices {
    async fn get_cluster_id(
        &self,
        _: &CallContext,
        _: pb::GetClusterIdRequest,
    ) -> Result<pb::GetClusterIdResponse, JavaException> {
        let unknown = || JavaException::new(class::SERVER_NOT_RUNNING_YET, "there is no cluster id yet");
        let cluster_id = self.view.cluster_id().ok_or_else(unknown)?;
        Ok(pb::GetClusterIdResponse { cluster_id: Some(cluster_id) })
    }

    async fn get_active_master(
        &self,
        _: &CallContext,
        _: pb::GetActiveMasterRequest,
    ) -> Result<pb::GetActiveMasterResponse, JavaException> {
        Ok(pb::GetActiveMasterResponse { server_name: self.active_master().as_ref().map(Into::into) })
    }

    async fn get_masters(
        &self,
        _: &CallContext,
        _: pb::GetMastersRequest,
    ) -> Result<pb::GetMastersResponse, JavaException> {
        let entry = |server: &ServerName, is_active| pb::GetMastersResponseEntry {
            server_name: server.into(),
            is_active,
        };
        let active = self.active_master();
        let mut master_servers: Vec<_> = active.iter().map(|server| entry(server, true)).collect();
        let backups = self.view.backup_masters();
        let backups = backups.iter().filter(|master| Some(&master.server) != active.as_ref());
        master_servers.extend(backups.map(|master| entry(&master.server, false)));
        Ok(pb::GetMastersResponse { master_servers })
    }

    async fn get_meta_region_locations(
        &self,
        _: &CallContext,
        _: pb::GetMetaRegionLocationsRequest,
    ) -> Result<pb::GetMetaRegionLocationsResponse, JavaException> {
        let meta_locations = match self.active() {
            Some(env) => own_meta_locations(&env),
            None => {
                let shown = self.view.meta_locations().await?;
                let location =
                    |(replica, server, _): &Shown| location(*replica, server.as_ref(), SeqNum::NONE);
                shown.iter().map(location).collect()
            }
        };
        Ok(pb::GetMetaRegionLocationsResponse { meta_locations })
    }

    async fn get_bootstrap_nodes(
        &self,
        _: &CallContext,
        _: pb::GetBootstrapNodesRequest,
    ) -> Result<pb::GetBootstrapNodesResponse, JavaException> {
        let mut servers = self.region_servers().await?;
        self.chance.shuffle(&mut servers);
        servers.truncate(self.bootstrap_nodes_max);
        Ok(pb::GetBootstrapNodesResponse { server_name: servers.iter().map(Into::into).collect() })
    }
}

fn own_meta_locations(env: &MasterEnv) -> Vec<pb::RegionLocation> {
    let replicas = env.regions.table_regions(&TableName::meta());
    let open = replicas.iter().filter(|node| node.location().is_some());
    open.map(|node| location(node.info().replica_id(), node.location(), node.open_seq_num())).collect()
}

fn location(replica: u16, server: Option<&ServerName>, open_seq_num: SeqNum) -> pb::RegionLocation {
    pb::RegionLocation {
        region_info: (&RegionInfo::meta_replica(replica)).into(),
        server_name: server.map(Into::into),
        seq_num: open_seq_num.0,
    }
}
