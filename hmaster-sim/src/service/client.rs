//! `ClientService`: the way of each call to where it is carried out.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::client_service::ClientService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, class};

use super::{exec, get, multi, mutate, scan};
use crate::server::Server;

/// Rows.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) Arc<Server>);

#[async_trait]
impl ClientService<CallContext> for Client {
    async fn get(
        &self,
        call: &CallContext,
        request: pb::GetRequest,
    ) -> Result<pb::GetResponse, JavaException> {
        self.0.check_open()?;
        self.0.requests.add(1);
        get::get(&self.0, call, &request).await
    }

    async fn scan(
        &self,
        call: &CallContext,
        request: pb::ScanRequest,
    ) -> Result<pb::ScanResponse, JavaException> {
        scan::scan(&self.0, call, &request).await
    }

    async fn mutate(
        &self,
        call: &CallContext,
        request: pb::MutateRequest,
    ) -> Result<pb::MutateResponse, JavaException> {
        self.0.check_open()?;
        self.0.requests.add(1);
        mutate::mutate(&self.0, call, &request).await
    }

    async fn multi(
        &self,
        call: &CallContext,
        request: pb::MultiRequest,
    ) -> Result<pb::MultiResponse, JavaException> {
        self.0.check_open()?;
        multi::multi(&self.0, call, &request).await
    }

    async fn exec_service(
        &self,
        _call: &CallContext,
        request: pb::CoprocessorServiceRequest,
    ) -> Result<pb::CoprocessorServiceResponse, JavaException> {
        self.0.check_open()?;
        self.0.requests.add(1);
        let region = self.0.region(&request.region)?;
        let value = exec::call(&self.0, &region, &request.call).await?;
        Ok(pb::CoprocessorServiceResponse { region: (&region.info().name()).into(), value })
    }

    async fn exec_region_server_service(
        &self,
        _call: &CallContext,
        request: pb::CoprocessorServiceRequest,
    ) -> Result<pb::CoprocessorServiceResponse, JavaException> {
        self.0.check_open()?;
        let service = &request.call.service_name;
        let message = format!("No registered coprocessor executorService found for name {service}");
        Err(JavaException::new(class::UNKNOWN_PROTOCOL, message))
    }

    async fn bulk_load_h_file(
        &self,
        _call: &CallContext,
        _request: pb::BulkLoadHFileRequest,
    ) -> Result<pb::BulkLoadHFileResponse, JavaException> {
        Err(no_bulk_load())
    }

    async fn prepare_bulk_load(
        &self,
        _call: &CallContext,
        _request: pb::PrepareBulkLoadRequest,
    ) -> Result<pb::PrepareBulkLoadResponse, JavaException> {
        Err(no_bulk_load())
    }
}

fn no_bulk_load() -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, "this region server can't load store files in bulk")
}
