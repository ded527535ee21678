//! Filters: what a client asks a region server to leave out. Counterpart of the package `hbase.filter`.
//!
//! A filter is parsed once ([`parse`]), sees each cell in order, and answers what to do with it and where to go on. It
//! lives as long as its scan in a region and keeps state between cells, rows and calls. The files follow what filters
//! look at: `row.rs`, `column.rs`, `value.rs`, `count.rs`; `wrap.rs` and `list.rs` combine others. Comparators are in
//! `comparator.rs`.
//!
//! All filters and comparators of hbase-client are here. Differences from Java: a comparator that meets a value it
//! can't read makes the scan fail with a message; Java throws what it happens to throw. MultiRowRangeFilter and
//! FuzzyRowFilter compute their hints their own way.

mod column;
mod comparator;
mod count;
mod decimal;
mod fuzzy;
mod list;
mod ranges;
mod regex;
mod row;
mod value;
mod wrap;

mod parse;

#[cfg(test)]
mod tests;

use std::fmt;

use hmaster_types::{Cell, CellParts, CellType};

pub(crate) use comparator::{Comparator, CompareOp};
pub(crate) use parse::{parse, parse_comparator, parse_op};

/// What to do with a cell. Counterpart of `Filter.ReturnCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReturnCode {
    /// Keep it.
    Include,
    /// Keep it; no further version.
    IncludeAndNextColumn,
    /// Keep it; nothing more of this row's family.
    IncludeAndNextRow,
    /// Leave it out.
    Skip,
    /// Leave it out, and all further versions.
    NextColumn,
    /// Leave it out, and the rest of this row's family.
    NextRow,
    /// Leave it out, and all up to [`Filter::next_cell_hint`].
    SeekUsingHint,
}

/// A filter can't be built, or can't go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FilterError(pub(crate) String);

type Answer<T> = Result<T, FilterError>;

/// Leaves out cells and rows of a scan. Counterpart of `Filter` and `FilterBase`.
pub(crate) trait Filter: fmt::Debug + Send {
    /// A new row begins.
    fn reset(&mut self) {}

    /// True when nothing more will pass.
    fn filter_all_remaining(&self) -> bool {
        false
    }

    /// Whether the row that begins with this cell is left out.
    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let _ = first;
        Ok(self.filter_all_remaining())
    }

    /// What to do with a cell.
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode>;

    /// The cell that is sent in place of a kept one.
    fn transform(&mut self, cell: Cell) -> Cell {
        cell
    }

    /// Removes cells of a complete row.
    fn filter_row_cells(&mut self, cells: &mut Vec<Cell>) {
        let _ = cells;
    }

    /// Whether rows must be complete before they are filtered: then they can't be sent in parts.
    fn has_filter_row(&self) -> bool {
        false
    }

    /// Whether the row whose cells all were seen is left out.
    fn filter_row(&mut self) -> bool {
        false
    }

    /// Where to go on after [`ReturnCode::SeekUsingHint`]; none for the next cell.
    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        let _ = cell;
        None
    }

    /// Whether it gives hints that a list of filters should ask for. Counterpart of `HintingFilter`.
    fn is_hinting(&self) -> bool {
        false
    }

    /// Rows come in falling order.
    fn set_reversed(&mut self, reversed: bool) {
        let _ = reversed;
    }
}

/// A key before all cells of a row.
fn first_on_row(row: &[u8]) -> Option<Cell> {
    key(row, b"", b"", i64::MAX, CellType::Maximum)
}

/// A key before all cells of a column in the cell's row and family.
fn first_on_column(cell: &Cell, qualifier: &[u8]) -> Option<Cell> {
    key(cell.row(), cell.family(), qualifier, i64::MAX, CellType::Maximum)
}

/// A key before all cells of the cell's column with this timestamp or older ones.
fn first_at_timestamp(cell: &Cell, timestamp: i64) -> Option<Cell> {
    key(cell.row(), cell.family(), cell.qualifier(), timestamp, CellType::Maximum)
}

/// A key after all cells of the cell's column.
fn last_on_column(cell: &Cell) -> Option<Cell> {
    key(cell.row(), cell.family(), cell.qualifier(), i64::MIN, CellType::Minimum)
}

/// None when a part is too long for any cell to come after it.
fn key(row: &[u8], family: &[u8], qualifier: &[u8], timestamp: i64, cell_type: CellType) -> Option<Cell> {
    Cell::new(CellParts { row, family, qualifier, timestamp, cell_type, value: b"" }).ok()
}
