//! What is written is read back, and what can't be read is named.

use hmaster_types::{Cell, TableName, TableState};

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn region() -> RegionInfo {
    RegionInfo::builder("ns:t".parse().unwrap())
        .start_key(&b"a,\xff"[..])
        .end_key(&b"m"[..])
        .region_id(7)
        .build()
}

fn server(name: &str) -> ServerName {
    name.parse().unwrap()
}

fn read(cells: &[Cell]) -> MetaRow {
    MetaReader::new().region_row(cells).unwrap().unwrap()
}

#[test]
fn an_open_region_comes_back() {
    let host = server("host,16020,99");
    let opening = put_region(&region(), RegionState::Opening, Some(&host), -1, false, NOW);
    let open = put_region(&region(), RegionState::Open, Some(&host), 42, true, NOW + 1);
    assert!(open.puts.iter().any(|cell| cell.family() == BARRIER_FAMILY));
    let row = read(&open.puts);
    assert_eq!(row.region, region());
    let expected = MetaReplica {
        id: 0,
        state: Some(RegionState::Open),
        target: None,
        open_on: Some(host.clone()),
        open_seq_num: Some(42),
    };
    assert_eq!((row.replicas, row.newest_ms), (vec![expected], NOW + 1));
    let row = read(&opening.puts);
    assert_eq!(
        (row.replicas[0].state, row.replicas[0].location()),
        (Some(RegionState::Opening), Some(&host))
    );
}

#[test]
fn replicas_have_columns_of_their_own_in_the_row_of_the_default_one() {
    let host = server("host,16020,99");
    let copy = region().with_replica(2);
    let write = put_region(&copy, RegionState::Open, Some(&host), 5, true, NOW);
    assert_eq!(write.row, region().name().as_bytes());
    assert!(write.puts.iter().all(|cell| cell.qualifier().ends_with(b"_0002")), "{:?}", write.puts);
    let mut cells = add_region(&region(), 3, NOW).puts;
    cells.extend(write.puts);
    let row = read(&cells);
    assert_eq!(
        row.replicas.iter().map(|r| r.id).collect::<Vec<_>>(),
        [0, 2],
        "replica 1 has only empty cells"
    );
    assert_eq!(row.replicas[0].state, Some(RegionState::Closed));
    assert_eq!(row.replicas[1].open_on, Some(host));
}

#[test]
fn a_split_leaves_a_parent_with_daughters_and_daughters_that_are_closed() {
    let half = |start: &str, end: &str| {
        region().to_builder().start_key(start.as_bytes()).end_key(end.as_bytes()).region_id(8).build()
    };
    let (a, b) = (half("a", "f"), half("f", "m"));
    let rows = split_region(&region(), 42, [&a, &b], 1, true, NOW);
    let parent = read(&rows[0].puts);
    assert!(parent.region.is_split_parent());
    assert_eq!(parent.daughters, Some((a.clone(), b)));
    let daughter = read(&rows[1].puts);
    assert_eq!(
        (daughter.replicas[0].state, daughter.replicas[0].open_seq_num),
        (Some(RegionState::Closed), Some(1))
    );
    let parents = rows[1].puts.iter().find(|cell| cell.qualifier() == PARENT).unwrap();
    assert!(parents.value().windows(2).any(|pair| pair == [0xff, 0xff]), "0xFF is doubled");
}

#[test]
fn a_merge_names_its_parents_until_they_are_forgotten() {
    let parents: Vec<_> = (0..11).map(|i| (region().to_builder().region_id(i).build(), 9)).collect();
    let rows = merge_regions(&region(), Some(&server("h,1,2")), &parents, 2, false, NOW);
    assert_eq!(rows.len(), 12);
    assert!(rows[..11].iter().all(|row| row.deletes.len() == 1 && row.puts.is_empty()));
    let merged = read(&rows[11].puts);
    assert_eq!(merged.merged_from.len(), 11);
    assert_eq!(merged.merged_from[10].region_id(), 10, "merge0010 comes after merge0009");
    assert_eq!(delete_merge_qualifiers(&region(), 11, NOW).deletes.len(), 11);
}

#[test]
fn table_states_are_rows_of_their_own() {
    let table: TableName = "ns:t".parse().unwrap();
    let cells = put_table_state(&table, TableState::Disabling, NOW).puts;
    let mut reader = MetaReader::new();
    assert_eq!(reader.table_state(&cells).unwrap(), Some((table, TableState::Disabling)));
    assert!(reader.region_row(&cells).unwrap().is_none());
}

#[test]
fn names_share_their_memory() {
    let host = server("host,16020,99");
    let cells = put_region(&region(), RegionState::Opening, Some(&host), -1, false, NOW).puts;
    let mut reader = MetaReader::new();
    let (one, two) =
        (reader.region_row(&cells).unwrap().unwrap(), reader.region_row(&cells).unwrap().unwrap());
    assert!(std::ptr::eq(one.region.table().as_str(), two.region.table().as_str()));
    let name = |row: &MetaRow| row.replicas[0].target.as_ref().unwrap().as_str().as_ptr();
    assert!(std::ptr::eq(name(&one), name(&two)));
}

#[test]
fn what_cant_be_read_is_named() {
    let info = add_region(&region(), 1, NOW).puts;
    let bad: [(&str, &[u8], &str); 7] = [
        ("regioninfo", b"no magic", "PBUF"),
        ("regioninfo", b"PBUF\x08", "region"),
        ("state", b"OPENED", "region state"),
        ("sn", b"host", "server name"),
        ("seqnumDuringOpen", b"123", "expected 8"),
        ("splitA", b"PBUF", "required"),
        ("merge0000", b"x", "PBUF"),
    ];
    for (column, value, reason) in bad {
        let row = region().name();
        let cell = Cell::put(row.as_bytes(), CATALOG_FAMILY, column.as_bytes(), NOW, value).unwrap();
        let mut cells = vec![cell];
        if column != "regioninfo" {
            cells.extend(info.iter().filter(|cell| cell.qualifier() == REGION_INFO).cloned());
        }
        let error = MetaReader::new().region_row(&cells).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("info:{column}")), "{text}");
        assert!(text.to_lowercase().contains(&reason.to_lowercase()), "{text} / {reason}");
    }
}

#[test]
fn older_versions_of_a_column_do_not_count() {
    let host = server("host,16020,99");
    let older = put_region(&region(), RegionState::Opening, Some(&host), -1, false, NOW);
    let newer = put_region(&region(), RegionState::Open, Some(&host), 42, false, NOW + 1);
    let mut cells: Vec<Cell> = older.puts.into_iter().chain(newer.puts).collect();
    cells.sort_by_key(|cell| (cell.qualifier().to_vec(), std::cmp::Reverse(cell.timestamp())));
    assert_eq!(read(&cells).replicas[0].state, Some(RegionState::Open));
}
