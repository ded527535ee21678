//! The two orders of cells. Counterpart of `CellComparatorImpl` and `MetaCellComparator`.

use std::cmp::Ordering;

use super::{Cell, CellType};

/// How the cells of a table are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellOrder {
    /// Rows bytewise.
    User,
    /// Rows of hbase:meta by table, start key and region id, see [`compare_meta_rows`].
    Meta,
}

impl CellOrder {
    /// The order of a table's cells.
    pub fn of_table(table: &crate::TableName) -> Self {
        if table.is_meta() { Self::Meta } else { Self::User }
    }

    /// Compares two rows.
    pub fn compare_rows(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Self::User => a.cmp(b),
            Self::Meta => compare_meta_rows(a, b),
        }
    }

    /// Compares two cells: row, family and qualifier rising, timestamp falling, deletes before puts, later edits first.
    pub fn compare(self, a: &Cell, b: &Cell) -> Ordering {
        self.compare_keys(a, b).then_with(|| b.sequence_id().cmp(&a.sequence_id()))
    }

    /// [`CellOrder::compare`] without the sequence id.
    pub fn compare_keys(self, a: &Cell, b: &Cell) -> Ordering {
        self.compare_rows(a.row(), b.row())
            .then_with(|| is_end_of_row(a).cmp(&is_end_of_row(b)))
            .then_with(|| a.family().cmp(b.family()))
            .then_with(|| a.qualifier().cmp(b.qualifier()))
            .then_with(|| b.timestamp().cmp(&a.timestamp()))
            .then_with(|| (b.cell_type() as u8).cmp(&(a.cell_type() as u8)))
    }
}

/// A key of type `Minimum` without a column stands for the end of its row.
fn is_end_of_row(cell: &Cell) -> bool {
    cell.cell_type() == CellType::Minimum && cell.family().is_empty() && cell.qualifier().is_empty()
}

/// Compares rows of hbase:meta: the table up to the first comma, then the start key up to the last comma (it may hold
/// commas itself), then the rest, which is the region id. A row without a comma (a table's state) sorts before the
/// regions of the table with that name.
pub fn compare_meta_rows(a: &[u8], b: &[u8]) -> Ordering {
    let first = |row: &[u8]| row.iter().position(|&c| c == b',');
    let (Some(a_first), Some(b_first)) = (first(a), first(b)) else {
        let table = |row: &[u8]| first(row).unwrap_or(row.len());
        return a[..table(a)].cmp(&b[..table(b)]).then(first(a).is_some().cmp(&first(b).is_some()));
    };
    let (a_start, a_id) = start_key_and_id(a, a_first);
    let (b_start, b_id) = start_key_and_id(b, b_first);
    a[..a_first].cmp(&b[..b_first]).then_with(|| a_start.cmp(b_start)).then_with(|| a_id.cmp(b_id))
}

/// A row with one comma has no id of its own: Java then compares the whole row in its place.
fn start_key_and_id(row: &[u8], first: usize) -> (&[u8], &[u8]) {
    let rest = &row[first + 1..];
    match rest.iter().rposition(|&c| c == b',') {
        Some(last) => (&rest[..last], &rest[last + 1..]),
        None => (rest, row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::CellParts;

    #[test]
    fn meta_rows_sort_by_table_start_key_and_id() {
        let sorted: [&[u8]; 9] =
            [b"t", b"t,,", b"t,,1", b"t,,99999999999999", b"t,a,5", b"t,a,b,1", b"t,b,1", b"t!", b"t!,,1"];
        // "t," precedes "t!": the comma ends the table name, so a table's regions stay together.
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(
                    compare_meta_rows(a, b),
                    i.cmp(&j),
                    "{:?} {:?}",
                    a.escape_ascii(),
                    b.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn cells_sort_newest_first_and_deletes_before_puts() {
        let cell = |qualifier: &[u8], timestamp, cell_type| {
            Cell::new(CellParts { row: b"r", family: b"f", qualifier, timestamp, cell_type, value: b"" })
                .unwrap()
        };
        let sorted = [
            cell(b"", i64::MAX, CellType::DeleteFamily),
            cell(b"a", 2, CellType::Put),
            cell(b"a", 1, CellType::DeleteColumn),
            cell(b"a", 1, CellType::Put).with_sequence_id(9),
            cell(b"a", 1, CellType::Put).with_sequence_id(3),
            cell(b"b", 5, CellType::Put),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(CellOrder::User.compare(a, b), i.cmp(&j));
            }
        }
    }

    #[test]
    fn an_end_of_row_key_sorts_after_all_columns() {
        let end = CellParts {
            row: b"r",
            family: b"",
            qualifier: b"",
            timestamp: i64::MAX,
            cell_type: CellType::Minimum,
            value: b"",
        };
        let end = Cell::new(end).unwrap();
        let last = Cell::put(b"r", b"\xff", b"\xff", 0, b"").unwrap();
        assert_eq!(CellOrder::User.compare(&last, &end), Ordering::Less);
    }
}
