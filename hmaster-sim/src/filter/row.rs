//! Filters that look at rows: RowFilter, PrefixFilter, InclusiveStopFilter, RandomRowFilter.

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, Chance};

use super::value::Comparison;
use super::{Answer, Filter, ReturnCode, first_on_row};

/// Rows that compare.
#[derive(Debug)]
pub(super) struct RowFilter {
    pub(super) comparison: Comparison,
    pub(super) out: bool,
}

/// Rows with a prefix.
#[derive(Debug)]
pub(super) struct PrefixFilter {
    prefix: Option<Bytes>,
    reversed: bool,
    passed: bool,
    out: bool,
    before_prefix: bool,
}

/// Rows up to one, that one included.
#[derive(Debug)]
pub(super) struct InclusiveStopFilter {
    pub(super) stop: Bytes,
    pub(super) reversed: bool,
    pub(super) done: bool,
}

/// Each row by chance.
#[derive(Debug)]
pub(super) struct RandomRowFilter {
    pub(super) probability: f32,
    pub(super) chance: Chance,
    pub(super) out: bool,
}

impl Filter for RowFilter {
    fn reset(&mut self) {
        self.out = false;
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        self.out |= !self.comparison.passes(first.row())?;
        Ok(self.out)
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(if self.out { ReturnCode::NextRow } else { ReturnCode::Include })
    }

    fn filter_row(&mut self) -> bool {
        self.out
    }
}

impl PrefixFilter {
    pub(super) fn new(prefix: Option<Bytes>) -> Self {
        Self { prefix, reversed: false, passed: false, out: true, before_prefix: false }
    }
}

impl Filter for PrefixFilter {
    fn reset(&mut self) {
        self.out = true;
    }

    fn filter_all_remaining(&self) -> bool {
        self.passed
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let Some(prefix) = self.prefix.as_ref().filter(|_| !self.passed) else { return Ok(true) };
        let row = first.row();
        let mut compared = row[..row.len().min(prefix.len())].cmp(prefix);
        if self.reversed {
            compared = compared.reverse();
        }
        self.passed |= compared.is_gt();
        self.out = compared.is_ne();
        // Rows falling, the hint is the row after the prefix; at that row there is nothing to gain.
        let at_hint = || self.reversed && after_prefix(prefix).is_some_and(|after| after == row);
        self.before_prefix = compared.is_lt() && !at_hint();
        Ok(self.passed)
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(match (self.before_prefix, self.out) {
            (true, _) => ReturnCode::SeekUsingHint,
            (false, true) => ReturnCode::NextRow,
            (false, false) => ReturnCode::Include,
        })
    }

    fn filter_row(&mut self) -> bool {
        self.out
    }

    fn next_cell_hint(&mut self, _: &Cell) -> Option<Cell> {
        let prefix = self.prefix.as_ref()?;
        if self.reversed { first_on_row(&after_prefix(prefix)?) } else { first_on_row(prefix) }
    }

    fn is_hinting(&self) -> bool {
        true
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
    }
}

/// The first row after all rows with this prefix.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after)
}

impl Filter for InclusiveStopFilter {
    fn filter_all_remaining(&self) -> bool {
        self.done
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let compared = CellOrder::User.compare_rows(first.row(), &self.stop);
        self.done |= if self.reversed { compared.is_lt() } else { compared.is_gt() };
        Ok(self.done)
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(if self.done { ReturnCode::NextRow } else { ReturnCode::Include })
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
    }
}

impl Filter for RandomRowFilter {
    fn reset(&mut self) {
        self.out = false;
    }

    fn filter_row_key(&mut self, _: &Cell) -> Answer<bool> {
        // Below 0 nothing passes, above 1 everything.
        self.out = !self.chance.happens(self.probability.into());
        Ok(self.out)
    }

    fn filter_cell(&mut self, _: &Cell) -> Answer<ReturnCode> {
        Ok(if self.out { ReturnCode::NextRow } else { ReturnCode::Include })
    }

    fn has_filter_row(&self) -> bool {
        true
    }

    fn filter_row(&mut self) -> bool {
        self.out
    }
}
