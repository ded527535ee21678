//! A service that does what its requests say, for Java's clients; and a registry of one server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::services::client_meta_service::{self, ClientMetaService};
use hmaster_protocol::services::client_service::{self, ClientService};
use hmaster_protocol::{CallContext, pb};
use hmaster_rpc::server::{ClusterIdSource, RpcServer, RpcServerBuilder, ServerOptions};
use hmaster_types::{JavaException, RegionInfo, ServerName, class};

/// `ExecService` by the name of the service in the request.
pub(crate) struct Rows;

/// The registry of a cluster that has one server, which is everything.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) server: OnceLock<ServerName>,
    pub(crate) asked_for_cluster_id: AtomicU32,
}

impl Registry {
    /// Its server, known once that listens.
    fn server(&self) -> &ServerName {
        self.server.get().expect("set before anybody can ask")
    }
}

/// A server of both.
pub(crate) fn server(rows: Arc<Rows>, registry: Arc<Registry>, options: ServerOptions) -> RpcServerBuilder {
    RpcServer::builder()
        .service(client_service::Server(rows))
        .service(client_meta_service::Server(registry.clone()))
        .cluster_id(registry)
        .options(options)
}

#[async_trait]
impl ClientService<CallContext> for Rows {
    async fn exec_service(
        &self,
        ctx: &CallContext,
        request: pb::CoprocessorServiceRequest,
    ) -> Result<pb::CoprocessorServiceResponse, JavaException> {
        let pb::CoprocessorServiceCall { service_name, method_name, request: bytes, .. } = request.call;
        let value = match service_name.as_str() {
            "echo" => {
                ctx.respond_with_cells(ctx.cells.iter().cloned());
                bytes
            }
            "big" => Bytes::from(vec![b'b'; method_name.parse().unwrap_or(0)]),
            "wait" => std::future::pending().await,
            "throw" => {
                let class = class::by_name(&method_name).unwrap_or(class::IO);
                return Err(JavaException::new(class, String::from_utf8_lossy(&bytes)));
            }
            "panic" => panic!("{method_name}"),
            "who" => {
                let version = ctx.client_version.as_ref().map_or("unknown", |version| &version.version);
                format!("{} {version} {}.{}", ctx.user_name(), ctx.service, ctx.method).into()
            }
            other => return Err(JavaException::new(class::ILLEGAL_ARGUMENT, other)),
        };
        let value = pb::NameBytesPair { name: method_name, value: Some(value) };
        Ok(pb::CoprocessorServiceResponse { region: request.region, value })
    }
}

#[async_trait]
impl ClientMetaService<CallContext> for Registry {
    async fn get_cluster_id(
        &self,
        _ctx: &CallContext,
        _request: pb::GetClusterIdRequest,
    ) -> Result<pb::GetClusterIdResponse, JavaException> {
        Ok(pb::GetClusterIdResponse { cluster_id: Some("the-cluster".to_owned()) })
    }

    async fn get_active_master(
        &self,
        _ctx: &CallContext,
        _request: pb::GetActiveMasterRequest,
    ) -> Result<pb::GetActiveMasterResponse, JavaException> {
        Ok(pb::GetActiveMasterResponse { server_name: Some(self.server().into()) })
    }

    async fn get_masters(
        &self,
        _ctx: &CallContext,
        _request: pb::GetMastersRequest,
    ) -> Result<pb::GetMastersResponse, JavaException> {
        let entry = pb::GetMastersResponseEntry { server_name: self.server().into(), is_active: true };
        Ok(pb::GetMastersResponse { master_servers: vec![entry] })
    }

    async fn get_bootstrap_nodes(
        &self,
        _ctx: &CallContext,
        _request: pb::GetBootstrapNodesRequest,
    ) -> Result<pb::GetBootstrapNodesResponse, JavaException> {
        Ok(pb::GetBootstrapNodesResponse { server_name: vec![self.server().into()] })
    }

    async fn get_meta_region_locations(
        &self,
        _ctx: &CallContext,
        _request: pb::GetMetaRegionLocationsRequest,
    ) -> Result<pb::GetMetaRegionLocationsResponse, JavaException> {
        let region_info = (&RegionInfo::meta()).into();
        let location =
            pb::RegionLocation { region_info, server_name: Some(self.server().into()), seq_num: 0 };
        Ok(pb::GetMetaRegionLocationsResponse { meta_locations: vec![location] })
    }
}

#[async_trait]
impl ClusterIdSource for Registry {
    async fn cluster_id(&self) -> Option<String> {
        self.asked_for_cluster_id.fetch_add(1, Ordering::SeqCst);
        Some("the-cluster".to_owned())
    }
}
