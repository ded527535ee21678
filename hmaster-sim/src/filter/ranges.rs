//! MultiRowRangeFilter: rows in one of several ranges.

use bytes::Bytes;
use hmaster_types::Cell;

use super::{Answer, Filter, FilterError, ReturnCode, first_on_row};

/// Rows in one of several ranges.
#[derive(Debug)]
pub(super) struct MultiRowRangeFilter {
    /// Sorted, not overlapping.
    ranges: Vec<RowRange>,
    reversed: bool,
    code: ReturnCode,
    hint: Bytes,
    done: bool,
}

/// A range of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowRange {
    pub(super) start: Bytes,
    pub(super) start_inclusive: bool,
    /// Empty for the end of the table.
    pub(super) stop: Bytes,
    pub(super) stop_inclusive: bool,
}

impl RowRange {
    fn is_before_end(&self, row: &[u8]) -> bool {
        self.stop.is_empty() || *row < *self.stop || (self.stop_inclusive && *row == *self.stop)
    }

    fn is_after_start(&self, row: &[u8]) -> bool {
        self.start.is_empty() || *row > *self.start || (self.start_inclusive && *row == *self.start)
    }

    fn is_valid(&self) -> bool {
        self.start.is_empty()
            || self.stop.is_empty()
            || self.start < self.stop
            || (self.start == self.stop && self.stop_inclusive)
    }

    /// Whether nothing lies between this range and one that doesn't start before it.
    fn touches(&self, next: &Self) -> bool {
        self.stop.is_empty()
            || next.start < self.stop
            || (next.start == self.stop && (self.stop_inclusive || next.start_inclusive))
    }

    fn ends_before(&self, other: &Self) -> bool {
        match (self.stop.is_empty(), other.stop.is_empty()) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => (&self.stop, self.stop_inclusive) < (&other.stop, other.stop_inclusive),
        }
    }
}

impl MultiRowRangeFilter {
    /// Ranges in any order.
    ///
    /// # Errors
    /// Without any range, and for ranges that end before they begin.
    pub(super) fn new(mut ranges: Vec<RowRange>) -> Answer<Self> {
        let invalid: Vec<_> = ranges.iter().filter(|range| !range.is_valid()).collect();
        if let Some(range) = invalid.first() {
            let (start, stop) = (range.start.escape_ascii(), range.stop.escape_ascii());
            let count = invalid.len();
            return Err(FilterError(format!(
                "{count} invalid ranges, such as: start row => {start}, stop row => {stop}"
            )));
        }
        if ranges.is_empty() {
            return Err(FilterError("No ranges found.".into()));
        }
        ranges.sort_by(|a, b| (&a.start, !a.start_inclusive).cmp(&(&b.start, !b.start_inclusive)));
        let mut merged: Vec<RowRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut().filter(|last| last.touches(&range)) {
                Some(last) if last.ends_before(&range) => {
                    (last.stop, last.stop_inclusive) = (range.stop, range.stop_inclusive);
                }
                Some(_) => {}
                None => merged.push(range),
            }
        }
        Ok(Self {
            ranges: merged,
            reversed: false,
            code: ReturnCode::Include,
            hint: Bytes::new(),
            done: false,
        })
    }

    /// The range that a row is in, or else the next one on the way.
    fn range_at(&self, row: &[u8]) -> Option<&RowRange> {
        if self.reversed {
            let at = self.ranges.partition_point(|range| range.is_after_start(row));
            self.ranges[..at].last()
        } else {
            let at = self.ranges.partition_point(|range| !range.is_before_end(row));
            self.ranges.get(at)
        }
    }
}

impl Filter for MultiRowRangeFilter {
    fn filter_all_remaining(&self) -> bool {
        self.done
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let row = first.row();
        let Some(range) = self.range_at(row) else {
            (self.done, self.code) = (true, ReturnCode::NextRow);
            return Ok(true);
        };
        let (inside, edge) = if self.reversed {
            (range.is_before_end(row), &range.stop)
        } else {
            (range.is_after_start(row), &range.start)
        };
        // A row at an edge that doesn't belong to the range is left by the next step.
        let at_edge = **edge == *row;
        (self.code, self.hint) = match (inside, at_edge) {
            (true, _) => (ReturnCode::Include, Bytes::new()),
            (false, true) => (ReturnCode::NextRow, Bytes::new()),
            (false, false) => (ReturnCode::SeekUsingHint, edge.clone()),
        };
        Ok(false)
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(self.code)
    }

    fn next_cell_hint(&mut self, _: &Cell) -> Option<Cell> {
        first_on_row(&self.hint)
    }

    fn is_hinting(&self) -> bool {
        true
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
    }
}
