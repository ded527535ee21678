//! MasterService: each method leads to the file of its topic. Those that aren't here are refused.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::services::master_service::{self, GET_CLUSTER_STATUS, MasterService};
use hmaster_protocol::{CallContext, RpcService, bad_request, decode, pb};
use hmaster_types::JavaException;

use super::{
    MasterServices, absent, access, balancing, barriers, cluster_status, compactions, janitors, lifecycle,
    list, namespaces, procedures, quotas, region_changes, regions, replication, schema, servers, switches,
};
use crate::switches::Switch;

type Answer<T> = Result<T, JavaException>;

#[async_trait]
impl RpcService<CallContext> for MasterServices {
    fn name(&self) -> &'static str {
        master_service::NAME
    }

    fn methods(&self) -> &'static [&'static str] {
        master_service::METHODS
    }

    /// The status of the cluster goes out as it is put together; all other answers are messages first.
    async fn dispatch(&self, call: &CallContext, method: &str, request: Bytes) -> Answer<Bytes> {
        if method == GET_CLUSTER_STATUS.name() {
            let request = decode(request).map_err(|error| bad_request(&error))?;
            return cluster_status::get(self, &request);
        }
        master_service::dispatch(self, call, method, request).await
    }
}

#[async_trait]
impl MasterService<CallContext> for MasterServices {
    async fn get_table_descriptors(
        &self,
        _: &CallContext,
        request: pb::GetTableDescriptorsRequest,
    ) -> Answer<pb::GetTableDescriptorsResponse> {
        list::get_table_descriptors(&self.role, &request)
    }

    async fn list_table_descriptors_by_state(
        &self,
        _: &CallContext,
        request: pb::ListTableDescriptorsByStateRequest,
    ) -> Answer<pb::ListTableDescriptorsByStateResponse> {
        list::list_table_descriptors_by_state(&self.role, request)
    }

    async fn get_table_names(
        &self,
        _: &CallContext,
        request: pb::GetTableNamesRequest,
    ) -> Answer<pb::GetTableNamesResponse> {
        list::get_table_names(&self.role, &request)
    }

    async fn list_table_names_by_state(
        &self,
        _: &CallContext,
        request: pb::ListTableNamesByStateRequest,
    ) -> Answer<pb::ListTableNamesByStateResponse> {
        list::list_table_names_by_state(&self.role, request)
    }

    async fn list_table_descriptors_by_namespace(
        &self,
        _: &CallContext,
        request: pb::ListTableDescriptorsByNamespaceRequest,
    ) -> Answer<pb::ListTableDescriptorsByNamespaceResponse> {
        list::list_table_descriptors_by_namespace(&self.role, &request)
    }

    async fn list_table_names_by_namespace(
        &self,
        _: &CallContext,
        request: pb::ListTableNamesByNamespaceRequest,
    ) -> Answer<pb::ListTableNamesByNamespaceResponse> {
        list::list_table_names_by_namespace(&self.role, &request)
    }

    async fn get_table_state(
        &self,
        _: &CallContext,
        request: pb::GetTableStateRequest,
    ) -> Answer<pb::GetTableStateResponse> {
        list::get_table_state(&self.role, &request)
    }

    async fn get_schema_alter_status(
        &self,
        _: &CallContext,
        request: pb::GetSchemaAlterStatusRequest,
    ) -> Answer<pb::GetSchemaAlterStatusResponse> {
        list::get_schema_alter_status(&self.role, &request)
    }

    async fn create_table(
        &self,
        call: &CallContext,
        request: pb::CreateTableRequest,
    ) -> Answer<pb::CreateTableResponse> {
        schema::create_table(&self.role, call, request).await
    }

    async fn delete_table(
        &self,
        call: &CallContext,
        request: pb::DeleteTableRequest,
    ) -> Answer<pb::DeleteTableResponse> {
        schema::delete_table(&self.role, call, request).await
    }

    async fn enable_table(
        &self,
        call: &CallContext,
        request: pb::EnableTableRequest,
    ) -> Answer<pb::EnableTableResponse> {
        schema::enable_table(&self.role, call, request).await
    }

    async fn disable_table(
        &self,
        call: &CallContext,
        request: pb::DisableTableRequest,
    ) -> Answer<pb::DisableTableResponse> {
        schema::disable_table(&self.role, call, request).await
    }

    async fn modify_table(
        &self,
        call: &CallContext,
        request: pb::ModifyTableRequest,
    ) -> Answer<pb::ModifyTableResponse> {
        schema::modify_table(&self.role, call, request).await
    }

    async fn add_column(
        &self,
        call: &CallContext,
        request: pb::AddColumnRequest,
    ) -> Answer<pb::AddColumnResponse> {
        schema::add_column(&self.role, call, request).await
    }

    async fn modify_column(
        &self,
        call: &CallContext,
        request: pb::ModifyColumnRequest,
    ) -> Answer<pb::ModifyColumnResponse> {
        schema::modify_column(&self.role, call, request).await
    }

    async fn delete_column(
        &self,
        call: &CallContext,
        request: pb::DeleteColumnRequest,
    ) -> Answer<pb::DeleteColumnResponse> {
        schema::delete_column(&self.role, call, request).await
    }

    async fn truncate_table(
        &self,
        call: &CallContext,
        request: pb::TruncateTableRequest,
    ) -> Answer<pb::TruncateTableResponse> {
        schema::truncate_table(&self.role, call, request).await
    }

    async fn modify_table_store_file_tracker(
        &self,
        call: &CallContext,
        request: pb::ModifyTableStoreFileTrackerRequest,
    ) -> Answer<pb::ModifyTableStoreFileTrackerResponse> {
        schema::modify_table_store_file_tracker(&self.role, call, request).await
    }

    async fn modify_column_store_file_tracker(
        &self,
        call: &CallContext,
        request: pb::ModifyColumnStoreFileTrackerRequest,
    ) -> Answer<pb::ModifyColumnStoreFileTrackerResponse> {
        schema::modify_column_store_file_tracker(&self.role, call, request).await
    }

    async fn flush_table(
        &self,
        call: &CallContext,
        request: pb::FlushTableRequest,
    ) -> Answer<pb::FlushTableResponse> {
        schema::flush_table(&self.role, call, request).await
    }

    async fn split_region(
        &self,
        call: &CallContext,
        request: pb::SplitTableRegionRequest,
    ) -> Answer<pb::SplitTableRegionResponse> {
        region_changes::split_region(&self.role, call, request).await
    }

    async fn merge_table_regions(
        &self,
        call: &CallContext,
        request: pb::MergeTableRegionsRequest,
    ) -> Answer<pb::MergeTableRegionsResponse> {
        region_changes::merge_table_regions(&self.role, call, request).await
    }

    async fn truncate_region(
        &self,
        call: &CallContext,
        request: pb::TruncateRegionRequest,
    ) -> Answer<pb::TruncateRegionResponse> {
        region_changes::truncate_region(&self.role, call, request).await
    }

    async fn create_namespace(
        &self,
        call: &CallContext,
        request: pb::CreateNamespaceRequest,
    ) -> Answer<pb::CreateNamespaceResponse> {
        namespaces::create_namespace(&self.role, call, request).await
    }

    async fn modify_namespace(
        &self,
        call: &CallContext,
        request: pb::ModifyNamespaceRequest,
    ) -> Answer<pb::ModifyNamespaceResponse> {
        namespaces::modify_namespace(&self.role, call, request).await
    }

    async fn delete_namespace(
        &self,
        call: &CallContext,
        request: pb::DeleteNamespaceRequest,
    ) -> Answer<pb::DeleteNamespaceResponse> {
        namespaces::delete_namespace(&self.role, call, request).await
    }

    async fn get_namespace_descriptor(
        &self,
        _: &CallContext,
        request: pb::GetNamespaceDescriptorRequest,
    ) -> Answer<pb::GetNamespaceDescriptorResponse> {
        namespaces::get_namespace_descriptor(&self.role, &request)
    }

    async fn list_namespace_descriptors(
        &self,
        _: &CallContext,
        _: pb::ListNamespaceDescriptorsRequest,
    ) -> Answer<pb::ListNamespaceDescriptorsResponse> {
        namespaces::list_namespace_descriptors(&self.role)
    }

    async fn list_namespaces(
        &self,
        _: &CallContext,
        _: pb::ListNamespacesRequest,
    ) -> Answer<pb::ListNamespacesResponse> {
        namespaces::list_namespaces(&self.role)
    }

    async fn move_region(
        &self,
        _: &CallContext,
        request: pb::MoveRegionRequest,
    ) -> Answer<pb::MoveRegionResponse> {
        regions::move_region(&self.role, &request).await
    }

    async fn assign_region(
        &self,
        _: &CallContext,
        request: pb::AssignRegionRequest,
    ) -> Answer<pb::AssignRegionResponse> {
        regions::assign_region(&self.role, &request).await
    }

    async fn unassign_region(
        &self,
        _: &CallContext,
        request: pb::UnassignRegionRequest,
    ) -> Answer<pb::UnassignRegionResponse> {
        regions::unassign_region(&self.role, &request).await
    }

    async fn offline_region(
        &self,
        _: &CallContext,
        request: pb::OfflineRegionRequest,
    ) -> Answer<pb::OfflineRegionResponse> {
        regions::offline_region(&self.role, &request)
    }

    async fn get_cluster_status(
        &self,
        _: &CallContext,
        request: pb::GetClusterStatusRequest,
    ) -> Answer<pb::GetClusterStatusResponse> {
        cluster_status::get_decoded(self, &request)
    }

    async fn is_master_running(
        &self,
        _: &CallContext,
        _: pb::IsMasterRunningRequest,
    ) -> Answer<pb::IsMasterRunningResponse> {
        lifecycle::is_running(&self.role)
    }

    async fn shutdown(&self, call: &CallContext, _: pb::ShutdownRequest) -> Answer<pb::ShutdownResponse> {
        lifecycle::shutdown(&self.role, call).await
    }

    async fn stop_master(
        &self,
        call: &CallContext,
        _: pb::StopMasterRequest,
    ) -> Answer<pb::StopMasterResponse> {
        Ok(lifecycle::stop_master(&*self.process, call))
    }

    async fn is_master_in_maintenance_mode(
        &self,
        _: &CallContext,
        _: pb::IsInMaintenanceModeRequest,
    ) -> Answer<pb::IsInMaintenanceModeResponse> {
        lifecycle::is_in_maintenance_mode(&self.role)
    }

    async fn clear_dead_servers(
        &self,
        _: &CallContext,
        request: pb::ClearDeadServersRequest,
    ) -> Answer<pb::ClearDeadServersResponse> {
        servers::clear_dead_servers(&self.role, request)
    }

    async fn list_decommissioned_region_servers(
        &self,
        _: &CallContext,
        _: pb::ListDecommissionedRegionServersRequest,
    ) -> Answer<pb::ListDecommissionedRegionServersResponse> {
        servers::list_decommissioned(&self.role)
    }

    async fn decommission_region_servers(
        &self,
        _: &CallContext,
        request: pb::DecommissionRegionServersRequest,
    ) -> Answer<pb::DecommissionRegionServersResponse> {
        servers::decommission(&self.role, request).await
    }

    async fn recommission_region_server(
        &self,
        _: &CallContext,
        request: pb::RecommissionRegionServerRequest,
    ) -> Answer<pb::RecommissionRegionServerResponse> {
        servers::recommission(&self.role, &request).await
    }

    async fn set_balancer_running(
        &self,
        _: &CallContext,
        request: pb::SetBalancerRunningRequest,
    ) -> Answer<pb::SetBalancerRunningResponse> {
        balancing::set_running(&self.role, &request).await
    }

    async fn balance(&self, _: &CallContext, request: pb::BalanceRequest) -> Answer<pb::BalanceResponse> {
        balancing::balance(&self.role, &request).await
    }

    async fn get_log_entries(&self, _: &CallContext, request: pb::LogRequest) -> Answer<pb::LogEntry> {
        balancing::log_entries(&self.role, request)
    }

    async fn is_balancer_enabled(
        &self,
        _: &CallContext,
        _: pb::IsBalancerEnabledRequest,
    ) -> Answer<pb::IsBalancerEnabledResponse> {
        Ok(pb::IsBalancerEnabledResponse { enabled: switches::get(&self.role, Switch::Balancer)? })
    }

    async fn set_normalizer_running(
        &self,
        _: &CallContext,
        request: pb::SetNormalizerRunningRequest,
    ) -> Answer<pb::SetNormalizerRunningResponse> {
        let prev_normalizer_value = Some(switches::set(&self.role, Switch::Normalizer, request.on).await?);
        Ok(pb::SetNormalizerRunningResponse { prev_normalizer_value })
    }

    async fn is_normalizer_enabled(
        &self,
        _: &CallContext,
        _: pb::IsNormalizerEnabledRequest,
    ) -> Answer<pb::IsNormalizerEnabledResponse> {
        Ok(pb::IsNormalizerEnabledResponse { enabled: switches::get(&self.role, Switch::Normalizer)? })
    }

    async fn set_split_or_merge_enabled(
        &self,
        _: &CallContext,
        request: pb::SetSplitOrMergeEnabledRequest,
    ) -> Answer<pb::SetSplitOrMergeEnabledResponse> {
        switches::set_split_or_merge(&self.role, &request).await
    }

    async fn is_split_or_merge_enabled(
        &self,
        _: &CallContext,
        request: pb::IsSplitOrMergeEnabledRequest,
    ) -> Answer<pb::IsSplitOrMergeEnabledResponse> {
        switches::is_split_or_merge(&self.role, request)
    }

    async fn run_catalog_scan(
        &self,
        _: &CallContext,
        _: pb::RunCatalogScanRequest,
    ) -> Answer<pb::RunCatalogScanResponse> {
        janitors::run_catalog_scan(&self.role).await
    }

    async fn enable_catalog_janitor(
        &self,
        _: &CallContext,
        request: pb::EnableCatalogJanitorRequest,
    ) -> Answer<pb::EnableCatalogJanitorResponse> {
        let prev_value = Some(switches::set(&self.role, Switch::CatalogJanitor, request.enable).await?);
        Ok(pb::EnableCatalogJanitorResponse { prev_value })
    }

    async fn is_catalog_janitor_enabled(
        &self,
        _: &CallContext,
        _: pb::IsCatalogJanitorEnabledRequest,
    ) -> Answer<pb::IsCatalogJanitorEnabledResponse> {
        Ok(pb::IsCatalogJanitorEnabledResponse { value: switches::get(&self.role, Switch::CatalogJanitor)? })
    }

    async fn set_cleaner_chore_running(
        &self,
        _: &CallContext,
        request: pb::SetCleanerChoreRunningRequest,
    ) -> Answer<pb::SetCleanerChoreRunningResponse> {
        let prev_value = Some(switches::set(&self.role, Switch::Cleaner, request.on).await?);
        Ok(pb::SetCleanerChoreRunningResponse { prev_value })
    }

    async fn is_cleaner_chore_enabled(
        &self,
        _: &CallContext,
        _: pb::IsCleanerChoreEnabledRequest,
    ) -> Answer<pb::IsCleanerChoreEnabledResponse> {
        Ok(pb::IsCleanerChoreEnabledResponse { value: switches::get(&self.role, Switch::Cleaner)? })
    }

    async fn switch_snapshot_cleanup(
        &self,
        _: &CallContext,
        request: pb::SetSnapshotCleanupRequest,
    ) -> Answer<pb::SetSnapshotCleanupResponse> {
        let prev_snapshot_cleanup =
            switches::set(&self.role, Switch::SnapshotCleanup, request.enabled).await?;
        Ok(pb::SetSnapshotCleanupResponse { prev_snapshot_cleanup })
    }

    async fn is_snapshot_cleanup_enabled(
        &self,
        _: &CallContext,
        _: pb::IsSnapshotCleanupEnabledRequest,
    ) -> Answer<pb::IsSnapshotCleanupEnabledResponse> {
        let enabled = switches::get_initialized(&self.role, Switch::SnapshotCleanup)?;
        Ok(pb::IsSnapshotCleanupEnabledResponse { enabled })
    }

    async fn replication_peer_modification_switch(
        &self,
        _: &CallContext,
        request: pb::ReplicationPeerModificationSwitchRequest,
    ) -> Answer<pb::ReplicationPeerModificationSwitchResponse> {
        let previous_value = switches::set(&self.role, Switch::PeerModification, request.on).await?;
        Ok(pb::ReplicationPeerModificationSwitchResponse { previous_value })
    }

    async fn is_replication_peer_modification_enabled(
        &self,
        _: &CallContext,
        _: pb::IsReplicationPeerModificationEnabledRequest,
    ) -> Answer<pb::IsReplicationPeerModificationEnabledResponse> {
        let enabled = switches::get_initialized(&self.role, Switch::PeerModification)?;
        Ok(pb::IsReplicationPeerModificationEnabledResponse { enabled })
    }

    async fn get_procedure_result(
        &self,
        _: &CallContext,
        request: pb::GetProcedureResultRequest,
    ) -> Answer<pb::GetProcedureResultResponse> {
        procedures::get_result(&self.role, request)
    }

    async fn abort_procedure(
        &self,
        _: &CallContext,
        request: pb::AbortProcedureRequest,
    ) -> Answer<pb::AbortProcedureResponse> {
        procedures::abort(&self.role, &request).await
    }

    async fn get_procedures(
        &self,
        _: &CallContext,
        _: pb::GetProceduresRequest,
    ) -> Answer<pb::GetProceduresResponse> {
        procedures::list(&self.role)
    }

    async fn get_locks(&self, _: &CallContext, _: pb::GetLocksRequest) -> Answer<pb::GetLocksResponse> {
        procedures::locks(&self.role)
    }

    async fn get_last_major_compaction_timestamp(
        &self,
        _: &CallContext,
        request: pb::MajorCompactionTimestampRequest,
    ) -> Answer<pb::MajorCompactionTimestampResponse> {
        compactions::of_table(&self.role, &request)
    }

    async fn get_last_major_compaction_timestamp_for_region(
        &self,
        _: &CallContext,
        request: pb::MajorCompactionTimestampForRegionRequest,
    ) -> Answer<pb::MajorCompactionTimestampResponse> {
        compactions::of_region(&self.role, &request)
    }

    async fn get_security_capabilities(
        &self,
        _: &CallContext,
        _: pb::SecurityCapabilitiesRequest,
    ) -> Answer<pb::SecurityCapabilitiesResponse> {
        lifecycle::security_capabilities(&self.role)
    }

    async fn normalize(&self, _: &CallContext, _: pb::NormalizeRequest) -> Answer<pb::NormalizeResponse> {
        janitors::normalize(&self.role)
    }

    async fn run_cleaner_chore(
        &self,
        _: &CallContext,
        _: pb::RunCleanerChoreRequest,
    ) -> Answer<pb::RunCleanerChoreResponse> {
        janitors::run_cleaners(&self.role).await
    }

    async fn flush_master_store(
        &self,
        _: &CallContext,
        _: pb::FlushMasterStoreRequest,
    ) -> Answer<pb::FlushMasterStoreResponse> {
        janitors::flush_master_store(&self.role).await
    }

    async fn snapshot(&self, _: &CallContext, _: pb::SnapshotRequest) -> Answer<pb::SnapshotResponse> {
        self.role.initialized()?;
        Err(absent::snapshots())
    }

    async fn is_snapshot_done(
        &self,
        _: &CallContext,
        _: pb::IsSnapshotDoneRequest,
    ) -> Answer<pb::IsSnapshotDoneResponse> {
        self.role.initialized()?;
        Err(absent::snapshots())
    }

    async fn get_completed_snapshots(
        &self,
        _: &CallContext,
        _: pb::GetCompletedSnapshotsRequest,
    ) -> Answer<pb::GetCompletedSnapshotsResponse> {
        self.role.initialized()?;
        Err(absent::snapshots())
    }

    async fn delete_snapshot(
        &self,
        _: &CallContext,
        _: pb::DeleteSnapshotRequest,
    ) -> Answer<pb::DeleteSnapshotResponse> {
        self.role.initialized()?;
        Err(absent::snapshots())
    }

    async fn restore_snapshot(
        &self,
        _: &CallContext,
        _: pb::RestoreSnapshotRequest,
    ) -> Answer<pb::RestoreSnapshotResponse> {
        self.role.initialized()?;
        Err(absent::snapshots())
    }

    async fn exec_procedure(
        &self,
        call: &CallContext,
        request: pb::ExecProcedureRequest,
    ) -> Answer<pb::ExecProcedureResponse> {
        barriers::exec(&self.role, call, request).await
    }

    async fn exec_procedure_with_ret(
        &self,
        _: &CallContext,
        request: pb::ExecProcedureRequest,
    ) -> Answer<pb::ExecProcedureResponse> {
        barriers::exec_with_return(&self.role, &request)
    }

    async fn is_procedure_done(
        &self,
        _: &CallContext,
        request: pb::IsProcedureDoneRequest,
    ) -> Answer<pb::IsProcedureDoneResponse> {
        barriers::is_done(&self.role, &request)
    }

    async fn set_quota(&self, _: &CallContext, _: pb::SetQuotaRequest) -> Answer<pb::SetQuotaResponse> {
        quotas::set(&self.role)
    }

    async fn switch_rpc_throttle(
        &self,
        _: &CallContext,
        _: pb::SwitchRpcThrottleRequest,
    ) -> Answer<pb::SwitchRpcThrottleResponse> {
        quotas::switch_rpc_throttle(&self.role)
    }

    async fn is_rpc_throttle_enabled(
        &self,
        _: &CallContext,
        _: pb::IsRpcThrottleEnabledRequest,
    ) -> Answer<pb::IsRpcThrottleEnabledResponse> {
        quotas::is_rpc_throttle_enabled(&self.role)
    }

    async fn switch_exceed_throttle_quota(
        &self,
        _: &CallContext,
        _: pb::SwitchExceedThrottleQuotaRequest,
    ) -> Answer<pb::SwitchExceedThrottleQuotaResponse> {
        quotas::switch_exceed_throttle(&self.role)
    }

    async fn get_space_quota_region_sizes(
        &self,
        _: &CallContext,
        _: pb::GetSpaceQuotaRegionSizesRequest,
    ) -> Answer<pb::GetSpaceQuotaRegionSizesResponse> {
        quotas::region_sizes(&self.role)
    }

    async fn get_quota_states(
        &self,
        _: &CallContext,
        _: pb::GetQuotaStatesRequest,
    ) -> Answer<pb::GetQuotaStatesResponse> {
        quotas::states(&self.role)
    }

    async fn exec_master_service(
        &self,
        _: &CallContext,
        request: pb::CoprocessorServiceRequest,
    ) -> Answer<pb::CoprocessorServiceResponse> {
        access::exec_master_service(&self.role, &request)
    }

    async fn grant(&self, _: &CallContext, _: pb::GrantRequest) -> Answer<pb::GrantResponse> {
        access::permissions(&self.role)
    }

    async fn revoke(&self, _: &CallContext, _: pb::RevokeRequest) -> Answer<pb::RevokeResponse> {
        access::permissions(&self.role)
    }

    async fn get_user_permissions(
        &self,
        _: &CallContext,
        _: pb::GetUserPermissionsRequest,
    ) -> Answer<pb::GetUserPermissionsResponse> {
        access::permissions(&self.role)
    }

    async fn has_user_permissions(
        &self,
        _: &CallContext,
        _: pb::HasUserPermissionsRequest,
    ) -> Answer<pb::HasUserPermissionsResponse> {
        access::permissions(&self.role)
    }

    async fn list_replication_peers(
        &self,
        _: &CallContext,
        request: pb::ListReplicationPeersRequest,
    ) -> Answer<pb::ListReplicationPeersResponse> {
        replication::list(&self.role, &request).await
    }

    async fn add_replication_peer(
        &self,
        _: &CallContext,
        request: pb::AddReplicationPeerRequest,
    ) -> Answer<pb::AddReplicationPeerResponse> {
        replication::add(&self.role, &request.peer_id)
    }

    async fn remove_replication_peer(
        &self,
        _: &CallContext,
        request: pb::RemoveReplicationPeerRequest,
    ) -> Answer<pb::RemoveReplicationPeerResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn enable_replication_peer(
        &self,
        _: &CallContext,
        request: pb::EnableReplicationPeerRequest,
    ) -> Answer<pb::EnableReplicationPeerResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn disable_replication_peer(
        &self,
        _: &CallContext,
        request: pb::DisableReplicationPeerRequest,
    ) -> Answer<pb::DisableReplicationPeerResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn get_replication_peer_config(
        &self,
        _: &CallContext,
        request: pb::GetReplicationPeerConfigRequest,
    ) -> Answer<pb::GetReplicationPeerConfigResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn update_replication_peer_config(
        &self,
        _: &CallContext,
        request: pb::UpdateReplicationPeerConfigRequest,
    ) -> Answer<pb::UpdateReplicationPeerConfigResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn is_replication_peer_enabled(
        &self,
        _: &CallContext,
        request: pb::GetReplicationPeerStateRequest,
    ) -> Answer<pb::GetReplicationPeerStateResponse> {
        replication::about(&self.role, &request.peer_id).await
    }

    async fn get_replication_peer_modification_procedures(
        &self,
        _: &CallContext,
        _: pb::GetReplicationPeerModificationProceduresRequest,
    ) -> Answer<pb::GetReplicationPeerModificationProceduresResponse> {
        replication::modifications(&self.role)
    }
}
