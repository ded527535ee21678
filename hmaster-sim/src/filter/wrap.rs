//! Filters around one other filter: SkipFilter, WhileMatchFilter.

use hmaster_types::Cell;

use super::{Answer, Filter, ReturnCode};

/// Leaves out a row when the inner filter leaves out any of its cells.
#[derive(Debug)]
pub(super) struct SkipFilter {
    pub(super) inner: Box<dyn Filter>,
    pub(super) out: bool,
}

/// Ends the scan as soon as the inner filter leaves anything out.
#[derive(Debug)]
pub(super) struct WhileMatchFilter {
    pub(super) inner: Box<dyn Filter>,
    pub(super) done: bool,
}

impl Filter for SkipFilter {
    fn reset(&mut self) {
        self.inner.reset();
        self.out = false;
    }

    fn filter_row_key(&mut self, _: &Cell) -> Answer<bool> {
        Ok(false)
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let code = self.inner.filter_cell(cell)?;
        self.out |= code != ReturnCode::Include;
        Ok(code)
    }

    fn transform(&mut self, cell: Cell) -> Cell {
        self.inner.transform(cell)
    }

    fn has_filter_row(&self) -> bool {
        true
    }

    fn filter_row(&mut self) -> bool {
        self.out
    }
}

impl Filter for WhileMatchFilter {
    fn reset(&mut self) {
        self.inner.reset();
    }

    fn filter_all_remaining(&self) -> bool {
        self.done || self.inner.filter_all_remaining()
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        if self.filter_all_remaining() {
            return Ok(true);
        }
        let out = self.inner.filter_row_key(first)?;
        self.done |= out;
        Ok(out)
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let code = self.inner.filter_cell(cell)?;
        self.done |= code != ReturnCode::Include;
        Ok(code)
    }

    fn transform(&mut self, cell: Cell) -> Cell {
        self.inner.transform(cell)
    }

    fn has_filter_row(&self) -> bool {
        true
    }

    fn filter_row(&mut self) -> bool {
        let out = self.inner.filter_row();
        self.done |= out;
        out
    }
}
