//! What mutations do, and what they refuse.

use futures_util::future::join_all;

use super::*;
use crate::region::mutation::Test;

fn increment(row: &str, by: i64, nonce: u64) -> Mutation {
    let parts = CellParts {
        row: row.as_bytes(),
        family: b"f",
        qualifier: b"n",
        timestamp: Cell::LATEST_TIMESTAMP,
        cell_type: CellType::Put,
        value: &by.to_be_bytes(),
    };
    let mutation =
        Mutation::new(MutationKind::Increment, row.to_owned().into(), vec![Cell::new(parts).unwrap()]);
    Mutation { nonce, ..mutation }
}

fn append(row: &str, value: &str) -> Mutation {
    Mutation { kind: MutationKind::Append, ..put(row, value) }
}

fn number(cells: Option<Vec<Cell>>) -> i64 {
    i64::from_be_bytes(cells.unwrap()[0].value().try_into().unwrap())
}

async fn region() -> (Cluster, Server, Region) {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    (cluster, server, region)
}

fn condition(row: &str, op: crate::filter::CompareOp, value: &'static str) -> Condition {
    let test = Test::Value { family: "f".into(), qualifier: "q".into(), op, value: value.into() };
    Condition { row: row.to_owned().into(), test, time_range: TimeRange::ALL }
}

#[tokio::test]
async fn increments_add_up_and_appends_grow() {
    let (cluster, _server, region) = region().await;
    assert_eq!(number(one(&region, increment("a", 5, 0)).await.unwrap()), 5);
    region.flush().await.unwrap();
    assert_eq!(number(one(&region, increment("a", -7, 0)).await.unwrap()), -2);
    // A clock that went back doesn't hide the new value.
    cluster.clock.set(10);
    assert_eq!(number(one(&region, increment("a", 1, 0)).await.unwrap()), -1);
    one(&region, append("b", "x")).await.unwrap();
    one(&region, append("b", "y")).await.unwrap();
    assert_eq!(value(&region, "b").await.unwrap(), "xy");
    one(&region, put("c", "text")).await.unwrap();
    let mut bad = increment("c", 1, 0);
    bad.cells = vec![cell("c", "f", "q", Cell::LATEST_TIMESTAMP, CellType::Put, "12345678")];
    let error = one(&region, bad).await.unwrap_err().to_string();
    assert_eq!(error, "Field is not a long, it's 4 bytes wide");
}

#[tokio::test]
async fn increments_at_once_are_all_counted() {
    let (_cluster, _server, region) = region().await;
    join_all((0..50).map(|_| one(&region, increment("a", 1, 0)))).await;
    assert_eq!(number(one(&region, increment("a", 0, 0)).await.unwrap()), 50);
}

#[tokio::test]
async fn a_repeated_increment_counts_once_even_on_another_server() {
    let (cluster, server, region) = region().await;
    for _ in 0..2 {
        let done = region.mutate(vec![increment("a", 5, 77)], 9).await.remove(0);
        assert_eq!(number(done.unwrap()), 5);
    }
    cluster.kill(&server);
    cluster.recover(&server.name).await;
    let again = cluster.server(2).await;
    let region = cluster.open(&again).await;
    let done = region.mutate(vec![increment("a", 5, 77)], 9).await.remove(0);
    assert_eq!(number(done.unwrap()), 5);
    let done = region.mutate(vec![increment("a", 5, 77)], 8).await.remove(0);
    assert_eq!(number(done.unwrap()), 10, "another client's");
}

#[tokio::test]
async fn deletes_of_the_newest_version_take_one_each() {
    let (cluster, _server, region) = region().await;
    for value in ["1", "2", "3"] {
        cluster.clock.advance(1);
        one(&region, put("a", value)).await.unwrap();
    }
    let newest = cell("a", "f", "q", Cell::LATEST_TIMESTAMP, CellType::Delete, "");
    let twice = Mutation::new(MutationKind::Delete, "a".into(), vec![newest.clone(), newest]);
    one(&region, twice).await.unwrap();
    assert_eq!(value(&region, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_batch_answers_each_for_itself() {
    let (_cluster, _server, region) = region().await;
    let mut nowhere = put("b", "x");
    nowhere.cells = vec![cell("b", "none", "q", 1, CellType::Put, "x")];
    let answers =
        region.mutate(vec![put("a", "1"), nowhere, put("zz", "out"), increment("a", 1, 0)], 0).await;
    assert!(answers[0].is_ok() && answers[3].is_ok());
    let text = |i: usize| answers[i].as_ref().unwrap_err().to_string();
    assert!(text(1).starts_with("Column family none does not exist in region t,,7."), "{}", text(1));
    assert!(text(2).contains("startKey='', getEndKey()='z', row='zz'"), "{}", text(2));
    assert_eq!(rows(&region).await.len(), 2);
}

#[tokio::test]
async fn rows_change_together_or_not_at_all() {
    let (_cluster, _server, region) = region().await;
    let mut bad = put("b", "x");
    bad.cells[0] = cell("b", "none", "q", 1, CellType::Put, "x");
    region.mutate_rows(vec![], vec![put("a", "1"), bad], 0).await.unwrap_err();
    assert_eq!(rows(&region).await, []);
    region.mutate_rows(vec![], vec![put("a", "1"), put("b", "2"), delete("c")], 0).await.unwrap();
    assert_eq!(rows(&region).await.len(), 2);
    // One entry has one sequence id: no reader sees a part of it.
    let cells = scan(&region, ScanSpec::range(Bytes::new(), Bytes::new())).await;
    assert_eq!(cells[0].sequence_id(), cells[1].sequence_id());
}

#[tokio::test]
async fn conditions_are_about_the_newest_value() {
    use crate::filter::CompareOp as Op;
    let (_cluster, _server, region) = region().await;
    one(&region, put("b", "5")).await.unwrap();
    for (row, op, value, holds) in [
        ("b", Op::Equal, "5", true),
        ("b", Op::Equal, "6", false),
        ("b", Op::NotEqual, "6", true),
        // The expected value stands on the left.
        ("b", Op::Less, "4", true),
        ("b", Op::Less, "6", false),
        ("b", Op::GreaterOrEqual, "5", true),
        ("b", Op::Greater, "6", true),
        ("b", Op::Equal, "", false),
        ("b", Op::NotEqual, "", true),
        ("a", Op::Equal, "", true),
        ("a", Op::NotEqual, "", false),
        ("a", Op::Equal, "5", false),
    ] {
        let change = Mutation::put(
            row.to_owned().into(),
            vec![cell(row, "g", "x", Cell::LATEST_TIMESTAMP, CellType::Put, "done")],
        );
        let checked = region.check_and_mutate(condition(row, op, value), vec![change], 0).await.unwrap();
        assert_eq!(checked.success, holds, "{row} {op:?} {value}");
    }
    let other = region.check_and_mutate(condition("a", Op::Equal, ""), vec![put("b", "6")], 0).await;
    assert_eq!(other.unwrap_err().to_string(), "Action's getRow must match");
}

#[tokio::test]
async fn of_conditional_changes_at_once_one_wins() {
    use crate::filter::CompareOp as Op;
    let (_cluster, _server, region) = region().await;
    let tries = (0..20).map(|i| {
        let change = put("a", &i.to_string());
        region.check_and_mutate(condition("a", Op::Equal, ""), vec![change], 0)
    });
    let won = join_all(tries).await.into_iter().filter(|checked| checked.as_ref().unwrap().success).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_the_region_in_order() {
    let (_cluster, _server, region) = region().await;
    for row in ["a", "b", "c"] {
        let mut given_up = std::pin::pin!(one(&region, increment(row, 1, 0)));
        let _ = futures_util::poll!(given_up.as_mut());
    }
    assert_eq!(number(one(&region, increment("d", 1, 0)).await.unwrap()), 1);
    region.close(true).await.unwrap();
}

#[tokio::test]
async fn too_much_in_memory_is_refused_until_it_is_flushed() {
    let mut cluster = Cluster::new(1);
    cluster.region_options.memstore_flush_bytes = 1000;
    cluster.region_options.memstore_block_multiplier = 2;
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    // The flush can't go on while its files can't be made.
    cluster.disk.set_fault_plan(|call: &hmaster_fs::memory::Call<'_>| {
        let is_store_file = call.path.as_str().contains("/.tmp/");
        if is_store_file {
            hmaster_fs::memory::Fault::Fail(hmaster_fs::FsErrorKind::NoSpace)
        } else {
            Default::default()
        }
    });
    let mut refused = None;
    for i in 0..100 {
        if let Err(error) = one(&region, put(&format!("a{i}"), &"x".repeat(100))).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.unwrap();
    assert!(matches!(refused, RegionError::TooBusy { .. }), "{refused}");
    assert!(refused.to_java().is(hmaster_types::class::REGION_TOO_BUSY));
    cluster.disk.set_fault_plan(hmaster_fs::memory::NoFaults);
    region.flush().await.unwrap();
    one(&region, put("b", "1")).await.unwrap();
}

#[tokio::test]
async fn cells_that_are_too_large_are_refused() {
    let mut cluster = Cluster::new(1);
    cluster.region_options.cell_bytes_max = 100;
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    let error = one(&region, put("a", &"x".repeat(200))).await.unwrap_err();
    assert!(error.to_string().contains("exceeds limit of 100 bytes"), "{error}");
}

#[tokio::test]
async fn requests_as_clients_send_them() {
    use hmaster_protocol::pb;
    use pb::mutation_proto::{ColumnValue, MutationType, column_value::QualifierValue};
    let value = |value: Option<&'static str>| ColumnValue {
        family: "f".into(),
        qualifier_value: vec![QualifierValue {
            qualifier: Some("q".into()),
            value: value.map(Into::into),
            ..Default::default()
        }],
    };
    let proto = |kind: MutationType| pb::MutationProto {
        row: Some("a".into()),
        mutate_type: Some(kind.into()),
        ..Default::default()
    };
    let read =
        |proto: &pb::MutationProto, cells: Vec<Cell>| Mutation::from_proto(proto, &mut cells.into_iter());
    let with = |kind, column| pb::MutationProto { column_value: vec![column], ..proto(kind) };
    let behind = |kind, count| pb::MutationProto { associated_cell_count: Some(count), ..proto(kind) };
    let good = [
        (with(MutationType::Put, value(Some("v"))), vec![], CellType::Put),
        (with(MutationType::Delete, value(None)), vec![], CellType::Delete),
        (behind(MutationType::Put, 1), put("a", "v").cells, CellType::Put),
    ];
    for (proto, cells, kind) in good {
        let mutation = read(&proto, cells).unwrap();
        assert_eq!((mutation.cells[0].cell_type(), &*mutation.row), (kind, &b"a"[..]));
        assert_eq!(mutation.cells[0].timestamp(), Cell::LATEST_TIMESTAMP);
    }
    assert!(read(&proto(MutationType::Delete), vec![]).unwrap().cells.is_empty());
    let no_row = pb::MutationProto { row: None, ..proto(MutationType::Put) };
    let empty_row =
        pb::MutationProto { row: Some(Bytes::new()), ..with(MutationType::Put, value(Some("v"))) };
    let deleted = cell("a", "f", "q", 1, CellType::Delete, "");
    let bad = [
        (with(MutationType::Put, value(None)), vec![], "Missing required field: qualifier value"),
        (proto(MutationType::Put), vec![], "No columns to insert"),
        (
            behind(MutationType::Put, 2),
            put("a", "v").cells,
            "Cell count of 2 but at index 1 no cell returned",
        ),
        (behind(MutationType::Put, 1), put("b", "v").cells, "isn't of row a"),
        (behind(MutationType::Delete, 1), put("a", "v").cells, "has no place in a Delete"),
        (behind(MutationType::Increment, 1), vec![deleted], "has no place in a Increment"),
        (no_row, vec![], "row cannot be null"),
        (empty_row, vec![], "Row length 0 is invalid"),
    ];
    for (proto, cells, reason) in bad {
        let error = read(&proto, cells).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
