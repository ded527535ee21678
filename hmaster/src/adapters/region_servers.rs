//! Calls to region servers over HBase's RPC.

use std::future;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_core::ports::{RegionServers, RemoteError, RowMutation, ScanPage, ScanSpec};
use hmaster_protocol::pb;
use hmaster_rpc::client::{CallOptions, ConnectFailure, Failure, NotSent, RpcClient, RpcError};
use hmaster_types::{JavaException, RegionInfo, ServerName};
use hmaster_zk::SessionLease;

use super::presence::{self, Place};
use super::rows;

/// Java's `HConstants.HIGH_QOS`: what the master wants doesn't queue behind what clients want.
const HIGH_PRIORITY: u32 = 200;

/// Region servers, called as long as this master may act.
pub(crate) struct RpcRegionServers {
    client: RpcClient,
    lease: Arc<SessionLease>,
    /// Whether a server whose WALs were taken can't write to them any more.
    are_wals_fenced: bool,
}

impl RpcRegionServers {
    /// Calls with `client` while `lease` is valid. `are_wals_fenced` says whether the WALs are on a file system that keeps
    /// a server from writing to those that were taken from it.
    pub(crate) fn new(client: RpcClient, lease: SessionLease, are_wals_fenced: bool) -> Self {
        Self { client, lease: Arc::new(lease), are_wals_fenced }
    }

    /// A master whose session is in doubt may have a successor already, and must say nothing any more: region servers
    /// obey anybody (danger 3). It doesn't get an error either, from which it might conclude that a server is dead; its
    /// reign is about to end.
    async fn may_call(&self) {
        if !self.lease.valid() {
            future::pending::<()>().await;
        }
    }

    fn options() -> CallOptions {
        CallOptions { priority: Some(HIGH_PRIORITY), ..CallOptions::default() }
    }

    async fn admin<T>(
        &self,
        server: &ServerName,
        call: impl AsyncFnOnce(hmaster_rpc::client::AdminStub) -> Result<T, RpcError>,
    ) -> Result<T, RemoteError> {
        self.may_call().await;
        let outcome = call(self.client.admin(server.address(), Self::options())).await;
        outcome.map_err(|error| remote_error(server, &error))
    }

    async fn rows<T>(
        &self,
        server: &ServerName,
        call: impl AsyncFnOnce(hmaster_rpc::client::ClientStub) -> Result<T, RpcError>,
    ) -> Result<T, RemoteError> {
        self.may_call().await;
        let outcome = call(self.client.rows(server.address(), Self::options())).await;
        outcome.map_err(|error| remote_error(server, &error))
    }
}

/// What a failure proves about what the server did.
fn remote_error(server: &ServerName, error: &RpcError) -> RemoteError {
    let server = server.clone();
    match &error.failure {
        Failure::NotSent(not_sent) => RemoteError::NotSent {
            server,
            reason: not_sent.to_string(),
            refused: matches!(not_sent, NotSent::Connect(ConnectFailure::Refused)),
        },
        Failure::OutcomeUnknown(unknown) => RemoteError::Unknown { server, reason: unknown.to_string() },
        Failure::Remote(remote) => RemoteError::Refused { server, exception: remote.exception.clone() },
        Failure::Malformed(reason) => {
            RemoteError::Unknown { server, reason: format!("unreadable answer: {reason}") }
        }
    }
}

#[async_trait]
impl RegionServers for RpcRegionServers {
    async fn execute_procedures(
        &self,
        server: &ServerName,
        request: pb::ExecuteProceduresRequest,
    ) -> Result<(), RemoteError> {
        self.admin(server, async |admin| admin.execute_procedures(&request).await).await?;
        Ok(())
    }

    async fn close_region(
        &self,
        server: &ServerName,
        request: pb::CloseRegionRequest,
    ) -> Result<(), RemoteError> {
        self.admin(server, async |admin| admin.close_region(&request).await).await?;
        Ok(())
    }

    async fn warmup_region(&self, server: &ServerName, region: &RegionInfo) -> Result<(), RemoteError> {
        let request = pb::WarmupRegionRequest { region_info: region.into() };
        self.admin(server, async |admin| admin.warmup_region(&request).await).await?;
        Ok(())
    }

    async fn get_region_info(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        best_split_row: bool,
    ) -> Result<pb::GetRegionInfoResponse, RemoteError> {
        let request = pb::GetRegionInfoRequest {
            region: (&region.name()).into(),
            compaction_state: None,
            best_split_row: Some(best_split_row),
        };
        self.admin(server, async |admin| admin.get_region_info(&request).await).await
    }

    async fn get_online_regions(&self, server: &ServerName) -> Result<Vec<RegionInfo>, RemoteError> {
        let request = pb::GetOnlineRegionRequest {};
        let answer = self.admin(server, async |admin| admin.get_online_region(&request).await).await?;
        let regions: Result<_, _> = answer.region_info.iter().map(RegionInfo::try_from).collect();
        regions.map_err(|error| RemoteError::Unknown { server: server.clone(), reason: error.to_string() })
    }

    async fn scan(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        spec: &ScanSpec,
    ) -> Result<ScanPage, RemoteError> {
        let request = rows::scan_request(region, spec);
        let (answer, cells) =
            self.rows(server, async |client| client.scan(&request, Vec::new()).await).await?;
        rows::scan_page(&answer, cells).map_err(|reason| RemoteError::Unknown {
            server: server.clone(),
            reason: format!("unreadable rows: {reason}"),
        })
    }

    async fn mutate(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        mutations: &[RowMutation],
    ) -> Result<Vec<Result<(), JavaException>>, RemoteError> {
        let (request, cells) = rows::multi_request(region, mutations);
        let (answer, _) = self.rows(server, async |client| client.multi(&request, cells).await).await?;
        rows::multi_outcomes(&answer, mutations.len())
            .map_err(|reason| RemoteError::Unknown { server: server.clone(), reason })
    }

    async fn mutate_atomically(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        mutations: &[RowMutation],
    ) -> Result<(), RemoteError> {
        let request = rows::mutate_rows_request(region, mutations);
        self.rows(server, async |client| client.exec_service(&request, Vec::new()).await).await?;
        Ok(())
    }

    /// Without fenced WALs only this machine's own word counts: a server elsewhere that is alive after all would go on
    /// writing to WALs that were split already.
    async fn gone(&self, server: &ServerName) {
        let place = Place::Host(server.host().to_owned(), server.port());
        if !self.are_wals_fenced && !presence::is_here(&place).await {
            future::pending::<()>().await;
        }
        presence::until_refused(&place).await;
    }
}
