//! `AdminService`: what masters and tools ask for. Counterpart of the administrative part of `RSRpcServices`.
//!
//! Not here: replication, favored nodes, quotas. Slow calls aren't kept, as in Java by default.

mod regions;

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_fs::NotFoundAsNone as _;
use hmaster_protocol::pb::get_region_info_response::CompactionState;
use hmaster_protocol::services::admin_service::AdminService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, TableName, class};
use prost::Message as _;

use super::mutate::java;
use crate::region::Region;
use crate::server::{self, Server, chain, region_load};
use regions::{best_split_row, compact};

const SLOW_LOG: &str = "org.apache.hadoop.hbase.shaded.protobuf.generated.AdminProtos$SlowLogResponses";

/// Administration.
#[derive(Debug)]
pub(crate) struct Admin(pub(crate) Arc<Server>);

impl Admin {
    fn region(&self, named: &pb::RegionSpecifier) -> Result<Arc<Region>, JavaException> {
        self.0.check_open()?;
        self.0.requests.add(1);
        self.0.region(named)
    }

    /// None are kept.
    fn slow_calls(&self) -> Result<pb::SlowLogResponses, JavaException> {
        self.0.check_open()?;
        Ok(pb::SlowLogResponses::default())
    }

    fn regions_of(&self, table: Option<&TableName>) -> Vec<Arc<Region>> {
        let mut regions = self.0.regions.all();
        regions.retain(|region| table.is_none_or(|table| region.info().table() == table));
        regions
    }
}

#[async_trait]
impl AdminService<CallContext> for Admin {
    async fn execute_procedures(
        &self,
        _call: &CallContext,
        request: pb::ExecuteProceduresRequest,
    ) -> Result<pb::ExecuteProceduresResponse, JavaException> {
        server::execute_procedures(&self.0, request)
    }

    async fn open_region(
        &self,
        _call: &CallContext,
        request: pb::OpenRegionRequest,
    ) -> Result<pb::OpenRegionResponse, JavaException> {
        server::open_regions(&self.0, &request)
    }

    async fn close_region(
        &self,
        _call: &CallContext,
        request: pb::CloseRegionRequest,
    ) -> Result<pb::CloseRegionResponse, JavaException> {
        server::close_region(&self.0, &request)
    }

    async fn warmup_region(
        &self,
        _call: &CallContext,
        _request: pb::WarmupRegionRequest,
    ) -> Result<pb::WarmupRegionResponse, JavaException> {
        // It is about caches, of which there are none.
        self.0.check_open()?;
        Ok(pb::WarmupRegionResponse {})
    }

    async fn get_region_info(
        &self,
        _call: &CallContext,
        request: pb::GetRegionInfoRequest,
    ) -> Result<pb::GetRegionInfoResponse, JavaException> {
        let region = self.region(&request.region)?;
        let best_split_row = match request.best_split_row() {
            true => best_split_row(&region).await?,
            false => None,
        };
        let whole = !region.has_references() && !region.is_closing();
        let state = match region.compacts() {
            (false, false) => CompactionState::None,
            (true, false) => CompactionState::Minor,
            (false, true) => CompactionState::Major,
            (true, true) => CompactionState::MajorAndMinor,
        };
        Ok(pb::GetRegionInfoResponse {
            region_info: region.info().into(),
            compaction_state: request.compaction_state().then(|| state.into()),
            splittable: Some(whole && !region.info().is_meta()),
            mergeable: Some(whole),
            best_split_row,
        })
    }

    async fn get_online_region(
        &self,
        _call: &CallContext,
        _request: pb::GetOnlineRegionRequest,
    ) -> Result<pb::GetOnlineRegionResponse, JavaException> {
        self.0.check_open()?;
        let mut regions: Vec<_> = self.regions_of(None).iter().map(|region| region.info().clone()).collect();
        regions.sort();
        Ok(pb::GetOnlineRegionResponse { region_info: regions.iter().map(Into::into).collect() })
    }

    async fn get_store_file(
        &self,
        _call: &CallContext,
        request: pb::GetStoreFileRequest,
    ) -> Result<pb::GetStoreFileResponse, JavaException> {
        let region = self.region(&request.region)?;
        let (_, storage) = self.0.ready()?;
        let families: Vec<_> = match request.family.is_empty() {
            true => region.table().families().map(|family| family.name().clone()).collect(),
            false => request.family,
        };
        let folder = storage.root.layout().region(region.info());
        let fs = storage.root.file_system();
        let mut store_file = Vec::new();
        for family in families {
            let name = String::from_utf8_lossy(&family);
            let known = region.table().family(&family).is_some();
            let store = folder.try_join(&name).ok().filter(|_| known).ok_or_else(|| {
                JavaException::new(class::ILLEGAL_ARGUMENT, format!("No column family : {name} available"))
            })?;
            let files = fs.list(&store).await.found().map_err(|error| io(&error))?.unwrap_or_default();
            let files = files.into_iter().filter(|file| !file.name.starts_with('.'));
            store_file.extend(files.map(|file| fs.uri(&store.join(&file.name)).to_string()));
        }
        Ok(pb::GetStoreFileResponse { store_file })
    }

    async fn get_region_load(
        &self,
        _call: &CallContext,
        request: pb::GetRegionLoadRequest,
    ) -> Result<pb::GetRegionLoadResponse, JavaException> {
        let table = request.table_name.as_ref().map(TableName::try_from);
        let table = table.transpose().map_err(|error| unreadable(&error))?;
        let loads = self.regions_of(table.as_ref()).iter().map(|region| region_load(region)).collect();
        Ok(pb::GetRegionLoadResponse { region_loads: loads })
    }

    async fn flush_region(
        &self,
        _call: &CallContext,
        request: pb::FlushRegionRequest,
    ) -> Result<pb::FlushRegionResponse, JavaException> {
        let region = self.region(&request.region)?;
        if let Some(family) = request.family.as_ref().filter(|family| region.table().family(family).is_none())
        {
            let (family, table) = (hmaster_types::to_string_binary(family), region.table().name());
            let message = format!("Column families [{family}] don't exist in table {table}");
            return Err(JavaException::new(class::NO_SUCH_COLUMN_FAMILY, message));
        }
        let flushed = region.flush().await.map_err(java)?;
        if flushed.wants_compaction {
            compact(&self.0, region, false);
        }
        Ok(pb::FlushRegionResponse {
            last_flush_time: self.0.clock.now_ms(),
            flushed: Some(flushed.files > 0),
            wrote_flush_wal_marker: Some(false),
        })
    }

    async fn compact_region(
        &self,
        _call: &CallContext,
        request: pb::CompactRegionRequest,
    ) -> Result<pb::CompactRegionResponse, JavaException> {
        let region = self.region(&request.region)?;
        compact(&self.0, region, request.major());
        Ok(pb::CompactRegionResponse {})
    }

    async fn compaction_switch(
        &self,
        _call: &CallContext,
        request: pb::CompactionSwitchRequest,
    ) -> Result<pb::CompactionSwitchResponse, JavaException> {
        self.0.check_open()?;
        let (_, storage) = self.0.ready()?;
        Ok(pb::CompactionSwitchResponse { prev_state: storage.log.switch_compactions(request.enabled) })
    }

    async fn clear_compaction_queues(
        &self,
        _call: &CallContext,
        request: pb::ClearCompactionQueuesRequest,
    ) -> Result<pb::ClearCompactionQueuesResponse, JavaException> {
        self.0.check_open()?;
        // Compactions don't wait in queues here; those under way go on, as in Java.
        match request.queue_name.iter().find(|name| !matches!(&***name, "long" | "short")) {
            None => Ok(pb::ClearCompactionQueuesResponse {}),
            Some(unknown) => Err(JavaException::new(class::IO, format!("Unknown queue name {unknown}"))),
        }
    }

    async fn clear_region_block_cache(
        &self,
        _call: &CallContext,
        request: pb::ClearRegionBlockCacheRequest,
    ) -> Result<pb::ClearRegionBlockCacheResponse, JavaException> {
        self.0.check_open()?;
        // There is no cache, so nothing is evicted; regions that aren't here are told as Java tells them.
        let refused = request.region.iter().filter_map(|region| Some((region, self.0.region(region).err()?)));
        let exception = refused.map(|(region, exception)| pb::RegionExceptionMessage {
            region: region.clone(),
            exception: super::results::named(&exception),
        });
        let stats = pb::CacheEvictionStats {
            evicted_blocks: Some(0),
            bytes_evicted: Some(0),
            max_cache_size: Some(0),
            exception: exception.collect(),
        };
        Ok(pb::ClearRegionBlockCacheResponse { stats })
    }

    async fn get_cached_files_list(
        &self,
        _call: &CallContext,
        _request: pb::GetCachedFilesListRequest,
    ) -> Result<pb::GetCachedFilesListResponse, JavaException> {
        self.0.check_open()?;
        Ok(pb::GetCachedFilesListResponse { cached_files: Vec::new() })
    }

    async fn roll_wal_writer(
        &self,
        _call: &CallContext,
        _request: pb::RollWalWriterRequest,
    ) -> Result<pb::RollWalWriterResponse, JavaException> {
        self.0.check_open()?;
        let (_, storage) = self.0.ready()?;
        storage.log.roll().await.map_err(|error| io(&error))?;
        Ok(pb::RollWalWriterResponse { region_to_flush: Vec::new() })
    }

    async fn get_log_entries(
        &self,
        _call: &CallContext,
        request: pb::LogRequest,
    ) -> Result<pb::LogEntry, JavaException> {
        self.0.check_open()?;
        if !request.log_class_name.contains("SlowLogResponseRequest") {
            return Err(JavaException::new(class::DO_NOT_RETRY_IO, "Invalid request params"));
        }
        let log_message = self.slow_calls()?.encode_to_vec().into();
        Ok(pb::LogEntry { log_class_name: SLOW_LOG.into(), log_message })
    }

    async fn get_slow_log_responses(
        &self,
        _call: &CallContext,
        _request: pb::SlowLogResponseRequest,
    ) -> Result<pb::SlowLogResponses, JavaException> {
        self.slow_calls()
    }

    async fn get_large_log_responses(
        &self,
        _call: &CallContext,
        _request: pb::SlowLogResponseRequest,
    ) -> Result<pb::SlowLogResponses, JavaException> {
        self.slow_calls()
    }

    async fn clear_slow_logs_responses(
        &self,
        _call: &CallContext,
        _request: pb::ClearSlowLogResponseRequest,
    ) -> Result<pb::ClearSlowLogResponses, JavaException> {
        self.0.check_open()?;
        Ok(pb::ClearSlowLogResponses { is_cleaned: false })
    }

    /// Whatever state the server is in, as in Java.
    async fn update_configuration(
        &self,
        _call: &CallContext,
        _request: pb::UpdateConfigurationRequest,
    ) -> Result<pb::UpdateConfigurationResponse, JavaException> {
        let settings = self.0.settings.clone();
        let read = tokio::task::spawn_blocking(move || settings.reread()).await;
        read.map_err(|error| io(&error))?.map_err(|error| unreadable(&chain(&error)))?;
        Ok(pb::UpdateConfigurationResponse {})
    }

    async fn get_server_info(
        &self,
        _call: &CallContext,
        _request: pb::GetServerInfoRequest,
    ) -> Result<pb::GetServerInfoResponse, JavaException> {
        self.0.check_open()?;
        let (name, _) = self.0.ready()?;
        // Java says nothing of a port below zero.
        Ok(pb::GetServerInfoResponse {
            server_info: pb::ServerInfo { server_name: name.into(), webui_port: None },
        })
    }

    async fn stop_server(
        &self,
        _call: &CallContext,
        request: pb::StopServerRequest,
    ) -> Result<pb::StopServerResponse, JavaException> {
        self.0.check_open()?;
        self.0.stop(&request.reason);
        Ok(pb::StopServerResponse {})
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, error.to_string())
}

fn io(error: &dyn std::error::Error) -> JavaException {
    JavaException::new(class::IO, chain(error))
}
