//! Cells as a region reads them: delete markers hide what they cover, of each column the newest is seen.

use std::cmp::Ordering;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellType};

use crate::ports::{RowMutation, ScanPage, ScanSpec};

/// The cells of a mutation, each with the sequence id of the edit.
pub(super) fn edits(mutation: &RowMutation, sequence_id: u64) -> impl Iterator<Item = Cell> {
    let cells = mutation.puts.iter().chain(&mutation.deletes);
    cells.map(move |cell| cell.clone().with_sequence_id(sequence_id))
}

/// What can be seen of `cells`, row by row.
pub(super) fn visible(mut cells: Vec<Cell>, order: CellOrder) -> Vec<Vec<Cell>> {
    cells.sort_by(|a, b| order.compare(a, b));
    let rows = cells.chunk_by(|a, b| order.compare_rows(a.row(), b.row()) == Ordering::Equal);
    rows.map(visible_of_row).filter(|row| !row.is_empty()).collect()
}

fn visible_of_row(cells: &[Cell]) -> Vec<Cell> {
    let mut seen: Vec<Cell> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.cell_type() == CellType::Put) {
        let same_column =
            |other: &Cell| other.family() == cell.family() && other.qualifier() == cell.qualifier();
        let hidden = cells.iter().any(|marker| hides(marker, cell));
        if !hidden && !seen.last().is_some_and(same_column) {
            seen.push(cell.clone());
        }
    }
    seen
}

fn hides(marker: &Cell, cell: &Cell) -> bool {
    let column = marker.qualifier() == cell.qualifier();
    marker.family() == cell.family()
        && match marker.cell_type() {
            CellType::DeleteFamily => cell.timestamp() <= marker.timestamp(),
            CellType::DeleteFamilyVersion => cell.timestamp() == marker.timestamp(),
            CellType::DeleteColumn => column && cell.timestamp() <= marker.timestamp(),
            CellType::Delete => column && cell.timestamp() == marker.timestamp(),
            CellType::Put | CellType::Minimum | CellType::Maximum => false,
        }
}

/// One page of a scan.
pub(super) fn page(cells: Vec<Cell>, order: CellOrder, spec: &ScanSpec) -> ScanPage {
    let wanted = |cell: &Cell| {
        spec.families.is_empty() || spec.families.iter().any(|family| &family[..] == cell.family())
    };
    let mut rows = visible(cells.into_iter().filter(wanted).collect(), order);
    if spec.reversed {
        rows.reverse();
    }
    rows.retain(|row| is_in_range(row[0].row(), order, spec));
    let max = spec.rows_max as usize;
    let has_more = rows.len() > max;
    rows.truncate(max);
    ScanPage { rows, has_more }
}

fn is_in_range(row: &[u8], order: CellOrder, spec: &ScanSpec) -> bool {
    let direction = |ordering: Ordering| if spec.reversed { ordering.reverse() } else { ordering };
    let after_start = spec.start.is_empty()
        || match direction(order.compare_rows(row, &spec.start)) {
            Ordering::Less => false,
            Ordering::Equal => spec.include_start,
            Ordering::Greater => true,
        };
    let before_stop =
        spec.stop.is_empty() || direction(order.compare_rows(row, &spec.stop)) == Ordering::Less;
    after_start && before_stop
}

/// A user's row: one value.
pub(super) fn user_put(row: &[u8], value: u64, timestamp: i64) -> RowMutation {
    let put =
        Cell::put(row, b"f", b"q", timestamp, &value.to_be_bytes()).expect("short parts fit into a cell");
    RowMutation { row: Bytes::copy_from_slice(row), puts: vec![put], deletes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use hmaster_types::CellParts;

    use super::*;

    fn cell(row: &str, qualifier: &str, timestamp: i64, cell_type: CellType, seq: u64) -> Cell {
        let (row, qualifier) = (row.as_bytes(), qualifier.as_bytes());
        let value: &[u8] = if cell_type == CellType::Put { b"v" } else { b"" };
        let parts = CellParts { row, family: b"f", qualifier, timestamp, cell_type, value };
        Cell::new(parts).unwrap().with_sequence_id(seq)
    }

    #[test]
    fn markers_hide_what_they_cover() {
        use CellType::{DeleteColumn, DeleteFamily, Put};
        let cells = vec![
            cell("a", "x", 1, Put, 1),
            cell("a", "x", 2, Put, 2),
            cell("a", "y", 1, Put, 1),
            cell("a", "", 1, DeleteFamily, 9),
            cell("b", "x", 5, DeleteColumn, 3),
            cell("b", "x", 4, Put, 4),
            cell("b", "z", 4, Put, 4),
        ];
        let rows = visible(cells, CellOrder::User);
        let seen: Vec<_> = rows
            .iter()
            .flatten()
            .map(|cell| (cell.row()[0], cell.qualifier()[0], cell.timestamp()))
            .collect();
        assert_eq!(seen, [(b'a', b'x', 2), (b'b', b'z', 4)]);
    }

    #[test]
    fn pages_say_whether_there_is_more() {
        let cells: Vec<_> = ["a", "b", "c"].map(|row| cell(row, "x", 1, CellType::Put, 1)).into();
        let mut spec = ScanSpec::between(Bytes::new(), Bytes::new(), 2);
        let first = page(cells.clone(), CellOrder::User, &spec);
        assert!(first.has_more && first.rows.len() == 2);
        (spec.start, spec.include_start) = (Bytes::from_static(b"b"), false);
        let second = page(cells.clone(), CellOrder::User, &spec);
        assert!(!second.has_more && second.rows[0][0].row() == b"c");
        spec.reversed = true;
        assert_eq!(page(cells, CellOrder::User, &spec).rows[0][0].row(), b"a");
    }
}
