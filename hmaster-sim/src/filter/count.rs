//! Filters that count: PageFilter, ColumnCountGetFilter, ColumnPaginationFilter.

use bytes::Bytes;
use hmaster_types::Cell;

use super::{Answer, Filter, ReturnCode, first_on_column};

/// A number of rows per region.
#[derive(Debug)]
pub(super) struct PageFilter {
    pub(super) rows_max: i64,
    pub(super) rows: i64,
}

/// A number of columns, for gets.
#[derive(Debug)]
pub(super) struct ColumnCountGetFilter {
    pub(super) limit: i32,
    pub(super) count: i32,
}

/// A number of columns of each row, from one on.
#[derive(Debug)]
pub(super) struct ColumnPaginationFilter {
    pub(super) limit: i32,
    pub(super) from: PageStart,
    pub(super) count: i32,
}

/// Where a page of columns begins.
#[derive(Debug)]
pub(super) enum PageStart {
    /// After this many columns.
    Skipped(i32),
    /// At this column.
    Column(Bytes),
}

impl Filter for PageFilter {
    fn filter_all_remaining(&self) -> bool {
        self.rows >= self.rows_max
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(ReturnCode::Include)
    }

    fn has_filter_row(&self) -> bool {
        true
    }

    fn filter_row(&mut self) -> bool {
        self.rows = self.rows.saturating_add(1);
        self.rows > self.rows_max
    }
}

impl Filter for ColumnCountGetFilter {
    fn reset(&mut self) {
        self.count = 0;
    }

    fn filter_all_remaining(&self) -> bool {
        self.count > self.limit
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        self.count = self.count.saturating_add(1);
        let beyond = self.filter_all_remaining();
        Ok(if beyond { ReturnCode::NextColumn } else { ReturnCode::IncludeAndNextColumn })
    }
}

impl Filter for ColumnPaginationFilter {
    fn reset(&mut self) {
        self.count = 0;
    }

    fn filter_row_key(&mut self, _: &Cell) -> Answer<bool> {
        Ok(false)
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let (skipped, before) = match &self.from {
            PageStart::Skipped(skipped) => (*skipped, false),
            PageStart::Column(column) => (0, self.count == 0 && *cell.qualifier() < **column),
        };
        if self.count >= skipped.saturating_add(self.limit) {
            return Ok(ReturnCode::NextRow);
        }
        if before {
            return Ok(ReturnCode::SeekUsingHint);
        }
        self.count += 1;
        Ok(if self.count <= skipped { ReturnCode::NextColumn } else { ReturnCode::IncludeAndNextColumn })
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        match &self.from {
            PageStart::Column(column) => first_on_column(cell, column),
            PageStart::Skipped(_) => None,
        }
    }
}
