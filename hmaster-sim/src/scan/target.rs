//! Where a seek goes. Counterpart of the fake keys that `PrivateCellUtil` makes, without making them unless needed.

use std::cmp::Ordering;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellParts, CellType};

/// A place between cells. A seek ends at the first cell that isn't before it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Before the first cell of a row.
    Row(Bytes),
    /// After the last cell of a row.
    AfterRow(Bytes),
    /// Before the first cell of a column, in the row and family of a cell.
    Column(Cell, Bytes),
    /// After the last cell of a cell's column.
    AfterColumn(Cell),
    /// Before all cells with this key, whenever written.
    Key(Cell),
    /// After all cells with this key.
    AfterKey(Cell),
}

impl Target {
    /// `Less` or `Equal` when the cell isn't before the target.
    pub(crate) fn compare(&self, order: CellOrder, cell: &Cell) -> Ordering {
        match self {
            Self::Row(row) => order.compare_rows(row, cell.row()).then(Ordering::Less),
            Self::AfterRow(row) => order.compare_rows(row, cell.row()).then(Ordering::Greater),
            Self::Column(at, qualifier) => order
                .compare_rows(at.row(), cell.row())
                .then_with(|| at.family().cmp(cell.family()))
                .then_with(|| (**qualifier).cmp(cell.qualifier()))
                .then(Ordering::Less),
            Self::AfterColumn(at) => order
                .compare_rows(at.row(), cell.row())
                .then_with(|| at.family().cmp(cell.family()))
                .then_with(|| at.qualifier().cmp(cell.qualifier()))
                .then(Ordering::Greater),
            Self::Key(key) => order.compare_keys(key, cell).then(Ordering::Less),
            Self::AfterKey(key) => order.compare_keys(key, cell).then(Ordering::Greater),
        }
    }

    /// True when the cell isn't before the target.
    pub(crate) fn is_reached_by(&self, order: CellOrder, cell: &Cell) -> bool {
        self.compare(order, cell) != Ordering::Greater
    }

    /// A cell that sorts where the target is: between the cells before it and those after it.
    pub(crate) fn to_cell(&self) -> Cell {
        let key = |row: &[u8], family: &[u8], qualifier: &[u8], timestamp, cell_type| {
            let parts = CellParts { row, family, qualifier, timestamp, cell_type, value: b"" };
            // Longer rows than cells can have come from requests only, and are checked there.
            Cell::new(parts).unwrap_or_else(|_| end_of_everything())
        };
        match self {
            Self::Row(row) => key(row, b"", b"", i64::MAX, CellType::Maximum),
            Self::AfterRow(row) => key(row, b"", b"", i64::MIN, CellType::Minimum),
            Self::Column(at, qualifier) => key(at.row(), at.family(), qualifier, i64::MAX, CellType::Maximum),
            Self::AfterColumn(at) => key(at.row(), at.family(), at.qualifier(), i64::MIN, CellType::Minimum),
            Self::Key(at) => at.clone().with_sequence_id(u64::MAX),
            Self::AfterKey(at) => at.clone().with_sequence_id(0),
        }
    }
}

/// A row key of the greatest length of the greatest bytes.
fn end_of_everything() -> Cell {
    let parts = CellParts {
        row: &[0xff; Cell::ROW_BYTES_MAX],
        family: b"",
        qualifier: b"",
        timestamp: i64::MIN,
        cell_type: CellType::Minimum,
        value: b"",
    };
    Cell::new(parts).expect("the greatest length that a row may have")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Vec<Cell> {
        let mut cells = Vec::new();
        for row in [&b"a"[..], b"b"] {
            for qualifier in [&b""[..], b"x", b"y"] {
                for (timestamp, cell_type) in
                    [(5, CellType::DeleteColumn), (5, CellType::Put), (3, CellType::Put)]
                {
                    for sequence_id in [9, 4] {
                        let parts =
                            CellParts { row, family: b"f", qualifier, timestamp, cell_type, value: b"" };
                        cells.push(Cell::new(parts).unwrap().with_sequence_id(sequence_id));
                    }
                }
            }
        }
        cells
    }

    /// The made-up cell and the comparison agree about every cell.
    #[test]
    fn a_target_is_where_its_cell_is() {
        let (order, cells) = (CellOrder::User, cells());
        for at in &cells {
            let row = Bytes::copy_from_slice(at.row());
            for target in [
                Target::Row(row.clone()),
                Target::AfterRow(row.clone()),
                Target::Column(at.clone(), Bytes::from_static(b"x")),
                Target::Column(at.clone(), Bytes::from_static(b"")),
                Target::AfterColumn(at.clone()),
                Target::Key(at.clone()),
                Target::AfterKey(at.clone()),
            ] {
                let fake = target.to_cell();
                for cell in &cells {
                    let behind = match target {
                        // The key with sequence id 0 sorts after all others with that key.
                        Target::AfterKey(_) => order.compare(&fake, cell).is_lt(),
                        _ => order.compare(&fake, cell).is_le(),
                    };
                    assert_eq!(target.is_reached_by(order, cell), behind, "{target:?} {cell:?}");
                }
            }
        }
    }

    #[test]
    fn a_row_too_long_for_a_cell_is_after_everything() {
        let target = Target::Row(vec![b'a'; 40_000].into());
        assert!(cells().iter().all(|cell| CellOrder::User.compare(&target.to_cell(), cell).is_gt()));
    }
}
