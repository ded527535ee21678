//! Filters that look at values, and the comparison that many filters make: ValueFilter, ColumnValueFilter,
//! SingleColumnValueFilter, SingleColumnValueExcludeFilter, DependentColumnFilter, KeyOnlyFilter.

use std::collections::HashSet;

use bytes::Bytes;
use hmaster_types::{Cell, CellParts};

use super::{Answer, Comparator, CompareOp, Filter, FilterError, ReturnCode};

/// An operator and what to compare with. Counterpart of `CompareFilter`.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) op: CompareOp,
    pub(super) comparator: Option<Comparator>,
}

/// Cells whose value compares.
#[derive(Debug)]
pub(super) struct ValueFilter {
    pub(super) comparison: Comparison,
}

/// One column, if its value compares.
#[derive(Debug)]
pub(super) struct ColumnValueFilter {
    pub(super) family: Bytes,
    pub(super) qualifier: Bytes,
    pub(super) comparison: Comparison,
    pub(super) found: bool,
}

/// Rows in which a column's value compares.
#[derive(Debug)]
pub(super) struct SingleColumnValueFilter {
    pub(super) family: Bytes,
    pub(super) qualifier: Bytes,
    pub(super) comparison: Comparison,
    pub(super) if_missing: bool,
    pub(super) latest_only: bool,
    /// Leave the column out.
    pub(super) exclude: bool,
    pub(super) found: bool,
    pub(super) matched: bool,
}

/// Cells with a timestamp that a certain column has in the same row.
#[derive(Debug)]
pub(super) struct DependentColumnFilter {
    pub(super) family: Bytes,
    pub(super) qualifier: Bytes,
    pub(super) comparison: Comparison,
    pub(super) drop: bool,
    pub(super) timestamps: HashSet<i64>,
}

/// Cells without their values.
#[derive(Debug)]
pub(super) struct KeyOnlyFilter {
    /// The length of the value, as four bytes, in its place.
    pub(super) length_as_value: bool,
}

impl Comparison {
    /// Whether this part of a cell passes.
    pub(super) fn passes(&self, part: &[u8]) -> Answer<bool> {
        match (&self.comparator, self.op) {
            (_, CompareOp::NoOp) => Ok(false),
            (Some(comparator), op) => op.passes(comparator.compare(part)?),
            (None, op) => Err(FilterError(format!("{op:?} without a comparator"))),
        }
    }
}

fn is_column(cell: &Cell, family: &[u8], qualifier: &[u8]) -> bool {
    cell.qualifier() == qualifier && cell.family() == family
}

impl Filter for ValueFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        Ok(if self.comparison.passes(cell.value())? { ReturnCode::Include } else { ReturnCode::Skip })
    }
}

impl Filter for ColumnValueFilter {
    fn reset(&mut self) {
        self.found = false;
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if !is_column(cell, &self.family, &self.qualifier) {
            return Ok(if self.found { ReturnCode::NextRow } else { ReturnCode::NextColumn });
        }
        self.found = true;
        Ok(if self.comparison.passes(cell.value())? { ReturnCode::Include } else { ReturnCode::Skip })
    }
}

impl Filter for SingleColumnValueFilter {
    fn reset(&mut self) {
        (self.found, self.matched) = (false, false);
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if self.matched {
            return Ok(ReturnCode::Include);
        }
        if self.latest_only && self.found {
            return Ok(ReturnCode::NextRow);
        }
        if !is_column(cell, &self.family, &self.qualifier) {
            return Ok(ReturnCode::Include);
        }
        self.found = true;
        if self.comparison.op == CompareOp::NoOp {
            return Err(FilterError("Unknown Compare op NO_OP".into()));
        }
        self.matched = self.comparison.passes(cell.value())?;
        Ok(if !self.matched && self.latest_only { ReturnCode::NextRow } else { ReturnCode::Include })
    }

    fn filter_row_cells(&mut self, cells: &mut Vec<Cell>) {
        if self.exclude {
            cells.retain(|cell| !is_column(cell, &self.family, &self.qualifier));
        }
    }

    fn has_filter_row(&self) -> bool {
        true
    }

    fn filter_row(&mut self) -> bool {
        if self.found { !self.matched } else { self.if_missing }
    }
}

impl Filter for DependentColumnFilter {
    fn reset(&mut self) {
        self.timestamps.clear();
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if !is_column(cell, &self.family, &self.qualifier) {
            return Ok(ReturnCode::Include);
        }
        if self.comparison.comparator.is_some() && !self.comparison.passes(cell.value())? {
            return Ok(ReturnCode::Skip);
        }
        self.timestamps.insert(cell.timestamp());
        Ok(if self.drop { ReturnCode::Skip } else { ReturnCode::Include })
    }

    fn filter_row_cells(&mut self, cells: &mut Vec<Cell>) {
        cells.retain(|cell| self.timestamps.contains(&cell.timestamp()));
    }

    fn has_filter_row(&self) -> bool {
        true
    }
}

impl Filter for KeyOnlyFilter {
    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(ReturnCode::Include)
    }

    fn transform(&mut self, cell: Cell) -> Cell {
        let length = (cell.value().len() as u32).to_be_bytes(); // a cell's value is shorter than 2³¹ bytes
        let value = if self.length_as_value { &length[..] } else { b"" };
        let (row, family, qualifier) = (cell.row(), cell.family(), cell.qualifier());
        let (timestamp, cell_type) = (cell.timestamp(), cell.cell_type());
        let parts = CellParts { row, family, qualifier, timestamp, cell_type, value };
        match Cell::new(parts) {
            Ok(key_only) => key_only.with_sequence_id(cell.sequence_id()),
            Err(_) => cell, // its own parts always fit
        }
    }
}
