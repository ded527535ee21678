//! `ClientService` of a light server: there are no rows, and whoever asks is told so. An empty answer would be a lie.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::services::client_service::ClientService;
use hmaster_protocol::{CallContext, pb};
use hmaster_sim::carrier::Carrier as _;
use hmaster_types::{JavaException, class};

use super::Light;

/// Refuses.
#[derive(Debug)]
pub(super) struct NoRows(pub(super) Arc<Light>);

impl NoRows {
    async fn refuse<T>(&self) -> Result<T, JavaException> {
        self.0.may_speak().await;
        self.0.check_open()?;
        let message = format!("{} is a light server: its regions have no rows", self.0.label());
        Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
    }
}

#[async_trait]
impl ClientService<CallContext> for NoRows {
    async fn get(&self, _: &CallContext, _: pb::GetRequest) -> Result<pb::GetResponse, JavaException> {
        self.refuse().await
    }

    async fn scan(&self, _: &CallContext, _: pb::ScanRequest) -> Result<pb::ScanResponse, JavaException> {
        self.refuse().await
    }

    async fn mutate(
        &self,
        _: &CallContext,
        _: pb::MutateRequest,
    ) -> Result<pb::MutateResponse, JavaException> {
        self.refuse().await
    }

    async fn multi(&self, _: &CallContext, _: pb::MultiRequest) -> Result<pb::MultiResponse, JavaException> {
        self.refuse().await
    }
}
