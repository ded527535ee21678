//! The client of hmaster-rpc calls a Java master and a Java region server, with cells beside messages and without.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use hmaster_protocol::services::{master_service, region_server_status_service};
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::{
    AdminStub, CallOptions, ClientOptions, ClientStub, ConnectFailure, Failure, NotSent, RpcClient, RpcError,
};
use hmaster_rpc::wire::cell_block::CellCodec;
use hmaster_tests::cluster::Server;
use hmaster_tests::scenario::{self, TABLE};
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, RowSet, require_peers};
use hmaster_types::{Address, Cell, JavaException, RegionInfo, class};

fn client(codec: Option<CellCodec>) -> RpcClient {
    let version = pb::VersionInfo {
        version: "2.6.4".into(),
        version_major: Some(2),
        version_minor: Some(6),
        ..Default::default()
    };
    let mut options = ClientOptions::new(CallUser::new("hmaster"));
    options.codec = codec;
    options.version = Some(Arc::new(version));
    RpcClient::new(options)
}

fn address(server: &Server) -> Address {
    Address { host: "127.0.0.1".into(), port: server.rpc_port }
}

/// A Java cluster with a table of some rows, whose only region server has everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_java_cluster() -> Result<()> {
    require_peers!();
    for version in HBaseVersion::ALL {
        let cluster = Cluster::builder("rpc").start().await?;
        let running = scenario::start(&cluster, &MasterKind::java(), &[version]).await?;
        let rows = RowSet::new(1, 100);
        scenario::write_and_read_back(&running.client, 2, rows).await?;
        let region_server = address(&running.region_servers[0]);
        for codec in [Some(CellCodec::KeyValue), Some(CellCodec::KeyValueWithTags), None] {
            let client = client(codec);
            let what = format!("region server {version}, {codec:?}");
            admin(&client.admin(region_server.clone(), CallOptions::default()))
                .await
                .context(what.clone())?;
            rows_of_meta(&client.rows(region_server.clone(), CallOptions::default()), codec)
                .await
                .context(what)?;
            master(&client, &address(&running.master)).await?;
        }
        refusals(&client(None), &region_server).await?;
        running.region_servers[0].kill9().await?;
        gone(&client(None), &region_server).await?;
        cluster.finish().await?;
    }
    Ok(())
}

async fn admin(admin: &AdminStub) -> Result<()> {
    let info = admin.get_server_info(&pb::GetServerInfoRequest::default()).await?.server_info;
    ensure!(info.server_name.port() == u32::from(port(&info)?), "{info:?}");
    let online = admin.get_online_region(&pb::GetOnlineRegionRequest::default()).await?;
    let meta = online.region_info.iter().any(|region| region.region_id == 1);
    ensure!(meta && online.region_info.len() >= 3, "{} regions", online.region_info.len());
    let request =
        pb::GetRegionInfoRequest { region: (&RegionInfo::meta().name()).into(), ..Default::default() };
    let region = admin.get_region_info(&request).await?;
    ensure!(region.region_info.region_id == 1, "{region:?}");
    Ok(())
}

fn port(info: &pb::ServerInfo) -> Result<u16> {
    Ok(u16::try_from(info.server_name.port())?)
}

/// Get, Mutate, Scan and Multi on hbase:meta.
async fn rows_of_meta(stub: &ClientStub, codec: Option<CellCodec>) -> Result<()> {
    let beside = codec.is_some();
    let row = Bytes::from(format!("rpc-test-{codec:?}")); // each its own: deletes hide later puts, too
    let region = || pb::RegionSpecifier::from(&RegionInfo::meta().name());
    let value = |value: &'static str| -> Result<(pb::MutationProto, Vec<Cell>)> {
        let timestamp = 1_700_000_000_000;
        put(&row, timestamp, value, beside)
    };
    let (mutation, cells) = value("one")?;
    let request = pb::MutateRequest { region: region(), mutation, ..Default::default() };
    let (response, _) = stub.mutate(&request, cells).await?;
    ensure!(response.processed() || response.processed.is_none(), "{response:?}");

    let get = pb::Get { row: row.clone(), ..Default::default() };
    let (response, cells) = stub.get(&pb::GetRequest { region: region(), get: get.clone() }, vec![]).await?;
    let result = response.result.context("a result")?;
    let values = values(&result, &cells);
    ensure!(values == ["one"], "{values:?}");
    ensure!(beside != cells.is_empty(), "{} cells beside the message", cells.len());

    let (mutation, cells) = value("two")?;
    let action = pb::Action { index: Some(0), mutation: Some(mutation), ..Default::default() };
    let read = pb::Action { index: Some(1), get: Some(get), ..Default::default() };
    let actions = pb::RegionAction { region: region(), action: vec![action, read], ..Default::default() };
    let request = pb::MultiRequest { region_action: vec![actions], ..Default::default() };
    let (response, _) = stub.multi(&request, cells).await?;
    let results = &response.region_action_result[0].result_or_exception;
    ensure!(results.len() == 2 && results.iter().all(|result| result.exception.is_none()), "{response:?}");

    scan_meta(stub, beside).await?;

    let (delete, cells) = delete(&row, beside)?;
    stub.mutate(&pb::MutateRequest { region: region(), mutation: delete, ..Default::default() }, cells)
        .await?;
    Ok(())
}

fn put(
    row: &Bytes,
    timestamp: i64,
    value: &'static str,
    beside: bool,
) -> Result<(pb::MutationProto, Vec<Cell>)> {
    let mutation = pb::MutationProto {
        row: Some(row.clone()),
        mutate_type: Some(pb::mutation_proto::MutationType::Put.into()),
        ..Default::default()
    };
    if beside {
        let cell = Cell::put(row, b"info", b"rpc", timestamp, value.as_bytes())?;
        return Ok((pb::MutationProto { associated_cell_count: Some(1), ..mutation }, vec![cell]));
    }
    let value = pb::mutation_proto::column_value::QualifierValue {
        qualifier: Some("rpc".into()),
        value: Some(value.into()),
        timestamp: Some(timestamp as u64),
        ..Default::default()
    };
    let column = pb::mutation_proto::ColumnValue { family: "info".into(), qualifier_value: vec![value] };
    Ok((pb::MutationProto { column_value: vec![column], ..mutation }, vec![]))
}

fn delete(row: &Bytes, beside: bool) -> Result<(pb::MutationProto, Vec<Cell>)> {
    let mutation = pb::MutationProto {
        row: Some(row.clone()),
        mutate_type: Some(pb::mutation_proto::MutationType::Delete.into()),
        ..Default::default()
    };
    if beside {
        let cell = Cell::new(hmaster_types::CellParts {
            row,
            family: b"info",
            qualifier: b"",
            timestamp: Cell::LATEST_TIMESTAMP,
            cell_type: hmaster_types::CellType::DeleteFamily,
            value: b"",
        })?;
        return Ok((pb::MutationProto { associated_cell_count: Some(1), ..mutation }, vec![cell]));
    }
    let value = pb::mutation_proto::column_value::QualifierValue {
        delete_type: Some(pb::mutation_proto::DeleteType::DeleteFamily.into()),
        timestamp: Some(i64::MAX as u64),
        ..Default::default()
    };
    let column = pb::mutation_proto::ColumnValue { family: "info".into(), qualifier_value: vec![value] };
    Ok((pb::MutationProto { column_value: vec![column], ..mutation }, vec![]))
}

async fn scan_meta(stub: &ClientStub, beside: bool) -> Result<()> {
    let column = pb::Column { family: "info".into(), ..Default::default() };
    let request = pb::ScanRequest {
        region: Some((&RegionInfo::meta().name()).into()),
        scan: Some(pb::Scan { column: vec![column], ..Default::default() }),
        number_of_rows: Some(1000),
        close_scanner: Some(true),
        client_handles_partials: Some(true),
        client_handles_heartbeats: Some(true),
        ..Default::default()
    };
    let (response, cells) = stub.scan(&request, vec![]).await?;
    let rows = if beside { response.cells_per_result.len() } else { response.results.len() };
    let inline: usize = response.results.iter().map(|result| result.cell.len()).sum();
    let claimed: u32 = response.cells_per_result.iter().sum();
    ensure!(rows >= 4, "{rows} rows");
    ensure!((claimed as usize, inline > 0) == (cells.len(), !beside), "{claimed} {inline} {}", cells.len());
    let of_table = |row: &[u8]| row.starts_with(format!("{TABLE},").as_bytes());
    let found = cells.iter().any(|cell| of_table(cell.row()))
        || response.results.iter().flat_map(|result| &result.cell).any(|cell| of_table(cell.row()));
    ensure!(found, "no row of {TABLE}");
    Ok(())
}

fn values(result: &pb::Result, cells: &[Cell]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let inline = result.cell.iter().map(|cell| text(cell.value()));
    inline.chain(cells.iter().map(|cell| text(cell.value()))).collect()
}

async fn master(client: &RpcClient, master: &Address) -> Result<()> {
    let request = pb::GetClusterStatusRequest::default();
    let (status, cells) =
        client.call(master, master_service::GET_CLUSTER_STATUS, &request, CallOptions::default()).await?;
    ensure!(status.cluster_status.live_servers.len() == 1 && cells.is_empty(), "{status:?}");
    let cluster_id = status.cluster_status.cluster_id.context("a cluster id")?.cluster_id;
    ensure!(client.cluster_id(master).await? == cluster_id, "another cluster id by the preamble");
    Ok(())
}

/// What Java refuses reads as what it is.
async fn refusals(client: &RpcClient, region_server: &Address) -> Result<()> {
    let admin = client.admin(region_server.clone(), CallOptions::default());
    let nowhere = RegionInfo::builder("no_such_table".parse()?).region_id(7).build();
    let request = pb::GetRegionInfoRequest { region: (&nowhere.name()).into(), ..Default::default() };
    let error = admin.get_region_info(&request).await.expect_err("no such region");
    ensure!(exception(&error)?.is(class::NOT_SERVING_REGION), "{error}");

    let delete_all = pb::GetRegionInfoRequest::default();
    let error = admin.get_region_info(&delete_all).await.expect_err("an empty region name");
    exception(&error)?;

    // A region server has no services of a master. Java closes without a word, so nobody knows.
    let request = pb::GetLiveRegionServersRequest { count: 1 };
    let method = region_server_status_service::GET_LIVE_REGION_SERVERS;
    let error = client.call(region_server, method, &request, CallOptions::default()).await;
    match error.expect_err("not there").failure {
        Failure::OutcomeUnknown(_) | Failure::NotSent(_) => Ok(()),
        other => bail!("{other}"),
    }
}

fn exception(error: &RpcError) -> Result<&JavaException> {
    error.exception().with_context(|| format!("not an exception of the server: {error}"))
}

/// Of a killed server it is certain that it gets nothing.
async fn gone(client: &RpcClient, region_server: &Address) -> Result<()> {
    let admin = client.admin(region_server.clone(), CallOptions::default());
    let refused = |error: &RpcError| {
        matches!(error.failure, Failure::NotSent(NotSent::Connect(ConnectFailure::Refused)))
    };
    let mut last = None;
    for _ in 0..100 {
        match admin.get_server_info(&pb::GetServerInfoRequest::default()).await {
            Err(error) if refused(&error) => return Ok(()),
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(50)).await; // the process takes a moment to end
    }
    bail!("a killed server doesn't refuse connections: {last:?}")
}
