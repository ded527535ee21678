//! Scans over several calls.

use hmaster_protocol::pb;
use hmaster_rpc::client::ClientStub;
use hmaster_sim::RegionServerHandle;
use hmaster_types::{Cell, RegionInfo};

use crate::cluster::{Cluster, Master, order_to_close, put};

const UNKNOWN: &str = "org.apache.hadoop.hbase.UnknownScannerException";

async fn filled(cluster: &Cluster) -> (Master, RegionServerHandle, RegionInfo) {
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let region = cluster.table("t").await;
    cluster.open(&mut master, &server, &region).await;
    for row in ["a", "b", "c", "d", "e"] {
        put(&cluster.rows(&server), &region, row, row).await.unwrap();
    }
    (master, server, region)
}

fn open(region: &RegionInfo, scan: pb::Scan, rows: u32) -> pb::ScanRequest {
    pb::ScanRequest {
        region: Some((&region.name()).into()),
        scan: Some(scan),
        number_of_rows: Some(rows),
        client_handles_partials: Some(true),
        client_handles_heartbeats: Some(true),
        ..Default::default()
    }
}

fn next(id: u64, call: u64, rows: u32) -> pb::ScanRequest {
    pb::ScanRequest {
        scanner_id: Some(id),
        next_call_seq: Some(call),
        number_of_rows: Some(rows),
        client_handles_partials: Some(true),
        client_handles_heartbeats: Some(true),
        ..Default::default()
    }
}

async fn scan(rows: &ClientStub, request: &pb::ScanRequest) -> (pb::ScanResponse, Vec<String>) {
    let (answer, cells) = rows.scan(request, Vec::new()).await.unwrap();
    let row = |cell: &Cell| String::from_utf8_lossy(cell.row()).into_owned();
    let found = cells.iter().map(row).collect();
    (answer, found)
}

async fn class_of(rows: &ClientStub, request: &pb::ScanRequest) -> String {
    rows.scan(request, Vec::new()).await.unwrap_err().exception().unwrap().class.clone().into_owned()
}

#[tokio::test]
async fn a_scan_goes_on_over_calls_and_ends_by_itself() {
    let cluster = Cluster::new().await;
    let (_master, server, region) = filled(&cluster).await;
    let rows = cluster.rows(&server);
    let (first, found) = scan(&rows, &open(&region, pb::Scan::default(), 2)).await;
    assert_eq!(found, ["a", "b"]);
    assert_eq!((first.more_results(), first.more_results_in_region(), first.ttl), (true, true, Some(60_000)));
    assert!(first.mvcc_read_point() > 0);
    let id = first.scanner_id();
    put(&rows, &region, "bb", "later").await.unwrap();
    let (second, found) = scan(&rows, &next(id, 0, 2)).await;
    assert_eq!(
        (second.scanner_id(), found),
        (id, vec!["c".to_owned(), "d".to_owned()]),
        "what came later isn't seen"
    );
    // A call that comes twice is refused, but the scanner lives.
    assert!(class_of(&rows, &next(id, 0, 2)).await.ends_with("OutOfOrderScannerNextException"));
    let renew = pb::ScanRequest { renew: Some(true), ..next(id, 1, 2) };
    assert_eq!(scan(&rows, &renew).await.1.len(), 0);
    let (last, found) = scan(&rows, &next(id, 2, 9)).await;
    assert_eq!((last.more_results_in_region(), &*found), (false, &["e".to_owned()][..]));
    // It was closed; a client that doesn't know may close it.
    let close = pb::ScanRequest { scanner_id: Some(id), close_scanner: Some(true), ..Default::default() };
    assert_eq!(scan(&rows, &close).await.1.len(), 0);
    assert_eq!(class_of(&rows, &next(id + 100, 0, 1)).await, UNKNOWN);
}

#[tokio::test]
async fn ranges_directions_and_limits() {
    let cluster = Cluster::new().await;
    let (_master, server, region) = filled(&cluster).await;
    let rows = cluster.rows(&server);
    let reversed = pb::Scan {
        reversed: Some(true),
        start_row: Some("d".into()),
        stop_row: Some("b".into()),
        include_stop_row: Some(true),
        ..Default::default()
    };
    assert_eq!(scan(&rows, &open(&region, reversed, 9)).await.1, ["d", "c", "b"]);
    let limited = pb::ScanRequest { limit_of_rows: Some(3), ..open(&region, pb::Scan::default(), 9) };
    let (answer, found) = scan(&rows, &limited).await;
    assert_eq!((answer.more_results(), found.len()), (false, 3));
    let small = pb::Scan { max_result_size: Some(1), ..Default::default() };
    let (answer, found) = scan(&rows, &open(&region, small, 9)).await;
    assert_eq!((found.len(), answer.more_results_in_region()), (1, true), "at least one cell");
    let none = open(&region, pb::Scan::default(), 0);
    let (answer, found) = scan(&rows, &none).await;
    assert_eq!((found.len(), answer.more_results_in_region()), (0, true));
}

#[tokio::test]
async fn a_scanner_that_is_not_used_is_closed() {
    let cluster = Cluster::with(&[("hbase.client.scanner.timeout.period", "300")]).await;
    let (_master, server, region) = filled(&cluster).await;
    let rows = cluster.rows(&server);
    let (first, _) = scan(&rows, &open(&region, pb::Scan::default(), 1)).await;
    // Asking renews the lease: ask less often than it lasts.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(class_of(&rows, &next(first.scanner_id(), 0, 1)).await, UNKNOWN);
}

#[tokio::test]
async fn a_region_that_leaves_takes_its_scanners_along() {
    let cluster = Cluster::new().await;
    let (mut master, server, region) = filled(&cluster).await;
    let rows = cluster.rows(&server);
    let (first, _) = scan(&rows, &open(&region, pb::Scan::default(), 1)).await;
    let order = order_to_close(&server, &region, cluster.procedure(), None);
    cluster.admin(&server).execute_procedures(&order).await.unwrap();
    master.hears_transition().await;
    assert_eq!(class_of(&rows, &next(first.scanner_id(), 0, 1)).await, UNKNOWN);
    assert!(
        class_of(&rows, &open(&region, pb::Scan::default(), 1)).await.ends_with("NotServingRegionException")
    );
}

#[tokio::test]
async fn clients_are_told_what_a_scan_went_through_if_they_ask() {
    let cluster = Cluster::new().await;
    let (_master, server, region) = filled(&cluster).await;
    let rows = cluster.rows(&server);
    for asks in [false, true] {
        let filter = pb::Filter {
            name: "org.apache.hadoop.hbase.filter.PrefixFilter".into(),
            serialized_filter: Some(
                prost::Message::encode_to_vec(&pb::PrefixFilter { prefix: Some("c".into()) }).into(),
            ),
        };
        let wanted = pb::Scan { filter: Some(filter), ..Default::default() };
        let request = pb::ScanRequest { track_scan_metrics: Some(asks), ..open(&region, wanted, 10) };
        let (answer, found) = scan(&rows, &request).await;
        assert_eq!(found, ["c"]);
        let metrics = answer.scan_metrics.map(|metrics| metrics.metrics).unwrap_or_default();
        let metrics: Vec<_> = metrics.iter().map(|pair| (pair.name(), pair.value())).collect();
        // From the first row the filter leads to the one that is wanted. The one after that ends the scan, and is left out
        // without being scanned.
        let expected = [("ROWS_SCANNED", 2), ("ROWS_FILTERED", 2)];
        assert_eq!(metrics, if asks { &expected[..] } else { &[] });
    }
}
