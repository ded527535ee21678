//! The cells of one store that a scan sees. Counterpart of `StoreScanner` and `ReversedStoreScanner`.

use bytes::Bytes;
use hmaster_types::Cell;

use super::merge::{Merge, Next};
use super::{ScanError, Target};
use crate::filter::Filter;
use crate::query::{MatchCode, UserMatcher};
use crate::store_file::StoreFileError;

/// Cells looked at before others get a turn.
const STEP_CELLS_MAX: u32 = 2048;

/// A scan of one store.
#[derive(Debug)]
pub(super) struct StoreScanner {
    merge: Merge,
    matcher: UserMatcher,
    /// The row in which the matcher is.
    row: Option<Bytes>,
    /// How many of a row's cells are left out at its beginning, and how many are given at most.
    offset: u32,
    limit: Option<u32>,
    in_row: u32,
    done: bool,
}

/// What one step came to.
#[derive(Debug)]
pub(super) enum Step {
    /// A cell of the row.
    Cell(Cell),
    /// No more cells of the row.
    RowDone,
    /// [`StoreScanner::load`] must be called.
    Waiting,
    /// Nothing yet; many cells were looked at.
    Pause,
}

impl StoreScanner {
    pub(super) fn new(merge: Merge, matcher: UserMatcher, offset: u32, limit: Option<u32>) -> Self {
        Self { merge, matcher, row: None, offset, limit, in_row: 0, done: false }
    }

    /// The next cell, before anything is decided about it.
    pub(super) fn peek(&mut self) -> Next<'_> {
        if self.done { Next::End } else { self.merge.peek() }
    }

    pub(super) async fn load(&mut self) -> Result<(), StoreFileError> {
        self.merge.load().await
    }

    /// Leaves a row.
    pub(super) fn skip_row(&mut self, row: &Bytes) {
        if !self.done {
            self.row = None;
            self.merge.skip_row(row);
        }
    }

    /// The next cell of `row` that the scan sees.
    pub(super) fn step(
        &mut self,
        row: &Bytes,
        mut filter: Option<&mut (dyn Filter + 'static)>,
    ) -> Result<Step, ScanError> {
        for _ in 0..STEP_CELLS_MAX {
            let cell = match self.peek() {
                Next::Waiting => return Ok(Step::Waiting),
                Next::Cell(cell) if *cell.row() == **row => cell.clone(),
                Next::Cell(_) | Next::End => {
                    self.row = None;
                    return Ok(Step::RowDone);
                }
            };
            if self.row.is_none() {
                self.matcher.begin_row();
                (self.row, self.in_row) = (Some(row.clone()), 0);
            }
            let code = self.matcher.decide(&cell, filter.as_deref_mut())?;
            if !code.includes() {
                if self.leave(row, &cell, code, filter.as_deref_mut()) {
                    return Ok(Step::RowDone);
                }
                continue;
            }
            self.in_row += 1;
            let counts = self.in_row > self.offset;
            let last = self.limit.is_some_and(|limit| self.in_row >= self.offset.saturating_add(limit));
            let code = if counts && last { MatchCode::IncludeAndSeekNextRow } else { code };
            self.leave(row, &cell, code, None);
            if counts {
                return Ok(Step::Cell(match filter {
                    Some(filter) => filter.transform(cell),
                    None => cell,
                }));
            }
        }
        Ok(Step::Pause)
    }

    /// Goes where the matcher says. True when that is out of the row.
    fn leave(
        &mut self,
        row: &Bytes,
        cell: &Cell,
        code: MatchCode,
        filter: Option<&mut (dyn Filter + 'static)>,
    ) -> bool {
        match code {
            MatchCode::Include | MatchCode::Skip => self.merge.advance(),
            MatchCode::SeekNextColumn | MatchCode::IncludeAndSeekNextColumn => self.seek_next_column(cell),
            MatchCode::SeekNextRow | MatchCode::IncludeAndSeekNextRow => {
                self.skip_row(row);
                return true;
            }
            MatchCode::SeekUsingHint => match filter.and_then(|filter| filter.next_cell_hint(cell)) {
                Some(hint) => self.merge.seek_hint(cell, &hint),
                None => self.merge.advance(),
            },
            MatchCode::DoneScan => {
                self.done = true;
                return true;
            }
        }
        false
    }

    /// In the empty column there may be deletes of the family, with any timestamp, that must not be missed.
    fn seek_next_column(&mut self, cell: &Cell) {
        let target = if cell.qualifier().is_empty() {
            Target::AfterKey(cell.clone())
        } else {
            match self.matcher.column_hint() {
                Some(next) => Target::Column(cell.clone(), next.clone()),
                None => Target::AfterColumn(cell.clone()),
            }
        };
        self.merge.seek(&target);
    }
}
