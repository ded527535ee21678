//! Every call of MasterService in 2.6.4: what this master does with it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_core::testing::World;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_protocol::services::{hbck_service, lock_service, master_service};
use hmaster_protocol::{RpcService as _, pb};
use hmaster_types::class;
use prost::Message as _;

use crate::support::{call, create, world};

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// As by a Java master.
    There,
    /// As by a Java master in which what it is about is off or not loaded, which is Java's default.
    Off,
    /// Refused: `UnsupportedOperationException`, not to be repeated.
    Absent,
}

use Is::{Absent, Off, There};

const CALLS: [(&str, Is); 97] = [
    ("GetSchemaAlterStatus", There),
    ("GetTableDescriptors", There),
    ("GetTableNames", There),
    ("ListTableDescriptorsByState", There),
    ("ListTableNamesByState", There),
    ("ListTableDescriptorsByNamespace", There),
    ("ListTableNamesByNamespace", There),
    ("GetTableState", There),
    ("CreateTable", There),
    ("DeleteTable", There),
    ("truncateTable", There),
    ("EnableTable", There),
    ("DisableTable", There),
    ("ModifyTable", There),
    ("AddColumn", There),
    ("DeleteColumn", There),
    ("ModifyColumn", There),
    ("ModifyTableStoreFileTracker", There),
    ("ModifyColumnStoreFileTracker", There),
    ("FlushTable", There),
    ("CreateNamespace", There),
    ("ModifyNamespace", There),
    ("DeleteNamespace", There),
    ("GetNamespaceDescriptor", There),
    ("ListNamespaceDescriptors", There),
    ("ListNamespaces", There),
    ("MoveRegion", There),
    ("AssignRegion", There),
    ("UnassignRegion", There),
    ("OfflineRegion", There),
    ("SplitRegion", There),
    ("MergeTableRegions", There),
    ("TruncateRegion", There),
    ("GetClusterStatus", There),
    ("IsMasterRunning", There),
    ("Shutdown", There),
    ("StopMaster", There),
    ("IsMasterInMaintenanceMode", There),
    ("ClearDeadServers", There),
    ("ListDecommissionedRegionServers", There),
    ("DecommissionRegionServers", There),
    ("RecommissionRegionServer", There),
    ("Balance", There),
    ("SetBalancerRunning", There),
    ("IsBalancerEnabled", There),
    ("Normalize", Absent),
    ("SetNormalizerRunning", There),
    ("IsNormalizerEnabled", There),
    ("SetSplitOrMergeEnabled", There),
    ("IsSplitOrMergeEnabled", There),
    ("RunCatalogScan", There),
    ("EnableCatalogJanitor", There),
    ("IsCatalogJanitorEnabled", There),
    ("RunCleanerChore", There),
    ("SetCleanerChoreRunning", There),
    ("IsCleanerChoreEnabled", There),
    ("SwitchSnapshotCleanup", There),
    ("IsSnapshotCleanupEnabled", There),
    ("FlushMasterStore", There),
    ("Snapshot", There),
    ("GetCompletedSnapshots", There),
    ("DeleteSnapshot", There),
    ("IsSnapshotDone", There),
    ("RestoreSnapshot", There),
    ("ExecProcedure", There),
    ("ExecProcedureWithRet", There),
    ("IsProcedureDone", There),
    ("getProcedureResult", There),
    ("AbortProcedure", There),
    ("GetProcedures", There),
    ("GetLocks", There),
    ("getLastMajorCompactionTimestamp", There),
    ("getLastMajorCompactionTimestampForRegion", There),
    ("SetQuota", Absent),
    ("GetSpaceQuotaRegionSizes", Off),
    ("GetQuotaStates", Off),
    ("SwitchRpcThrottle", Off),
    ("IsRpcThrottleEnabled", Off),
    ("SwitchExceedThrottleQuota", Off),
    ("AddReplicationPeer", Absent),
    ("RemoveReplicationPeer", Off),
    ("EnableReplicationPeer", Off),
    ("DisableReplicationPeer", Off),
    ("UpdateReplicationPeerConfig", Off),
    ("GetReplicationPeerConfig", Off),
    ("ListReplicationPeers", Off),
    ("IsReplicationPeerEnabled", Off),
    ("ReplicationPeerModificationSwitch", There),
    ("GetReplicationPeerModificationProcedures", Off),
    ("IsReplicationPeerModificationEnabled", There),
    ("getSecurityCapabilities", There),
    ("Grant", Absent),
    ("Revoke", Absent),
    ("GetUserPermissions", Absent),
    ("HasUserPermissions", Absent),
    ("ExecMasterService", Off),
    ("GetLogEntries", There),
];

/// A request with all that is required, and no sense in it.
fn request(method: &str) -> Bytes {
    let encoded = match method {
        "Snapshot" => pb::SnapshotRequest::default().encode_to_vec(),
        "SetQuota" => pb::SetQuotaRequest::default().encode_to_vec(),
        "SwitchRpcThrottle" => pb::SwitchRpcThrottleRequest::default().encode_to_vec(),
        "SwitchExceedThrottleQuota" => pb::SwitchExceedThrottleQuotaRequest::default().encode_to_vec(),
        "AddReplicationPeer" => pb::AddReplicationPeerRequest::default().encode_to_vec(),
        "RemoveReplicationPeer" => pb::RemoveReplicationPeerRequest::default().encode_to_vec(),
        "EnableReplicationPeer" => pb::EnableReplicationPeerRequest::default().encode_to_vec(),
        "DisableReplicationPeer" => pb::DisableReplicationPeerRequest::default().encode_to_vec(),
        "UpdateReplicationPeerConfig" => pb::UpdateReplicationPeerConfigRequest::default().encode_to_vec(),
        "GetReplicationPeerConfig" => pb::GetReplicationPeerConfigRequest::default().encode_to_vec(),
        "IsReplicationPeerEnabled" => pb::GetReplicationPeerStateRequest::default().encode_to_vec(),
        "DeleteSnapshot" => pb::DeleteSnapshotRequest::default().encode_to_vec(),
        "RestoreSnapshot" => pb::RestoreSnapshotRequest::default().encode_to_vec(),
        "HasUserPermissions" => pb::HasUserPermissionsRequest::default().encode_to_vec(),
        "ExecMasterService" => pb::CoprocessorServiceRequest::default().encode_to_vec(),
        _ => Vec::new(),
    };
    encoded.into()
}

/// Their requests have parts that an empty one can't have.
const NOT_ASKED: [&str; 2] = ["Grant", "Revoke"];

async fn is_absent(world: &World, method: &str) -> bool {
    let master = world.active_master().unwrap();
    match master.services.dispatch(&call(), method, request(method)).await {
        Ok(_) => false,
        Err(error) => {
            error.is(class::DO_NOT_RETRY_IO) && error.message.contains("UnsupportedOperationException")
        }
    }
}

#[test]
fn the_table_names_every_call() {
    let listed: BTreeMap<_, _> = CALLS.into_iter().collect();
    let missing: Vec<_> = master_service::METHODS.iter().filter(|name| !listed.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A call that nobody implements is refused with its own name as the only reason.
#[test]
fn no_call_is_forgotten() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let master = world.active_master().unwrap();
        let mut forgotten = Vec::new();
        for method in
            master_service::METHODS.iter().filter(|name| !["Shutdown", "StopMaster"].contains(*name))
        {
            if let Err(error) = master.services.dispatch(&call(), method, request(method)).await
                && error.message == format!("{}: {method}", class::UNSUPPORTED_OPERATION.name)
            {
                forgotten.push(method);
            }
        }
        assert!(forgotten.is_empty(), "{forgotten:?}");
    });
}

#[test]
fn what_is_absent_says_so() {
    world(|world| async move {
        for (method, is) in CALLS.into_iter().filter(|(name, is)| *is != There && !NOT_ASKED.contains(name)) {
            assert_eq!(is_absent(&world, method).await, is == Absent, "{method}");
        }
    });
}

/// A peer that a Java master has made is named, not denied.
#[test]
fn peers_that_cant_be_read_are_named() {
    world(|world| async move {
        world.with(|state| state.znodes.peers.insert("p7".into()));
        let master = world.active_master().unwrap();
        let all = pb::ListReplicationPeersRequest::default();
        let refused = master.services.list_replication_peers(&call(), all).await.unwrap_err();
        assert!(refused.message.contains("p7"), "{refused}");
        let other = pb::ListReplicationPeersRequest { regex: Some("q.*".into()) };
        let list = master.services.list_replication_peers(&call(), other).await.unwrap();
        assert!(list.peer_desc.is_empty());
    });
}

#[test]
fn repairs_and_locks_are_all_there() {
    assert_eq!((hbck_service::METHODS.len(), lock_service::METHODS.len()), (9, 2));
}
