//! Rows: gets, changes, batches, several rows of hbase:meta at once.

use hmaster_protocol::pb;
use hmaster_protocol::pb::mutation_proto::{ColumnValue, MutationType, column_value::QualifierValue};
use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient};
use hmaster_types::{RegionInfo, class};
use prost::Message as _;

use crate::cluster::{Cluster, address, beside, get, put, put_cell};
use crate::running::Running;

fn inline(kind: MutationType, row: &str, family: &str, qualifier: &str, value: &[u8]) -> pb::MutationProto {
    let value = QualifierValue {
        qualifier: Some(qualifier.to_owned().into()),
        value: Some(value.to_vec().into()),
        ..Default::default()
    };
    pb::MutationProto {
        row: Some(row.to_owned().into()),
        mutate_type: Some(kind.into()),
        column_value: vec![ColumnValue { family: family.to_owned().into(), qualifier_value: vec![value] }],
        ..Default::default()
    }
}

#[tokio::test]
async fn changes_of_one_row() {
    let Running { cluster, master: _master, server, region } = Running::serving().await;
    let rows = cluster.rows(&server);
    let request = |mutation, nonce_group| pb::MutateRequest {
        region: (&region.name()).into(),
        mutation,
        nonce_group,
        ..Default::default()
    };

    assert_eq!(put(&rows, &region, "r", "v").await.unwrap().processed, Some(true));
    assert_eq!(get(&rows, &region, "r").await.unwrap()[0].value(), b"v");

    // An increment that a client repeats counts once.
    let mut increment = inline(MutationType::Increment, "n", "f", "q", &5_i64.to_be_bytes());
    increment.nonce = Some(9);
    for _ in 0..2 {
        let (answer, cells) = rows.mutate(&request(increment.clone(), Some(4)), Vec::new()).await.unwrap();
        assert_eq!((answer.processed, cells[0].value()), (None, &5_i64.to_be_bytes()[..]));
    }

    // A condition that doesn't hold, and one that does.
    for (expected, holds) in [("other", false), ("v", true)] {
        let comparable = pb::ByteArrayComparable { value: Some(expected.to_owned().into()) };
        let comparator = pb::BinaryComparator { comparable };
        let condition = pb::Condition {
            row: "r".into(),
            family: Some("f".into()),
            qualifier: Some("q".into()),
            compare_type: Some(pb::CompareType::Equal.into()),
            comparator: Some(pb::Comparator {
                name: "org.apache.hadoop.hbase.filter.BinaryComparator".into(),
                serialized_comparator: Some(comparator.encode_to_vec().into()),
            }),
            ..Default::default()
        };
        let change = inline(MutationType::Put, "r", "f", "q", b"changed");
        let request = pb::MutateRequest { condition: Some(condition), ..request(change, None) };
        let (answer, _) = rows.mutate(&request, Vec::new()).await.unwrap();
        assert_eq!(answer.processed, Some(holds), "{expected}");
    }
    assert_eq!(get(&rows, &region, "r").await.unwrap()[0].value(), b"changed");
}

#[tokio::test]
async fn what_goes_wrong_has_its_java_class() {
    let Running { cluster, mut master, server, region } = Running::new().await;
    let rows = cluster.rows(&server);
    let gone = put(&rows, &region, "r", "v").await.unwrap_err();
    assert!(gone.exception().unwrap().is(class::NOT_SERVING_REGION), "{gone}");
    cluster.open(&mut master, &server, &region).await;
    let request = pb::MutateRequest {
        region: (&region.name()).into(),
        mutation: inline(MutationType::Put, "r", "nofamily", "q", b"v"),
        ..Default::default()
    };
    let family = rows.mutate(&request, Vec::new()).await.unwrap_err();
    let family = family.exception().unwrap();
    assert!(family.is(class::NO_SUCH_COLUMN_FAMILY) && family.do_not_retry, "{family}");
    let bulk = hmaster_protocol::services::client_service::BULK_LOAD_H_FILE;
    let request = pb::BulkLoadHFileRequest { region: (&region.name()).into(), ..Default::default() };
    let refused =
        cluster.rpc.call(&address(&server), bulk, &request, CallOptions::default()).await.unwrap_err();
    assert!(refused.exception().unwrap().do_not_retry, "{refused}");
}

#[tokio::test]
async fn actions_of_a_batch_stand_for_themselves() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let (region, elsewhere) = (cluster.table("t").await, cluster.table("elsewhere").await);
    cluster.open(&mut master, &server, &region).await;
    let rows = cluster.rows(&server);
    let action =
        |index, mutation| pb::Action { index: Some(index), mutation: Some(mutation), ..Default::default() };
    let of = |region: &RegionInfo, atomic, action| pb::RegionAction {
        region: (&region.name()).into(),
        atomic: Some(atomic),
        action,
        condition: None,
    };
    let asked = pb::Action {
        index: Some(3),
        get: Some(pb::Get { row: "b".into(), ..Default::default() }),
        ..Default::default()
    };
    let request = pb::MultiRequest {
        region_action: vec![
            // Its cells have to be passed over.
            of(&elsewhere, false, vec![action(0, beside(MutationType::Put, "x", 1))]),
            of(
                &region,
                false,
                vec![
                    action(1, beside(MutationType::Put, "a", 1)),
                    action(2, beside(MutationType::Put, "b", 1)),
                ],
            ),
            of(
                &region,
                true,
                vec![
                    action(5, beside(MutationType::Put, "c", 1)),
                    action(6, beside(MutationType::Put, "c", 1)),
                ],
            ),
            of(&region, false, vec![asked]),
        ],
        ..Default::default()
    };
    let cells = vec![
        put_cell("x", "f", "q", "x"),
        put_cell("a", "nofamily", "q", "a"),
        put_cell("b", "f", "q", "b"),
        put_cell("c", "f", "q", "1"),
        put_cell("c", "g", "q", "2"),
    ];
    let (answer, cells) = rows.multi(&request, cells).await.unwrap();
    let [gone, single, atomic, read] = &answer.region_action_result[..] else { panic!("{answer:?}") };
    assert_eq!(gone.exception.as_ref().unwrap().name, class::NOT_SERVING_REGION.name);
    let mut outcomes: Vec<_> = single
        .result_or_exception
        .iter()
        .map(|outcome| (outcome.index(), outcome.exception.as_ref().map(|exception| &*exception.name)))
        .collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [(1, Some(class::NO_SUCH_COLUMN_FAMILY.name)), (2, None)]);
    // As Java's server: by position, not by the actions' indices.
    let positions: Vec<_> = atomic.result_or_exception.iter().map(pb::ResultOrException::index).collect();
    assert_eq!((atomic.processed, positions), (Some(true), vec![0, 1]));
    assert_eq!(read.result_or_exception[0].result.as_ref().unwrap().associated_cell_count, Some(1));
    assert_eq!(cells[0].value(), b"b");
    assert_eq!(get(&rows, &region, "c").await.unwrap().len(), 2);
}

#[tokio::test]
async fn several_rows_of_meta_change_as_one() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let (meta, table) = (cluster.meta().await, cluster.table("t").await);
    cluster.open(&mut master, &server, &meta).await;
    cluster.open(&mut master, &server, &table).await;
    let rows = cluster.rows(&server);
    let request = |region: &RegionInfo, family: &str| {
        let mutations =
            ["t,,1.x.", "t,k,2.y."].map(|row| inline(MutationType::Put, row, family, "state", b"OPEN"));
        let request = pb::MutateRowsRequest { mutation_request: mutations.to_vec(), ..Default::default() };
        pb::CoprocessorServiceRequest {
            region: (&region.name()).into(),
            call: pb::CoprocessorServiceCall {
                row: "t,,1.x.".into(),
                service_name: "MultiRowMutationService".into(),
                method_name: "MutateRows".into(),
                request: request.encode_to_vec().into(),
            },
        }
    };
    rows.exec_service(&request(&meta, "nofamily"), Vec::new()).await.unwrap_err();
    assert!(get(&rows, &meta, "t,,1.x.").await.unwrap().is_empty());
    let (answer, _) = rows.exec_service(&request(&meta, "info"), Vec::new()).await.unwrap();
    let processed = pb::MutateRowsResponse::decode(answer.value.value.unwrap()).unwrap().processed;
    assert_eq!(processed, Some(true));
    for row in ["t,,1.x.", "t,k,2.y."] {
        assert_eq!(get(&rows, &meta, row).await.unwrap()[0].value(), b"OPEN");
    }
    let unknown = rows.exec_service(&request(&table, "f"), Vec::new()).await.unwrap_err();
    assert!(unknown.exception().unwrap().is(class::UNKNOWN_PROTOCOL), "{unknown}");
}

#[tokio::test]
async fn clients_without_a_codec_get_cells_in_the_message() {
    let Running { cluster, master: _master, server, region } = Running::serving().await;
    put(&cluster.rows(&server), &region, "r", "v").await.unwrap();
    let options =
        ClientOptions { codec: None, ..ClientOptions::new(hmaster_protocol::CallUser::new("plain")) };
    let rows = RpcClient::new(options).rows(address(&server), CallOptions::default());
    let get = pb::Get { row: "r".into(), ..Default::default() };
    let (answer, _) =
        rows.get(&pb::GetRequest { region: (&region.name()).into(), get }, Vec::new()).await.unwrap();
    let result = answer.result.unwrap();
    assert_eq!((result.cell[0].value(), result.cell[0].row()), (&b"v"[..], &b"r"[..]));
    let scan = pb::ScanRequest {
        region: Some((&region.name()).into()),
        scan: Some(pb::Scan::default()),
        number_of_rows: Some(10),
        close_scanner: Some(true),
        ..Default::default()
    };
    let (answer, _) = rows.scan(&scan, Vec::new()).await.unwrap();
    assert_eq!((answer.results.len(), answer.more_results_in_region), (1, Some(false)));
}
