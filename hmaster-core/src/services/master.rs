//! MasterService: the table of its calls. Each leads to the file of its topic; what that can't do yet, it refuses.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::services::master_service::{self, GET_CLUSTER_STATUS, MasterService};
use hmaster_protocol::{CallContext, RpcService, bad_request, decode, pb};
use hmaster_types::JavaException;

use super::{
    MasterServices, access, balancing, barriers, cluster_status, compactions, janitors, lifecycle, list,
    namespaces, procedures, quotas, region_changes, regions, replication, schema, servers, snapshots,
    switches,
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

/// Implements the service from a table of `method(Request) -> Response: answer;`. An answer may use what the table's
/// head names: the service, its role, the call's context and the decoded request.
macro_rules! master_calls {
    (|$master:ident, $role:ident, $call:ident, $request:ident|
     $($method:ident($Request:ident) -> $Response:ident: $answer:expr;)*) => {
        #[async_trait]
        impl MasterService<CallContext> for MasterServices {
            $(
                async fn $method(
                    &self,
                    $call: &CallContext,
                    $request: pb::$Request,
                ) -> Answer<pb::$Response> {
                    let ($master, $role) = (self, &self.role);
                    let _ = ($master, $role, $call, &$request); // not every answer needs them all
                    $answer
                }
            )*
        }
    };
}

master_calls! { |master, role, call, request|
    // Tables: what there is
    get_table_descriptors(GetTableDescriptorsRequest) -> GetTableDescriptorsResponse:
        list::get_table_descriptors(role, &request);
    list_table_descriptors_by_state(ListTableDescriptorsByStateRequest) -> ListTableDescriptorsByStateResponse:
        list::list_table_descriptors_by_state(role, request);
    get_table_names(GetTableNamesRequest) -> GetTableNamesResponse:
        list::get_table_names(role, &request);
    list_table_names_by_state(ListTableNamesByStateRequest) -> ListTableNamesByStateResponse:
        list::list_table_names_by_state(role, request);
    list_table_descriptors_by_namespace(ListTableDescriptorsByNamespaceRequest) -> ListTableDescriptorsByNamespaceResponse:
        list::list_table_descriptors_by_namespace(role, &request);
    list_table_names_by_namespace(ListTableNamesByNamespaceRequest) -> ListTableNamesByNamespaceResponse:
        list::list_table_names_by_namespace(role, &request);
    get_table_state(GetTableStateRequest) -> GetTableStateResponse:
        list::get_table_state(role, &request);
    get_schema_alter_status(GetSchemaAlterStatusRequest) -> GetSchemaAlterStatusResponse:
        list::get_schema_alter_status(role, &request);

    // Tables: what changes them
    create_table(CreateTableRequest) -> CreateTableResponse:
        schema::create_table(role, call, request).await;
    delete_table(DeleteTableRequest) -> DeleteTableResponse:
        schema::delete_table(role, call, request).await;
    enable_table(EnableTableRequest) -> EnableTableResponse:
        schema::enable_table(role, call, request).await;
    disable_table(DisableTableRequest) -> DisableTableResponse:
        schema::disable_table(role, call, request).await;
    modify_table(ModifyTableRequest) -> ModifyTableResponse:
        schema::modify_table(role, call, request).await;
    add_column(AddColumnRequest) -> AddColumnResponse:
        schema::add_column(role, call, request).await;
    modify_column(ModifyColumnRequest) -> ModifyColumnResponse:
        schema::modify_column(role, call, request).await;
    delete_column(DeleteColumnRequest) -> DeleteColumnResponse:
        schema::delete_column(role, call, request).await;
    truncate_table(TruncateTableRequest) -> TruncateTableResponse:
        schema::truncate_table(role, call, request).await;
    modify_table_store_file_tracker(ModifyTableStoreFileTrackerRequest) -> ModifyTableStoreFileTrackerResponse:
        schema::modify_table_store_file_tracker(role, call, request).await;
    modify_column_store_file_tracker(ModifyColumnStoreFileTrackerRequest) -> ModifyColumnStoreFileTrackerResponse:
        schema::modify_column_store_file_tracker(role, call, request).await;
    flush_table(FlushTableRequest) -> FlushTableResponse:
        schema::flush_table(role, call, request).await;

    // Splits, merges, truncation of regions
    split_region(SplitTableRegionRequest) -> SplitTableRegionResponse:
        region_changes::split_region(role, call, request).await;
    merge_table_regions(MergeTableRegionsRequest) -> MergeTableRegionsResponse:
        region_changes::merge_table_regions(role, call, request).await;
    truncate_region(TruncateRegionRequest) -> TruncateRegionResponse:
        region_changes::truncate_region(role, call, request).await;

    // Namespaces
    create_namespace(CreateNamespaceRequest) -> CreateNamespaceResponse:
        namespaces::create_namespace(role, call, request).await;
    modify_namespace(ModifyNamespaceRequest) -> ModifyNamespaceResponse:
        namespaces::modify_namespace(role, call, request).await;
    delete_namespace(DeleteNamespaceRequest) -> DeleteNamespaceResponse:
        namespaces::delete_namespace(role, call, request).await;
    get_namespace_descriptor(GetNamespaceDescriptorRequest) -> GetNamespaceDescriptorResponse:
        namespaces::get_namespace_descriptor(role, &request);
    list_namespace_descriptors(ListNamespaceDescriptorsRequest) -> ListNamespaceDescriptorsResponse:
        namespaces::list_namespace_descriptors(role);
    list_namespaces(ListNamespacesRequest) -> ListNamespacesResponse:
        namespaces::list_namespaces(role);

    // Regions: where they are
    move_region(MoveRegionRequest) -> MoveRegionResponse:
        regions::move_region(role, &request).await;
    assign_region(AssignRegionRequest) -> AssignRegionResponse:
        regions::assign_region(role, &request).await;
    unassign_region(UnassignRegionRequest) -> UnassignRegionResponse:
        regions::unassign_region(role, &request).await;
    offline_region(OfflineRegionRequest) -> OfflineRegionResponse:
        regions::offline_region(role, &request);

    // The cluster and its masters
    get_cluster_status(GetClusterStatusRequest) -> GetClusterStatusResponse:
        cluster_status::get_decoded(master, &request);
    is_master_running(IsMasterRunningRequest) -> IsMasterRunningResponse:
        lifecycle::is_running(role);
    shutdown(ShutdownRequest) -> ShutdownResponse:
        lifecycle::shutdown(role, call).await;
    stop_master(StopMasterRequest) -> StopMasterResponse:
        Ok(lifecycle::stop_master(&*master.process, call));
    is_master_in_maintenance_mode(IsInMaintenanceModeRequest) -> IsInMaintenanceModeResponse:
        lifecycle::is_in_maintenance_mode(role);
    get_security_capabilities(SecurityCapabilitiesRequest) -> SecurityCapabilitiesResponse:
        lifecycle::security_capabilities(role);

    // Region servers
    clear_dead_servers(ClearDeadServersRequest) -> ClearDeadServersResponse:
        servers::clear_dead_servers(role, request);
    list_decommissioned_region_servers(ListDecommissionedRegionServersRequest) -> ListDecommissionedRegionServersResponse:
        servers::list_decommissioned(role);
    decommission_region_servers(DecommissionRegionServersRequest) -> DecommissionRegionServersResponse:
        servers::decommission(role, request).await;
    recommission_region_server(RecommissionRegionServerRequest) -> RecommissionRegionServerResponse:
        servers::recommission(role, &request).await;

    // The balancer
    set_balancer_running(SetBalancerRunningRequest) -> SetBalancerRunningResponse:
        balancing::set_running(role, &request).await;
    balance(BalanceRequest) -> BalanceResponse:
        balancing::balance(role, &request).await;
    get_log_entries(LogRequest) -> LogEntry:
        balancing::log_entries(role, request);
    is_balancer_enabled(IsBalancerEnabledRequest) -> IsBalancerEnabledResponse:
        Ok(pb::IsBalancerEnabledResponse { enabled: switches::get(role, Switch::Balancer)? });

    // Chores: their switches, and one run at once
    set_normalizer_running(SetNormalizerRunningRequest) -> SetNormalizerRunningResponse:
        Ok(pb::SetNormalizerRunningResponse {
            prev_normalizer_value: Some(switches::set(role, Switch::Normalizer, request.on).await?),
        });
    is_normalizer_enabled(IsNormalizerEnabledRequest) -> IsNormalizerEnabledResponse:
        Ok(pb::IsNormalizerEnabledResponse { enabled: switches::get(role, Switch::Normalizer)? });
    set_split_or_merge_enabled(SetSplitOrMergeEnabledRequest) -> SetSplitOrMergeEnabledResponse:
        switches::set_split_or_merge(role, &request).await;
    is_split_or_merge_enabled(IsSplitOrMergeEnabledRequest) -> IsSplitOrMergeEnabledResponse:
        switches::is_split_or_merge(role, request);
    run_catalog_scan(RunCatalogScanRequest) -> RunCatalogScanResponse:
        janitors::run_catalog_scan(role).await;
    enable_catalog_janitor(EnableCatalogJanitorRequest) -> EnableCatalogJanitorResponse:
        Ok(pb::EnableCatalogJanitorResponse {
            prev_value: Some(switches::set(role, Switch::CatalogJanitor, request.enable).await?),
        });
    is_catalog_janitor_enabled(IsCatalogJanitorEnabledRequest) -> IsCatalogJanitorEnabledResponse:
        Ok(pb::IsCatalogJanitorEnabledResponse { value: switches::get(role, Switch::CatalogJanitor)? });
    set_cleaner_chore_running(SetCleanerChoreRunningRequest) -> SetCleanerChoreRunningResponse:
        Ok(pb::SetCleanerChoreRunningResponse {
            prev_value: Some(switches::set(role, Switch::Cleaner, request.on).await?),
        });
    is_cleaner_chore_enabled(IsCleanerChoreEnabledRequest) -> IsCleanerChoreEnabledResponse:
        Ok(pb::IsCleanerChoreEnabledResponse { value: switches::get(role, Switch::Cleaner)? });
    switch_snapshot_cleanup(SetSnapshotCleanupRequest) -> SetSnapshotCleanupResponse:
        Ok(pb::SetSnapshotCleanupResponse {
            prev_snapshot_cleanup: switches::set(role, Switch::SnapshotCleanup, request.enabled).await?,
        });
    is_snapshot_cleanup_enabled(IsSnapshotCleanupEnabledRequest) -> IsSnapshotCleanupEnabledResponse:
        Ok(pb::IsSnapshotCleanupEnabledResponse {
            enabled: switches::get_initialized(role, Switch::SnapshotCleanup)?,
        });
    replication_peer_modification_switch(ReplicationPeerModificationSwitchRequest) -> ReplicationPeerModificationSwitchResponse:
        Ok(pb::ReplicationPeerModificationSwitchResponse {
            previous_value: switches::set(role, Switch::PeerModification, request.on).await?,
        });
    is_replication_peer_modification_enabled(IsReplicationPeerModificationEnabledRequest) -> IsReplicationPeerModificationEnabledResponse:
        Ok(pb::IsReplicationPeerModificationEnabledResponse {
            enabled: switches::get_initialized(role, Switch::PeerModification)?,
        });
    normalize(NormalizeRequest) -> NormalizeResponse:
        janitors::normalize(role);
    run_cleaner_chore(RunCleanerChoreRequest) -> RunCleanerChoreResponse:
        janitors::run_cleaners(role).await;
    flush_master_store(FlushMasterStoreRequest) -> FlushMasterStoreResponse:
        janitors::flush_master_store(role).await;

    // Procedures
    get_procedure_result(GetProcedureResultRequest) -> GetProcedureResultResponse:
        procedures::get_result(role, request);
    abort_procedure(AbortProcedureRequest) -> AbortProcedureResponse:
        procedures::abort(role, &request).await;
    get_procedures(GetProceduresRequest) -> GetProceduresResponse:
        procedures::list(role);
    get_locks(GetLocksRequest) -> GetLocksResponse:
        procedures::locks(role);

    // Compactions
    get_last_major_compaction_timestamp(MajorCompactionTimestampRequest) -> MajorCompactionTimestampResponse:
        compactions::of_table(role, &request);
    get_last_major_compaction_timestamp_for_region(MajorCompactionTimestampForRegionRequest) -> MajorCompactionTimestampResponse:
        compactions::of_region(role, &request);

    // Snapshots
    snapshot(SnapshotRequest) -> SnapshotResponse:
        snapshots::take(role, call, request).await;
    is_snapshot_done(IsSnapshotDoneRequest) -> IsSnapshotDoneResponse:
        snapshots::is_done(role, request).await;
    get_completed_snapshots(GetCompletedSnapshotsRequest) -> GetCompletedSnapshotsResponse:
        snapshots::list(role).await;
    delete_snapshot(DeleteSnapshotRequest) -> DeleteSnapshotResponse:
        snapshots::delete(role, call, request).await;
    restore_snapshot(RestoreSnapshotRequest) -> RestoreSnapshotResponse:
        snapshots::restore(role, call, request).await;

    // Barrier procedures
    exec_procedure(ExecProcedureRequest) -> ExecProcedureResponse:
        barriers::exec(role, call, request).await;
    exec_procedure_with_ret(ExecProcedureRequest) -> ExecProcedureResponse:
        barriers::exec_with_return(role, &request);
    is_procedure_done(IsProcedureDoneRequest) -> IsProcedureDoneResponse:
        barriers::is_done(role, &request).await;

    // Quotas
    set_quota(SetQuotaRequest) -> SetQuotaResponse:
        quotas::set(role);
    switch_rpc_throttle(SwitchRpcThrottleRequest) -> SwitchRpcThrottleResponse:
        quotas::switch_rpc_throttle(role);
    is_rpc_throttle_enabled(IsRpcThrottleEnabledRequest) -> IsRpcThrottleEnabledResponse:
        quotas::is_rpc_throttle_enabled(role);
    switch_exceed_throttle_quota(SwitchExceedThrottleQuotaRequest) -> SwitchExceedThrottleQuotaResponse:
        quotas::switch_exceed_throttle(role);
    get_space_quota_region_sizes(GetSpaceQuotaRegionSizesRequest) -> GetSpaceQuotaRegionSizesResponse:
        quotas::region_sizes(role);
    get_quota_states(GetQuotaStatesRequest) -> GetQuotaStatesResponse:
        quotas::states(role);

    // Coprocessors and permissions
    exec_master_service(CoprocessorServiceRequest) -> CoprocessorServiceResponse:
        access::exec_master_service(role, &request);
    grant(GrantRequest) -> GrantResponse:
        access::permissions(role);
    revoke(RevokeRequest) -> RevokeResponse:
        access::permissions(role);
    get_user_permissions(GetUserPermissionsRequest) -> GetUserPermissionsResponse:
        access::permissions(role);
    has_user_permissions(HasUserPermissionsRequest) -> HasUserPermissionsResponse:
        access::permissions(role);

    // Replication peers
    list_replication_peers(ListReplicationPeersRequest) -> ListReplicationPeersResponse:
        replication::list(role, &request).await;
    add_replication_peer(AddReplicationPeerRequest) -> AddReplicationPeerResponse:
        replication::add(role, &request.peer_id);
    remove_replication_peer(RemoveReplicationPeerRequest) -> RemoveReplicationPeerResponse:
        replication::about(role, &request.peer_id).await;
    enable_replication_peer(EnableReplicationPeerRequest) -> EnableReplicationPeerResponse:
        replication::about(role, &request.peer_id).await;
    disable_replication_peer(DisableReplicationPeerRequest) -> DisableReplicationPeerResponse:
        replication::about(role, &request.peer_id).await;
    get_replication_peer_config(GetReplicationPeerConfigRequest) -> GetReplicationPeerConfigResponse:
        replication::about(role, &request.peer_id).await;
    update_replication_peer_config(UpdateReplicationPeerConfigRequest) -> UpdateReplicationPeerConfigResponse:
        replication::about(role, &request.peer_id).await;
    is_replication_peer_enabled(GetReplicationPeerStateRequest) -> GetReplicationPeerStateResponse:
        replication::about(role, &request.peer_id).await;
    get_replication_peer_modification_procedures(GetReplicationPeerModificationProceduresRequest) -> GetReplicationPeerModificationProceduresResponse:
        replication::modifications(role);
}
