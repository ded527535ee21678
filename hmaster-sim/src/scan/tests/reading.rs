//! Tables of what is read, and how.

use std::sync::atomic::Ordering;

use super::*;
use crate::filter;
use hmaster_protocol::pb;
use hmaster_types::Chance;

fn rows(cells: &[Cell]) -> Vec<&str> {
    let mut rows: Vec<&str> = cells.iter().map(|cell| std::str::from_utf8(cell.row()).unwrap()).collect();
    rows.dedup();
    rows
}

fn two_families() -> Vec<Store> {
    let (mut f, mut g) = (Vec::new(), Vec::new());
    for row in ["a", "b", "c", "d"] {
        f.push(put(row, "x", 5, 1));
        if row != "c" {
            g.push(cell(row, "g", "y", 5, CellType::Put, 2));
        }
    }
    vec![
        Store::in_memory(family("f", &[]), f),
        Store { family: family("g", &[]), parts: vec![Part::File(g, 2)] },
    ]
}

#[test]
fn rows_of_several_families_come_together() {
    let results = block_on(run(all(), &two_families(), 9, Limits::batch_only(None)));
    let sizes: Vec<usize> = results.iter().map(|(cells, _)| cells.len()).collect();
    assert_eq!(sizes, [2, 2, 1, 2]);
    let reversed = ScanSpec { reversed: true, ..all() };
    let results = block_on(run(reversed, &two_families(), 9, Limits::batch_only(None)));
    let cells: Vec<_> = results.into_iter().flat_map(|(cells, _)| cells).collect();
    assert_eq!(rows(&cells), ["d", "c", "b", "a"]);
    assert_eq!(cells[0].family(), b"f", "within a row, families rise");
}

#[test]
fn a_get_reads_one_row() {
    let cells = block_on(scan(ScanSpec::row("b".into()), &two_families(), 9));
    assert_eq!((rows(&cells), cells.len()), (vec!["b"], 2));
    assert!(block_on(scan(ScanSpec::row("bb".into()), &two_families(), 9)).is_empty());
}

#[test]
fn a_get_from_a_file_reads_few_blocks() {
    let cells = (0..1000).map(|i| put(&format!("row{i:04}"), "x", 5, 1)).collect();
    let file = Arc::new(FakeFile::new(cells, 10, CellOrder::User));
    let family = family("f", &[]);
    let read = |spec: ScanSpec| {
        let sources = StoreSources { family: &family, sources: vec![Source::File(file.clone())] };
        let mut scanner = RegionScanner::new(spec, vec![sources], CellOrder::User, 9, NOW, u64::MAX);
        let mut found = Vec::new();
        block_on(scanner.next(&mut found, &mut Limits::batch_only(None))).unwrap();
        (found.len(), file.reads.swap(0, Ordering::Relaxed))
    };
    let (found, reads) = read(ScanSpec::row("row0505".into()));
    assert!(found == 1 && reads <= 2, "{found} {reads}");
    let reversed = ScanSpec { reversed: true, ..ScanSpec::range("row0505".into(), Bytes::new()) };
    let (found, reads) = read(reversed);
    assert!(found == 1 && reads <= 4, "{found} {reads}");
}

#[test]
fn rows_of_hbase_meta_sort_by_table_and_start_key() {
    let descriptor = ColumnFamilyDescriptor::builder("f").build();
    let family = FamilySchema::new(&descriptor, CellOrder::Meta);
    let names = ["t", "t,,1", "t,a,5", "t,a,b,1", "t,b,1", "t!", "t!,,1"];
    let cells: Vec<Cell> = names.iter().rev().map(|row| put(row, "x", 5, 1)).collect();
    let store =
        Store { family, parts: vec![Part::Memory(cells[..3].to_vec()), Part::File(cells[3..].to_vec(), 2)] };
    let found = |spec| {
        let cells = block_on(scan(spec, std::slice::from_ref(&store), 9));
        rows(&cells).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(all()), names);
    assert_eq!(found(ScanSpec::range("t,,".into(), "t ,,".into())), names[1..5]);
    // How clients find the region of a row: the last one that begins at or before it.
    let reversed = |start: &'static str| {
        let stop = Bytes::from_static(b"t,,");
        found(ScanSpec { reversed: true, stop_inclusive: true, ..ScanSpec::range(start.into(), stop) })
    };
    assert_eq!(reversed("t,aa,99999999999999"), ["t,a,b,1", "t,a,5", "t,,1"]);
    assert_eq!(reversed("t,a,99999999999999"), ["t,a,5", "t,,1"]);
    assert_eq!(reversed("t,a,b,99999999999999")[0], "t,a,b,1");
    // A row without a comma comes before its table's regions.
    let only = ScanSpec { reversed: true, ..ScanSpec::range("t".into(), Bytes::new()) };
    assert_eq!(found(only), ["t"]);
}

#[test]
fn hints_lead_backwards_in_hbase_meta_too() {
    let family = FamilySchema::new(&ColumnFamilyDescriptor::builder("f").build(), CellOrder::Meta);
    let cells = ["t", "t,a,1", "t,b,1", "t,c,1"].map(|row| put(row, "x", 5, 1)).to_vec();
    let store = Store::in_memory(family, cells);
    let ranges = pb::MultiRowRangeFilter {
        row_range_list: vec![pb::RowRange {
            start_row: Some("t".into()),
            start_row_inclusive: Some(true),
            stop_row: Some("t".into()),
            stop_row_inclusive: Some(true),
        }],
    };
    let message = pb::Filter {
        name: "org.apache.hadoop.hbase.filter.MultiRowRangeFilter".into(),
        serialized_filter: Some(prost::Message::encode_to_vec(&ranges).into()),
    };
    let mut parsed = filter::parse(&message, &Chance::seeded(1)).unwrap();
    parsed.set_reversed(true);
    let spec = ScanSpec { reversed: true, filter: Some(parsed), ..all() };
    assert_eq!(rows(&block_on(scan(spec, &[store], 9))), ["t"]);
}

#[test]
fn parts_of_a_store_of_a_row() {
    let cells = (0..6).map(|i| put("a", &format!("q{i}"), 5, 1)).collect();
    let stores = [Store::in_memory(family("f", &[]), cells)];
    let qualifiers = |offset, limit| {
        let spec = ScanSpec { store_offset: offset, store_limit: limit, ..all() };
        block_on(scan(spec, &stores, 9)).len()
    };
    assert_eq!(
        [qualifiers(0, None), qualifiers(2, None), qualifiers(2, Some(3)), qualifiers(5, Some(3))],
        [6, 4, 3, 1]
    );
}

#[test]
fn a_row_that_is_too_big_is_refused() {
    let store = Store::in_memory(family("f", &[]), vec![put("a", "x", 5, 1), put("a", "y", 5, 1)]);
    let mut scanner = RegionScanner::new(all(), vec![store.sources()], CellOrder::User, 9, NOW, 40);
    let error = block_on(scanner.next(&mut Vec::new(), &mut Limits::batch_only(None))).unwrap_err();
    assert!(matches!(error, ScanError::RowTooBig { bytes_max: 40, .. }), "{error}");
}

#[test]
fn a_cell_lives_as_long_as_its_tag_says() {
    let cell = |row, ttl| crate::cell_tags::with_ttl_ms(&put(row, "x", 90, 1), ttl).unwrap();
    let store = Store::in_memory(family("f", &[]), vec![cell("a", 9), cell("b", 10)]);
    assert_eq!(rows(&block_on(scan(all(), std::slice::from_ref(&store), 9))), ["b"]);
}
