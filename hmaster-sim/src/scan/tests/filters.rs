//! Filters in scans, against what they say of single cells and rows.

use hmaster_protocol::{HBaseMessage, pb};
use hmaster_types::Chance;

use super::*;
use crate::filter;

/// A filter that looks at each cell for itself.
#[derive(Debug, Clone)]
enum Plain {
    Prefix(&'static str),
    Qualifier(pb::CompareType, &'static str),
    Range(&'static str, bool, &'static str, bool),
    Timestamps(Vec<i64>),
    Row(pb::CompareType, &'static str),
    RowPrefix(&'static str),
    Rows(&'static str, &'static str),
    All(Vec<Plain>),
    One(Vec<Plain>),
}

fn message<M: HBaseMessage>(name: &str, message: &M) -> pb::Filter {
    let serialized_filter = Some(message.encode_to_vec().into());
    pb::Filter { name: format!("org.apache.hadoop.hbase.filter.{name}"), serialized_filter }
}

fn comparison(op: pb::CompareType, value: &'static str) -> pb::CompareFilter {
    let comparable = pb::ByteArrayComparable { value: Some(value.into()) };
    let binary = pb::BinaryComparator { comparable };
    let comparator = pb::Comparator {
        name: "org.apache.hadoop.hbase.filter.BinaryComparator".into(),
        serialized_comparator: Some(prost::Message::encode_to_vec(&binary).into()),
    };
    pb::CompareFilter { compare_op: op.into(), comparator: Some(comparator) }
}

fn compares(op: pb::CompareType, part: &[u8], value: &str) -> bool {
    let value = value.as_bytes();
    match op {
        pb::CompareType::Less => part < value,
        pb::CompareType::LessOrEqual => part <= value,
        pb::CompareType::Equal => part == value,
        pb::CompareType::NotEqual => part != value,
        pb::CompareType::GreaterOrEqual => part >= value,
        pb::CompareType::Greater => part > value,
        pb::CompareType::NoOp => false,
    }
}

impl Plain {
    fn message(&self) -> pb::Filter {
        match self {
            Self::Prefix(prefix) => {
                message("ColumnPrefixFilter", &pb::ColumnPrefixFilter { prefix: (*prefix).into() })
            }
            Self::Qualifier(op, value) => {
                message("QualifierFilter", &pb::QualifierFilter { compare_filter: comparison(*op, value) })
            }
            Self::Range(min, min_in, max, max_in) => {
                let range = pb::ColumnRangeFilter {
                    min_column: Some((*min).into()),
                    min_column_inclusive: Some(*min_in),
                    max_column: Some((*max).into()),
                    max_column_inclusive: Some(*max_in),
                };
                message("ColumnRangeFilter", &range)
            }
            Self::Timestamps(timestamps) => {
                // With hints, versions that were passed over don't count, in Java neither.
                let filter = pb::TimestampsFilter { timestamps: timestamps.clone(), can_hint: Some(false) };
                message("TimestampsFilter", &filter)
            }
            Self::Row(op, value) => {
                message("RowFilter", &pb::RowFilter { compare_filter: comparison(*op, value) })
            }
            Self::RowPrefix(prefix) => {
                message("PrefixFilter", &pb::PrefixFilter { prefix: Some((*prefix).into()) })
            }
            Self::Rows(start, stop) => {
                let range = pb::RowRange {
                    start_row: Some((*start).into()),
                    start_row_inclusive: Some(true),
                    stop_row: Some((*stop).into()),
                    stop_row_inclusive: Some(false),
                };
                message("MultiRowRangeFilter", &pb::MultiRowRangeFilter { row_range_list: vec![range] })
            }
            Self::All(filters) => list(pb::filter_list::Operator::MustPassAll, filters),
            Self::One(filters) => list(pb::filter_list::Operator::MustPassOne, filters),
        }
    }

    fn passes(&self, cell: &Cell) -> bool {
        let qualifier = cell.qualifier();
        match self {
            Self::Prefix(prefix) => qualifier.starts_with(prefix.as_bytes()),
            Self::Qualifier(op, value) => compares(*op, qualifier, value),
            Self::Range(min, min_in, max, max_in) => {
                let (min, max) = (min.as_bytes(), max.as_bytes());
                (qualifier > min || (*min_in && qualifier == min))
                    && (qualifier < max || (*max_in && qualifier == max))
            }
            Self::Timestamps(timestamps) => timestamps.contains(&cell.timestamp()),
            Self::Row(op, value) => compares(*op, cell.row(), value),
            Self::RowPrefix(prefix) => cell.row().starts_with(prefix.as_bytes()),
            Self::Rows(start, stop) => cell.row() >= start.as_bytes() && cell.row() < stop.as_bytes(),
            Self::All(filters) => filters.iter().all(|filter| filter.passes(cell)),
            Self::One(filters) => filters.is_empty() || filters.iter().any(|filter| filter.passes(cell)),
        }
    }
}

fn list(operator: pb::filter_list::Operator, filters: &[Plain]) -> pb::Filter {
    let filters = filters.iter().map(Plain::message).collect();
    message("FilterList", &pb::FilterList { operator: operator.into(), filters })
}

fn any_plain() -> impl Strategy<Value = Plain> {
    let op = || {
        prop::sample::select(vec![
            pb::CompareType::Less,
            pb::CompareType::LessOrEqual,
            pb::CompareType::Equal,
            pb::CompareType::NotEqual,
            pb::CompareType::GreaterOrEqual,
            pb::CompareType::Greater,
        ])
    };
    let column = || prop::sample::select(vec!["x", "xa", "y", "z"]);
    let row = || prop::sample::select(vec!["a", "ab", "b", "c"]);
    let leaf = prop_oneof![
        column().prop_map(Plain::Prefix),
        (op(), column()).prop_map(|(op, column)| Plain::Qualifier(op, column)),
        (column(), any::<bool>(), column(), any::<bool>())
            .prop_map(|(a, a_in, b, b_in)| Plain::Range(a, a_in, b, b_in)),
        prop::collection::vec(90i64..99, 0..4).prop_map(Plain::Timestamps),
        (op(), row()).prop_map(|(op, row)| Plain::Row(op, row)),
        row().prop_map(Plain::RowPrefix),
        (row(), row()).prop_filter("a range", |(a, b)| a < b).prop_map(|(a, b)| Plain::Rows(a, b)),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Plain::All),
            prop::collection::vec(inner, 1..4).prop_map(Plain::One),
        ]
    })
}

fn any_puts() -> impl Strategy<Value = Vec<Cell>> {
    let put =
        ("[abc]{1,2}", "[xyz][ab]{0,1}", 90i64..99).prop_map(|(row, qualifier, ts)| (row, qualifier, ts));
    prop::collection::btree_set(put, 0..60)
        .prop_map(|puts| puts.iter().map(|(row, qualifier, ts)| put_of(row, qualifier, *ts)).collect())
}

fn put_of(row: &str, qualifier: &str, timestamp: i64) -> Cell {
    put(row, qualifier, timestamp, 1)
}

/// Of the family's versions the filter sees all, and of those that pass, the scan wants some.
fn wanted(cells: &[Cell], filter: &Plain, kept: usize, versions: usize, reversed: bool) -> Vec<Cell> {
    let mut sorted = cells.to_vec();
    sorted.sort_by(|a, b| CellOrder::User.compare(a, b));
    let columns = sorted.chunk_by(|a, b| (a.row(), a.qualifier()) == (b.row(), b.qualifier()));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for column in columns {
        let passing = column.iter().take(kept).filter(|cell| filter.passes(cell)).take(versions).cloned();
        match rows.last_mut() {
            Some(row) if row.first().is_some_and(|cell| cell.row() == column[0].row()) => row.extend(passing),
            _ => rows.push(passing.collect()),
        }
    }
    if reversed {
        rows.reverse();
    }
    rows.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn filters_pass_what_they_say(
        cells in any_puts(),
        plain in any_plain(),
        versions in 1u32..4,
        reversed in any::<bool>(),
        in_file in any::<bool>(),
    ) {
        let wanted = wanted(&cells, &plain, 3, versions as usize, reversed);
        let mut parsed = filter::parse(&plain.message(), &Chance::seeded(1)).unwrap();
        parsed.set_reversed(reversed);
        let family = family("f", &[(attribute::VERSIONS, "3")]);
        let part = if in_file { Part::File(cells, 3) } else { Part::Memory(cells) };
        let store = Store { family, parts: vec![part] };
        let spec = ScanSpec { filter: Some(parsed), max_versions: versions, reversed, ..all() };
        let found = block_on(scan(spec, &[store], 9));
        prop_assert_eq!(found, wanted);
    }
}
