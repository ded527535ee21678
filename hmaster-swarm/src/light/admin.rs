//! `AdminService` of a light server: what masters ask for. What would need rows is refused as by a server that doesn't
//! know the method.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::admin_service::AdminService;
use hmaster_protocol::{CallContext, pb};
use hmaster_sim::carrier::{self, Carrier as _};
use hmaster_types::{JavaException, RegionInfo, TableName, class};

use super::{Light, load};

/// Administration.
#[derive(Debug)]
pub(super) struct Admin(pub(super) Arc<Light>);

impl Admin {
    /// One that hangs doesn't answer.
    async fn check_open(&self) -> Result<(), JavaException> {
        self.0.may_speak().await;
        self.0.check_open()
    }
}

#[async_trait]
impl AdminService<CallContext> for Admin {
    async fn execute_procedures(
        &self,
        _call: &CallContext,
        request: pb::ExecuteProceduresRequest,
    ) -> Result<pb::ExecuteProceduresResponse, JavaException> {
        self.check_open().await?;
        carrier::execute_procedures(&self.0, request)
    }

    async fn open_region(
        &self,
        _call: &CallContext,
        request: pb::OpenRegionRequest,
    ) -> Result<pb::OpenRegionResponse, JavaException> {
        self.check_open().await?;
        carrier::open_regions(&self.0, &request)
    }

    async fn close_region(
        &self,
        _call: &CallContext,
        request: pb::CloseRegionRequest,
    ) -> Result<pb::CloseRegionResponse, JavaException> {
        self.check_open().await?;
        carrier::close_region(&self.0, &request)
    }

    async fn warmup_region(
        &self,
        _call: &CallContext,
        _request: pb::WarmupRegionRequest,
    ) -> Result<pb::WarmupRegionResponse, JavaException> {
        // It is about caches, of which there are none.
        self.check_open().await?;
        Ok(pb::WarmupRegionResponse {})
    }

    /// A region without rows can neither be split nor merged: there is no middle, and there are no files.
    async fn get_region_info(
        &self,
        _call: &CallContext,
        request: pb::GetRegionInfoRequest,
    ) -> Result<pb::GetRegionInfoResponse, JavaException> {
        self.check_open().await?;
        let region = self.0.region(&request.region)?;
        let state = pb::get_region_info_response::CompactionState::None;
        Ok(pb::GetRegionInfoResponse {
            region_info: region.info().into(),
            compaction_state: request.compaction_state().then(|| state.into()),
            splittable: Some(false),
            mergeable: Some(false),
            best_split_row: None,
        })
    }

    async fn get_online_region(
        &self,
        _call: &CallContext,
        _request: pb::GetOnlineRegionRequest,
    ) -> Result<pb::GetOnlineRegionResponse, JavaException> {
        self.check_open().await?;
        let mut regions: Vec<RegionInfo> =
            self.0.regions().iter().map(|region| region.info().clone()).collect();
        regions.sort();
        Ok(pb::GetOnlineRegionResponse { region_info: regions.iter().map(Into::into).collect() })
    }

    async fn get_region_load(
        &self,
        _call: &CallContext,
        request: pb::GetRegionLoadRequest,
    ) -> Result<pb::GetRegionLoadResponse, JavaException> {
        self.check_open().await?;
        let table = request.table_name.as_ref().map(TableName::try_from).transpose();
        let table = table.map_err(|error| JavaException::new(class::DO_NOT_RETRY_IO, error.to_string()))?;
        let mut regions = self.0.regions();
        regions.retain(|region| table.as_ref().is_none_or(|table| region.info().table() == table));
        let region_loads = regions.iter().map(|region| load::of_region(region)).collect();
        Ok(pb::GetRegionLoadResponse { region_loads })
    }

    async fn get_server_info(
        &self,
        _call: &CallContext,
        _request: pb::GetServerInfoRequest,
    ) -> Result<pb::GetServerInfoResponse, JavaException> {
        self.check_open().await?;
        let server_name = self.0.name().map(Into::into).unwrap_or_default();
        Ok(pb::GetServerInfoResponse { server_info: pb::ServerInfo { server_name, webui_port: None } })
    }

    async fn stop_server(
        &self,
        _call: &CallContext,
        request: pb::StopServerRequest,
    ) -> Result<pb::StopServerResponse, JavaException> {
        self.check_open().await?;
        self.0.stop(&request.reason);
        Ok(pb::StopServerResponse {})
    }
}
