//! What a master orders: regions opened and closed, procedures run.

use std::sync::atomic::Ordering;

use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::pb::remote_procedure_result::Status;
use hmaster_sim::End;
use hmaster_types::{RegionInfo, ServerName, class};
use prost::Message as _;

use crate::cluster::{Cluster, Master, Told, get, order_to_close, order_to_open, put};
use crate::running::Running;

async fn outcome(master: &mut Master) -> pb::RemoteProcedureResult {
    master
        .hears(|told| match told {
            Told::Done(result) => Some(result),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn regions_are_opened_and_closed_and_that_is_reported_until_it_is_heard() {
    let Running { cluster, mut master, server, region } = Running::new().await;
    let admin = cluster.admin(&server);

    let open = order_to_open(&server, &region, 11);
    admin.execute_procedures(&open).await.unwrap();
    let (code, opened) = master.hears_transition().await;
    assert_eq!((code, opened.initiating_master_active_time), (TransitionCode::Opened, Some(77)));
    cluster.served(&server, &region).await;
    // Neither the same order again nor another one about the same region is reported.
    admin.execute_procedures(&open).await.unwrap();
    admin.execute_procedures(&order_to_open(&server, &region, 12)).await.unwrap();
    let online = admin.get_online_region(&pb::GetOnlineRegionRequest {}).await.unwrap();
    assert_eq!(RegionInfo::try_from(&online.region_info[0]).unwrap(), region);

    let elsewhere: ServerName = "elsewhere,16020,5".parse().unwrap();
    let close = order_to_close(&server, &region, 13, Some(&elsewhere));
    admin.execute_procedures(&close).await.unwrap();
    let (code, closed) = master.hears_transition().await;
    assert_eq!((code, closed.proc_id), (TransitionCode::Closed, vec![13]));
    let moved = get(&cluster.rows(&server), &region, "r").await.unwrap_err();
    let moved = moved.exception().unwrap().clone();
    assert!(
        moved.is(class::REGION_MOVED) && moved.message.contains("hostname=elsewhere port=16020 startCode=5.")
    );
}

#[tokio::test]
async fn a_master_that_is_starting_is_told_again() {
    let Running { cluster, mut master, server, region } = Running::new().await;
    master.script.refusals.lock().extend([class::PLEASE_HOLD, class::IO, class::SERVER_NOT_RUNNING_YET]);
    cluster.open(&mut master, &server, &region).await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_reported() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let nowhere = RegionInfo::builder("nowhere".parse().unwrap()).region_id(1).build();
    cluster.admin(&server).execute_procedures(&order_to_open(&server, &nowhere, 5)).await.unwrap();
    let (code, failed) = master.hears_transition().await;
    assert_eq!((code, failed.proc_id), (TransitionCode::FailedOpen, vec![5]));
    assert_eq!(server.region_count(), 0);
}

#[tokio::test]
async fn a_report_that_is_refused_for_good_ends_the_server() {
    let cluster = Cluster::new().await;
    let master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let region = cluster.table("t").await;
    master.script.hates_transitions.store(true, Ordering::SeqCst);
    cluster.admin(&server).execute_procedures(&order_to_open(&server, &region, 5)).await.unwrap();
    let end = server.stopped().await;
    assert!(matches!(&end, End::Aborted(why) if why.contains("no such server")), "{end}");
}

#[tokio::test]
async fn orders_for_an_earlier_life_are_refused() {
    let cluster = Cluster::new().await;
    let _master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let region = cluster.table("t").await;
    let mut order = order_to_open(&server, &region, 5);
    order.open_region[0].server_start_code = Some(1);
    let refused = cluster.admin(&server).execute_procedures(&order).await.unwrap_err();
    let refused = refused.exception().unwrap();
    assert!(refused.is(class::DO_NOT_RETRY_IO) && refused.message.contains("different server"), "{refused}");
}

#[tokio::test]
async fn the_logs_of_a_killed_server_are_split_and_nothing_is_lost() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let region = cluster.table("t").await;
    let victim = cluster.region_server().await;
    cluster.open(&mut master, &victim, &region).await;
    for row in ["a", "b", "c"] {
        put(&cluster.rows(&victim), &region, row, "v").await.unwrap();
    }
    let dead = victim.server_name().unwrap().clone();
    victim.abort().await;

    let server = cluster.region_server().await;
    assert!(cluster.root.fence_wals(&dead).await.unwrap());
    let logs = cluster.root.wals_to_split(&dead, hmaster_fs::rootdir::WalKind::Other).await.unwrap();
    assert!(!logs.is_empty());
    for (index, log) in logs.iter().enumerate() {
        let parameter = pb::SplitWalParameter { wal_path: cluster.root.wal_uri(log).to_string() };
        let order = pb::RemoteProcedureRequest {
            proc_id: 100 + index as u64,
            proc_class: "org.apache.hadoop.hbase.regionserver.SplitWALCallable".into(),
            proc_data: Some(parameter.encode_to_vec().into()),
            initiating_master_active_time: Some(77),
        };
        let order = pb::ExecuteProceduresRequest { proc: vec![order], ..Default::default() };
        cluster.admin(&server).execute_procedures(&order).await.unwrap();
        let result = outcome(&mut master).await;
        assert_eq!((result.status(), result.proc_id), (Status::Success, 100 + index as u64), "{result:?}");
        cluster.root.archive_wal(log).await.unwrap();
    }
    cluster.open(&mut master, &server, &region).await;
    for row in ["a", "b", "c"] {
        assert_eq!(get(&cluster.rows(&server), &region, row).await.unwrap()[0].value(), b"v", "{row}");
    }
}

#[tokio::test]
async fn procedures_that_are_not_there_fail() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    for (id, class) in [
        (1, "org.apache.hadoop.hbase.replication.regionserver.RefreshPeerCallable"),
        (2, "org.apache.hadoop.hbase.regionserver.SplitWALCallable"),
    ] {
        let order =
            pb::RemoteProcedureRequest { proc_id: id, proc_class: class.into(), ..Default::default() };
        let order = pb::ExecuteProceduresRequest { proc: vec![order], ..Default::default() };
        cluster.admin(&server).execute_procedures(&order).await.unwrap();
        let result = outcome(&mut master).await;
        assert_eq!((result.status(), result.proc_id), (Status::Error, id));
        assert!(result.error.unwrap().generic_exception.unwrap().class_name.is_some());
    }
}

#[tokio::test]
async fn administration() {
    let Running { cluster, master: _master, server, region } = Running::serving().await;
    put(&cluster.rows(&server), &region, "r", "v").await.unwrap();
    let admin = cluster.admin(&server);

    let info = admin.get_server_info(&pb::GetServerInfoRequest {}).await.unwrap().server_info;
    assert_eq!(ServerName::try_from(&info.server_name).unwrap(), *server.server_name().unwrap());
    let flush = pb::FlushRegionRequest { region: (&region.name()).into(), ..Default::default() };
    assert!(admin.flush_region(&flush).await.unwrap().flushed());
    assert!(!admin.flush_region(&flush).await.unwrap().flushed());
    let loads = admin.get_region_load(&pb::GetRegionLoadRequest::default()).await.unwrap().region_loads;
    assert_eq!((loads[0].stores(), loads[0].storefiles(), loads[0].storefile_size_mb()), (2, 1, 1));
    assert_ne!(loads[0].complete_sequence_id(), u64::MAX);
    let files = pb::GetStoreFileRequest { region: (&region.name()).into(), family: Vec::new() };
    let (files, _) = cluster
        .rpc
        .call(
            &crate::cluster::address(&server),
            hmaster_protocol::services::admin_service::GET_STORE_FILE,
            &files,
            hmaster_rpc::client::CallOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(files.store_file.len(), 1, "{files:?}");
    admin.roll_wal_writer(&pb::RollWalWriterRequest {}).await.unwrap();
    admin.update_configuration(&pb::UpdateConfigurationRequest {}).await.unwrap();
    let unknown = cluster
        .rpc
        .call(
            &crate::cluster::address(&server),
            hmaster_protocol::services::admin_service::GET_SPACE_QUOTA_SNAPSHOTS,
            &pb::GetSpaceQuotaSnapshotsRequest {},
            hmaster_rpc::client::CallOptions::default(),
        )
        .await
        .unwrap_err();
    assert!(unknown.exception().unwrap().do_not_retry, "what isn't there is refused: {unknown}");
    admin.stop_server(&pb::StopServerRequest { reason: "asked to by an operator".into() }).await.unwrap();
    assert_eq!(server.stopped().await, End::Stopped("asked to by an operator".into()));
}

#[tokio::test]
async fn compactions_can_be_switched_off_and_slow_calls_are_not_kept() {
    use hmaster_protocol::services::admin_service as service;
    let cluster = Cluster::new().await;
    let _master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let address = crate::cluster::address(&server);
    let options = hmaster_rpc::client::CallOptions::default;
    for (enabled, before) in [(false, true), (false, false), (true, false), (true, true)] {
        let request = pb::CompactionSwitchRequest { enabled };
        let switched = cluster.rpc.call(&address, service::COMPACTION_SWITCH, &request, options()).await;
        assert_eq!(switched.unwrap().0.prev_state, before);
    }
    let slow = "org.apache.hadoop.hbase.shaded.protobuf.generated.AdminProtos$SlowLogResponseRequest";
    for (class, is_known) in [(slow, true), ("org.example.Unknown", false)] {
        let request = pb::LogRequest { log_class_name: class.into(), log_message: Vec::new().into() };
        let entries = cluster.rpc.call(&address, service::GET_LOG_ENTRIES, &request, options()).await;
        assert_eq!(entries.is_ok(), is_known, "{class}");
    }
}

#[tokio::test]
async fn a_replica_reads_what_is_flushed_and_refuses_changes() {
    let Running { cluster, mut master, server, region } = Running::new().await;
    let replica = region.with_replica(1);
    cluster.open(&mut master, &server, &region).await;
    let rows = cluster.rows(&server);
    put(&rows, &region, "r", "v").await.unwrap();
    let flush = pb::FlushRegionRequest { region: (&region.name()).into(), ..Default::default() };
    cluster.admin(&server).flush_region(&flush).await.unwrap();
    cluster.open(&mut master, &server, &replica).await;
    let get = pb::Get { row: "r".into(), ..Default::default() };
    let request = pb::GetRequest { region: (&replica.name()).into(), get };
    let (answer, cells) = rows.get(&request, Vec::new()).await.unwrap();
    assert!(answer.result.unwrap().stale(), "clients are told that it may be old");
    assert_eq!(cells[0].value(), b"v");
    let refused = put(&rows, &replica, "r", "w").await.unwrap_err();
    let exception = refused.exception().unwrap();
    assert!(exception.is(class::DO_NOT_RETRY_IO) && exception.message.contains("read only"), "{exception}");
    // The region below it can be closed and opened again while the replica is there.
    assert_eq!(server.region_count(), 2);
    assert_eq!(server.stop().await, End::Stopped("asked to".into()));
}

#[tokio::test]
async fn what_is_not_there_is_refused_clearly() {
    use hmaster_protocol::services::client_service as service;
    let Running { cluster, master: _master, server, region } = Running::serving().await;
    let address = crate::cluster::address(&server);
    let options = hmaster_rpc::client::CallOptions::default;
    let bulk = pb::PrepareBulkLoadRequest {
        table_name: region.table().into(),
        region: Some((&region.name()).into()),
    };
    let refused = cluster.rpc.call(&address, service::PREPARE_BULK_LOAD, &bulk, options()).await.unwrap_err();
    let exception = refused.exception().unwrap();
    assert!(exception.is(class::DO_NOT_RETRY_IO) && exception.message.contains("bulk"), "{exception}");
    let call = pb::CoprocessorServiceCall {
        row: "r".into(),
        service_name: "AggregateService".into(),
        method_name: "GetMax".into(),
        request: Vec::new().into(),
    };
    let endpoint = pb::CoprocessorServiceRequest { region: (&region.name()).into(), call };
    let refused = cluster.rows(&server).exec_service(&endpoint, Vec::new()).await.unwrap_err();
    let exception = refused.exception().unwrap();
    assert!(exception.is(class::UNKNOWN_PROTOCOL), "{exception}");
    assert!(exception.message.contains("AggregateService"), "{exception}");
}
