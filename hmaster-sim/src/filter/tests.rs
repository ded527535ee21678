//! What each filter lets pass of a few rows, and which messages are refused. How filters combine with seeks, versions and
//! limits is tested with scans.

use std::sync::Arc;

use bytes::Bytes;
use hmaster_protocol::pb::CompareType as Op;
use hmaster_protocol::{HBaseMessage, pb};
use hmaster_types::{Cell, CellOrder, Chance, ColumnFamilyDescriptor, attribute};

use super::*;
use crate::memstore::Segment;
use crate::scan::{Limits, RegionScanner, ScanSpec, Source, StoreSources};
use crate::schema::FamilySchema;

/// Row, qualifier, timestamp, value.
const CELLS: [(&str, &str, i64, &str); 9] = [
    ("a", "n", 5, "1"),
    ("a", "p", 5, "10"),
    ("a", "p", 3, "9"),
    ("b", "p", 5, "20"),
    ("b", "q", 4, "x"),
    ("ba", "n", 5, "2"),
    ("ba", "q", 5, "y"),
    ("c", "p", 6, "30"),
    ("c", "qq", 5, "hello"),
];
const A: &str = "a/n@5 a/p@5 a/p@3";
const B: &str = "b/p@5 b/q@4";
const BA: &str = "ba/n@5 ba/q@5";
const C: &str = "c/p@6 c/qq@5";

fn filter<M: HBaseMessage>(message: &M) -> pb::Filter {
    let class = M::full_name();
    let class = class.rsplit('.').next().unwrap();
    named(class, message.encode_to_vec().into())
}

fn named(class: &str, content: Bytes) -> pb::Filter {
    pb::Filter { name: format!("org.apache.hadoop.hbase.filter.{class}"), serialized_filter: Some(content) }
}

fn comparator<M: HBaseMessage>(message: &M) -> pb::Comparator {
    let class = M::full_name();
    let name = format!("org.apache.hadoop.hbase.filter.{}", class.rsplit('.').next().unwrap());
    pb::Comparator { name, serialized_comparator: Some(message.encode_to_vec().into()) }
}

fn binary(value: &'static str) -> pb::Comparator {
    comparator(&pb::BinaryComparator { comparable: pb::ByteArrayComparable { value: Some(value.into()) } })
}

fn regex(pattern: &str) -> pb::Comparator {
    comparator(&pb::RegexStringComparator {
        pattern: pattern.into(),
        pattern_flags: 0,
        charset: "UTF-8".into(),
        engine: None,
    })
}

fn compare(op: Op, with: pb::Comparator) -> pb::CompareFilter {
    pb::CompareFilter { compare_op: op.into(), comparator: Some(with) }
}

fn list(operator: pb::filter_list::Operator, filters: Vec<pb::Filter>) -> pb::Filter {
    filter(&pb::FilterList { operator: operator.into(), filters })
}

fn single(
    op: Op,
    column: &'static str,
    value: &'static str,
    missing: bool,
    latest: bool,
) -> pb::SingleColumnValueFilter {
    pb::SingleColumnValueFilter {
        column_family: Some("f".into()),
        column_qualifier: Some(column.into()),
        compare_op: op.into(),
        comparator: binary(value),
        filter_if_missing: Some(missing),
        latest_version_only: Some(latest),
    }
}

fn dependent(drop: bool, value: Option<&'static str>) -> pb::Filter {
    let compare_filter = match value {
        Some(value) => compare(Op::Equal, binary(value)),
        None => pb::CompareFilter { compare_op: Op::NoOp.into(), comparator: None },
    };
    filter(&pb::DependentColumnFilter {
        compare_filter,
        column_family: Some("f".into()),
        column_qualifier: Some("n".into()),
        drop_dependent_column: Some(drop),
    })
}

fn page(limit: i32, offset: Option<i32>, column: Option<&'static str>) -> pb::Filter {
    filter(&pb::ColumnPaginationFilter { limit, offset, column_offset: column.map(Into::into) })
}

fn row(op: Op, value: &'static str) -> pb::Filter {
    filter(&pb::RowFilter { compare_filter: compare(op, binary(value)) })
}

fn row_range(start: &'static str, start_in: bool, stop: &'static str, stop_in: bool) -> pb::RowRange {
    pb::RowRange {
        start_row: Some(start.into()),
        start_row_inclusive: Some(start_in),
        stop_row: Some(stop.into()),
        stop_row_inclusive: Some(stop_in),
    }
}

fn prefix(prefix: &'static str) -> pb::Filter {
    filter(&pb::ColumnPrefixFilter { prefix: prefix.into() })
}

fn fuzzy(key: &'static str, mask: &'static [u8]) -> pb::Filter {
    let pair = pb::BytesBytesPair { first: key.into(), second: mask.into() };
    filter(&pb::FuzzyRowFilter { fuzzy_keys_data: vec![pair], is_mask_v2: Some(true) })
}

fn spec() -> ScanSpec {
    ScanSpec { max_versions: 9, ..ScanSpec::range(Bytes::new(), Bytes::new()) }
}

fn scan(message: &pb::Filter, reversed: bool) -> Result<Vec<Cell>, String> {
    let mut filter = parse(message, &Chance::seeded(1)).map_err(|error| error.to_string())?;
    filter.set_reversed(reversed);
    let family = ColumnFamilyDescriptor::builder("f").attribute(attribute::VERSIONS, "9").build();
    let family = FamilySchema::new(&family, CellOrder::User);
    let segment = Segment::new(CellOrder::User);
    let cell = |(row, qualifier, timestamp, value): (&str, &str, i64, &str)| {
        Cell::put(row.as_bytes(), b"f", qualifier.as_bytes(), timestamp, value.as_bytes()).unwrap()
    };
    segment.add(CELLS.map(cell));
    let sources = vec![StoreSources { family: &family, sources: vec![Source::Segment(Arc::new(segment))] }];
    let spec = ScanSpec { filter: Some(filter), reversed, ..spec() };
    let mut scanner = RegionScanner::new(spec, sources, CellOrder::User, 9, 100, u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut all = Vec::new();
        loop {
            let mut row = Vec::new();
            let more = scanner.next(&mut row, &mut Limits::batch_only(None)).await;
            all.append(&mut row);
            if !more.map_err(|error| error.to_string())? {
                return Ok(all);
            }
        }
    })
}

fn text(cells: &[Cell]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let cell = |cell: &Cell| format!("{}/{}@{}", text(cell.row()), text(cell.qualifier()), cell.timestamp());
    cells.iter().map(cell).collect::<Vec<_>>().join(" ")
}

fn check(cases: Vec<(pb::Filter, Vec<&str>)>) {
    for (message, expected) in cases {
        let found = scan(&message, false).unwrap_or_else(|error| panic!("{message:?}: {error}"));
        assert_eq!(text(&found), expected.join(" "), "{message:?}");
    }
}

#[test]
fn filters_of_rows() {
    let chance = |chance| filter(&pb::RandomRowFilter { chance });
    let ranges = vec![row_range("a", true, "a", true), row_range("b", false, "c", false)];
    check(vec![
        (row(Op::NotEqual, "b"), vec![A, BA, C]),
        (row(Op::Less, "ba"), vec![A, B]),
        (filter(&pb::RowFilter { compare_filter: compare(Op::Equal, regex("^.a$")) }), vec![BA]),
        (filter(&pb::PrefixFilter { prefix: Some("b".into()) }), vec![B, BA]),
        (filter(&pb::InclusiveStopFilter { stop_row_key: Some("b".into()) }), vec![A, B]),
        (filter(&pb::MultiRowRangeFilter { row_range_list: ranges }), vec![A, BA]),
        // 0xff marks bytes that are fixed, 2 those that are free; a row may be shorter than the pattern.
        (fuzzy("ba", &[0xff, 0xff]), vec![B, BA]),
        (fuzzy("?a", &[2, 0xff]), vec![A, B, BA, C]),
        (chance(2.0), vec![A, B, BA, C]),
        (chance(-1.0), vec![]),
    ]);
}

#[test]
fn filters_of_columns() {
    let range = |min: &'static str, max: &'static str, inclusive: bool| {
        filter(&pb::ColumnRangeFilter {
            min_column: Some(min.into()),
            min_column_inclusive: Some(inclusive),
            max_column: Some(max.into()),
            max_column_inclusive: Some(inclusive),
        })
    };
    let first_of = |qualifier: &'static str| {
        filter(&pb::FirstKeyValueMatchingQualifiersFilter { qualifiers: vec![qualifier.into()] })
    };
    let prefixes = vec!["qq".into(), "n".into()];
    let timestamps =
        |can_hint| filter(&pb::TimestampsFilter { timestamps: vec![3, 6], can_hint: Some(can_hint) });
    check(vec![
        (filter(&pb::FamilyFilter { compare_filter: compare(Op::Equal, binary("f")) }), vec![A, B, BA, C]),
        (filter(&pb::FamilyFilter { compare_filter: compare(Op::Greater, binary("f")) }), vec![]),
        (
            filter(&pb::QualifierFilter { compare_filter: compare(Op::Equal, regex("^q+$")) }),
            vec!["b/q@4", "ba/q@5", "c/qq@5"],
        ),
        (prefix("q"), vec!["b/q@4", "ba/q@5", "c/qq@5"]),
        (
            filter(&pb::MultipleColumnPrefixFilter { sorted_prefixes: prefixes }),
            vec!["a/n@5", "ba/n@5", "c/qq@5"],
        ),
        (range("n", "q", false), vec!["a/p@5", "a/p@3", "b/p@5", "c/p@6"]),
        (range("n", "p", true), vec![A, "b/p@5", "ba/n@5", "c/p@6"]),
        (filter(&pb::FirstKeyOnlyFilter {}), vec!["a/n@5", "b/p@5", "ba/n@5", "c/p@6"]),
        (first_of("n"), vec!["a/n@5", B, "ba/n@5", C]),
        (timestamps(false), vec!["a/p@3", "c/p@6"]),
        (timestamps(true), vec!["a/p@3", "c/p@6"]),
    ]);
}

#[test]
fn filters_of_values() {
    let value = |op, with| filter(&pb::ValueFilter { compare_filter: compare(op, with) });
    let exclude = single(Op::Equal, "n", "1", true, true);
    let column = pb::ColumnValueFilter {
        family: "f".into(),
        qualifier: "q".into(),
        compare_op: Op::Equal.into(),
        comparator: binary("x"),
    };
    let substring = comparator(&pb::SubstringComparator { substr: "ELL".into() });
    check(vec![
        (value(Op::Equal, binary("x")), vec!["b/q@4"]),
        (value(Op::Less, binary("2")), vec!["a/n@5", "a/p@5"]),
        (value(Op::Equal, substring), vec!["c/qq@5"]),
        (value(Op::NotEqual, comparator(&pb::NullComparator {})), vec![A, B, BA, C]),
        (filter(&column), vec!["b/q@4"]),
        (filter(&single(Op::Equal, "n", "1", true, true)), vec![A]),
        (filter(&single(Op::Equal, "n", "1", false, true)), vec![A, B, C]),
        (filter(&single(Op::Equal, "p", "9", true, true)), vec![]),
        (filter(&single(Op::Equal, "p", "9", true, false)), vec![A]),
        (
            filter(&pb::SingleColumnValueExcludeFilter { single_column_value_filter: exclude }),
            vec!["a/p@5 a/p@3"],
        ),
        (dependent(false, None), vec!["a/n@5 a/p@5", BA]),
        (dependent(true, None), vec!["a/p@5", "ba/q@5"]),
        (dependent(false, Some("2")), vec![BA]),
    ]);
}

#[test]
fn filters_that_count() {
    check(vec![
        (filter(&pb::PageFilter { page_size: 2 }), vec![A, B]),
        (filter(&pb::PageFilter { page_size: 0 }), vec![]),
        (page(1, Some(1), None), vec!["a/p@5", "b/q@4", "ba/q@5", "c/qq@5"]),
        (page(1, None, Some("p")), vec!["a/p@5", "b/p@5", "ba/q@5", "c/p@6"]),
        (page(9, Some(9), None), vec![]),
        (filter(&pb::ColumnCountGetFilter { limit: 1 }), vec!["a/n@5", "b/p@5", "ba/n@5", "c/p@6"]),
    ]);
}

#[test]
fn filters_of_filters() {
    use pb::filter_list::Operator::{MustPassAll as All, MustPassOne as One};
    let values = |op, value| filter(&pb::ValueFilter { compare_filter: compare(op, binary(value)) });
    check(vec![
        (filter(&pb::SkipFilter { filter: values(Op::NotEqual, "x") }), vec![A, BA, C]),
        (filter(&pb::WhileMatchFilter { filter: row(Op::NotEqual, "ba") }), vec![A, B]),
        (filter(&pb::WhileMatchFilter { filter: values(Op::NotEqual, "x") }), vec![A, "b/p@5"]),
        (filter(&pb::FilterWrapper { filter: row(Op::Equal, "c") }), vec![C]),
        (list(All, vec![]), vec![A, B, BA, C]),
        (list(One, vec![]), vec![A, B, BA, C]),
        (
            list(All, vec![filter(&pb::PrefixFilter { prefix: Some("b".into()) }), prefix("q")]),
            vec!["b/q@4", "ba/q@5"],
        ),
        (list(One, vec![row(Op::Equal, "a"), prefix("qq")]), vec![A, "c/qq@5"]),
        (
            list(All, vec![list(One, vec![row(Op::Equal, "b"), row(Op::Equal, "c")]), page(1, None, None)]),
            vec!["b/p@5", "c/p@6"],
        ),
        (list(One, vec![filter(&pb::PageFilter { page_size: 1 }), row(Op::Equal, "c")]), vec![A, C]),
    ]);
}

#[test]
fn values_are_taken_away() {
    for (len_as_val, expected) in [(false, &b""[..]), (true, &[0, 0, 0, 5])] {
        let cells = scan(&filter(&pb::KeyOnlyFilter { len_as_val }), false).unwrap();
        assert_eq!((cells.len(), cells.last().unwrap().value()), (CELLS.len(), expected));
    }
}

/// Rows falling, filters that give hints must not lead past what they let pass.
#[test]
fn rows_may_fall() {
    let ranges = vec![row_range("a", true, "a", true), row_range("b", false, "c", false)];
    for (message, expected) in [
        (filter(&pb::PrefixFilter { prefix: Some("b".into()) }), [BA, B].join(" ")),
        (filter(&pb::InclusiveStopFilter { stop_row_key: Some("b".into()) }), [C, BA, B].join(" ")),
        (filter(&pb::MultiRowRangeFilter { row_range_list: ranges }), [BA, A].join(" ")),
        (fuzzy("ba", &[0xff, 0xff]), [BA, B].join(" ")),
        (prefix("q"), "c/qq@5 ba/q@5 b/q@4".to_owned()),
        (filter(&pb::PageFilter { page_size: 1 }), C.to_owned()),
    ] {
        assert_eq!(text(&scan(&message, true).unwrap()), expected, "{message:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    use pb::filter_list::Operator::MustPassAll;
    let deep = (0..100).fold(row(Op::Equal, "a"), |inner, _| list(MustPassAll, vec![inner]));
    let elsewhere = pb::Filter { name: "com.example.Mine".into(), serialized_filter: None };
    let bad_class = pb::Comparator { name: "x".into(), serialized_comparator: None };
    let short = pb::ByteArrayComparable { value: Some("short".into()) };
    let values = |with| filter(&pb::ValueFilter { compare_filter: compare(Op::Equal, with) });
    let bit = pb::BitComparator { comparable: short.clone(), bitwise_op: 9 };
    let unknown_op = pb::CompareFilter { compare_op: 99, comparator: Some(binary("a")) };
    for (message, reason) in [
        (elsewhere, "java.lang.ClassNotFoundException: com.example.Mine"),
        (named("NoSuchFilter", Bytes::new()), "ClassNotFoundException"),
        (named("PageFilter", Bytes::new()), "PageFilter: "),
        (named("PageFilter", Bytes::from_static(b"\xff\xff")), "PageFilter: "),
        (named("FilterList", Bytes::from_static(b"\x08\x63")), "FilterList: "),
        (filter(&pb::RowFilter { compare_filter: unknown_op }), "compare"),
        (values(bad_class), "ClassNotFoundException: x"),
        (values(comparator(&pb::LongComparator { comparable: short })), "LongComparator of 5 bytes"),
        (values(comparator(&bit)), "BitComparator"),
        (values(regex("(")), "("),
        (filter(&pb::TimestampsFilter { timestamps: vec![-1], can_hint: None }), "must be positive -1"),
        (filter(&pb::MultiRowRangeFilter { row_range_list: vec![row_range("b", true, "a", true)] }), ""),
        (fuzzy("ab", &[0]), "Fuzzy pair lengths do not match"),
        (deep, "filters in one another beyond 64"),
    ] {
        let error = parse(&message, &Chance::seeded(1)).map(drop).expect_err(&format!("{message:?}"));
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// A comparison that can't be made fails the scan; it isn't taken for a no.
#[test]
fn a_comparison_that_cannot_be_made_is_an_error() {
    let eight = pb::ByteArrayComparable { value: Some(Bytes::from_static(&[0; 8])) };
    let long = comparator(&pb::LongComparator { comparable: eight });
    let message = filter(&pb::ValueFilter { compare_filter: compare(Op::Less, long) });
    assert_eq!(scan(&message, false).unwrap_err(), "Wrong length: 1, expected 8");
    let message = filter(&single(Op::NoOp, "n", "1", true, true));
    assert_eq!(scan(&message, false).unwrap_err(), "Unknown Compare op NO_OP");
}
