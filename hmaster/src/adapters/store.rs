//! The master's own store.

use std::sync::Arc;

use hmaster_config::Configuration;
use hmaster_core::ports::MasterStore;
use hmaster_fs::rootdir::RootDir;
use hmaster_procedure::ProcedureStore;
use hmaster_types::{ActiveTime, Clock, ServerName};

use crate::RunError;

pub(crate) struct OpenStore {}

pub(crate) async fn open(_: &RootDir, _: &ServerName, _: &Configuration, _: &Arc<dyn Clock>) -> Result<OpenStore, RunError> {
    todo!()
}

impl OpenStore {
    pub(crate) async fn begin_reign(&self, _: &dyn Clock) -> Result<ActiveTime, RunError> { todo!() }
    pub(crate) fn master(&self) -> Arc<dyn MasterStore> { todo!() }
    pub(crate) fn procedures(&self) -> Arc<dyn ProcedureStore> { todo!() }
    pub(crate) async fn close(self) {}
}
