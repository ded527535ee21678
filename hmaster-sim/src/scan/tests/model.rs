//! What a scan sees, said naively: no order of reading, no seeks, no state.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::query::TimeRange;
use crate::schema::KeepDeletedCells;

/// The cells that a scan of one store sees, sorted.
fn model(spec: &ScanSpec, store: &Store, read_point: u64) -> Vec<Cell> {
    let family = &store.family;
    let mut rows: BTreeMap<Vec<u8>, Vec<Cell>> = BTreeMap::new();
    for cell in store.cells().filter(|cell| cell.sequence_id() <= read_point) {
        rows.entry(cell.row().to_vec()).or_default().push(cell.clone());
    }
    let columns = spec.families.get(&family.name).cloned().unwrap_or_default();
    let mut found = Vec::new();
    let mut row_order: Vec<_> = rows.into_iter().filter(|(row, _)| in_range(spec, row)).collect();
    if spec.reversed {
        row_order.reverse();
    }
    for (_, mut cells) in row_order {
        cells.sort_by(|a, b| CellOrder::User.compare(a, b));
        // Of cells with one key, the newest counts.
        cells.dedup_by(|b, a| a.key() == b.key());
        found.extend(row(spec, family, &columns, &cells));
    }
    found
}

fn in_range(spec: &ScanSpec, row: &[u8]) -> bool {
    let (low, low_in, high, high_in) = if spec.reversed {
        (&spec.stop, spec.stop_inclusive, &spec.start, spec.start_inclusive)
    } else {
        (&spec.start, spec.start_inclusive, &spec.stop, spec.stop_inclusive)
    };
    (low.is_empty() || *row > **low || (low_in && *row == **low))
        && (high.is_empty() || *row < **high || (high_in && *row == **high))
}

fn row(spec: &ScanSpec, family: &FamilySchema, columns: &BTreeSet<Bytes>, cells: &[Cell]) -> Vec<Cell> {
    let oldest = if spec.raw { 0 } else { family.oldest_unexpired(NOW) };
    let lives = |cell: &&Cell| family.min_versions > 0 || cell.timestamp() >= oldest;
    let time_range = spec.time_range;
    let counts = |delete: &&Cell| match family.keep_deleted_cells {
        KeepDeletedCells::False => time_range.contains_or_precedes(delete.timestamp()),
        _ => time_range.contains(delete.timestamp()),
    };
    let deletes: Vec<&Cell> =
        cells.iter().filter(lives).filter(|cell| cell.cell_type().is_delete()).filter(counts).collect();
    let visible = |cell: &&Cell| {
        spec.raw || (!cell.cell_type().is_delete() && !deletes.iter().any(|delete| hides(delete, cell)))
    };
    let mut by_column: BTreeMap<&[u8], Vec<&Cell>> = BTreeMap::new();
    for cell in cells.iter().filter(lives).filter(visible) {
        let wanted = columns.is_empty() || columns.contains(cell.qualifier());
        if wanted && time_range.contains(cell.timestamp()) {
            by_column.entry(cell.qualifier()).or_default().push(cell);
        }
    }
    let max = if spec.raw { spec.max_versions } else { spec.max_versions.min(family.max_versions) };
    by_column
        .into_values()
        .flat_map(|cells| versions(&cells, family.min_versions, max, oldest, columns))
        .collect()
}

fn hides(delete: &Cell, cell: &Cell) -> bool {
    let same_column = delete.qualifier() == cell.qualifier();
    match delete.cell_type() {
        CellType::DeleteFamily => cell.timestamp() <= delete.timestamp(),
        CellType::DeleteFamilyVersion => cell.timestamp() == delete.timestamp(),
        CellType::DeleteColumn => same_column && cell.timestamp() <= delete.timestamp(),
        _ => same_column && cell.timestamp() == delete.timestamp(),
    }
}

/// Certain columns give one version beyond their time to live, if that is what makes up the minimum; all columns don't.
fn versions(cells: &[&Cell], min: u32, max: u32, oldest: i64, columns: &BTreeSet<Bytes>) -> Vec<Cell> {
    let (mut count, mut kept) = (0, Vec::new());
    for cell in cells {
        let expired = cell.timestamp() < oldest;
        count += u32::from(!cell.cell_type().is_delete());
        if columns.is_empty() {
            if count > max || (expired && count > min) {
                break;
            }
            kept.push((*cell).clone());
        } else {
            kept.push((*cell).clone());
            if count >= max || (expired && count >= min) {
                break;
            }
        }
    }
    kept
}

fn any_spec() -> impl Strategy<Value = ScanSpec> {
    let row = || prop_oneof![1 => Just(String::new()), 2 => "[abc]{1,2}"];
    let range = (90i64..96, 94i64..101).prop_map(|(from, to)| TimeRange::new(from.min(to), to).unwrap());
    let time_range = prop_oneof![2 => Just(TimeRange::ALL), 1 => range];
    let columns = prop_oneof![
        2 => Just(vec![]),
        1 => prop::collection::vec(prop::sample::select(vec!["", "w", "x", "y"]), 1..3),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    (row(), row(), flags, 1u32..6, time_range, columns).prop_map(
        |(a, b, (start_inclusive, stop_inclusive, reversed, raw), max_versions, time_range, columns)| {
            let mut ends = [a, b];
            ends.sort();
            let [low, high] = ends.map(Bytes::from);
            let (start, stop) = if reversed { (high, low) } else { (low, high) };
            let mut spec = ScanSpec::range(start, stop);
            (spec.start_inclusive, spec.stop_inclusive, spec.reversed) =
                (start_inclusive, stop_inclusive, reversed);
            (spec.max_versions, spec.time_range, spec.raw) = (max_versions, time_range, raw);
            if !raw && !columns.is_empty() {
                spec.families.insert("f".into(), columns.into_iter().map(Bytes::from).collect());
            }
            spec
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_scan_sees_what_the_model_sees(
        parts in any_parts(),
        family in any_family(),
        spec in any_spec(),
        read_point in 0u64..13,
    ) {
        let store = Store { family, parts };
        let wanted = model(&spec, &store, read_point);
        let shown = format!("{spec:?}");
        let found = block_on(scan(spec, std::slice::from_ref(&store), read_point));
        prop_assert_eq!(found, wanted, "{}", shown);
    }
}
