//! Filters that look at columns and timestamps: FamilyFilter, QualifierFilter, ColumnPrefixFilter,
//! MultipleColumnPrefixFilter, ColumnRangeFilter, FirstKeyOnlyFilter, FirstKeyValueMatchingQualifiersFilter,
//! TimestampsFilter.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_types::Cell;

use super::value::Comparison;
use super::{Answer, Filter, ReturnCode, first_at_timestamp, first_on_column, last_on_column};

/// Families that compare.
#[derive(Debug)]
pub(super) struct FamilyFilter {
    pub(super) comparison: Comparison,
}

/// Columns that compare.
#[derive(Debug)]
pub(super) struct QualifierFilter {
    pub(super) comparison: Comparison,
}

/// Columns with a prefix.
#[derive(Debug)]
pub(super) struct ColumnPrefixFilter {
    pub(super) prefix: Bytes,
}

/// Columns with one of several prefixes.
#[derive(Debug)]
pub(super) struct MultipleColumnPrefixFilter {
    pub(super) prefixes: BTreeSet<Bytes>,
    pub(super) hint: Bytes,
}

/// Columns between two.
#[derive(Debug)]
pub(super) struct ColumnRangeFilter {
    pub(super) min: Option<Bytes>,
    pub(super) min_inclusive: bool,
    pub(super) max: Option<Bytes>,
    pub(super) max_inclusive: bool,
}

/// The first cell of each row; or all cells up to the first of certain columns.
#[derive(Debug)]
pub(super) struct FirstKeyOnlyFilter {
    /// None for any column.
    pub(super) qualifiers: Option<Vec<Bytes>>,
    pub(super) found: bool,
}

/// Certain timestamps.
#[derive(Debug)]
pub(super) struct TimestampsFilter {
    pub(super) timestamps: BTreeSet<i64>,
    pub(super) can_hint: bool,
}

impl Filter for FamilyFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let passes = cell.family().is_empty() || self.comparison.passes(cell.family())?;
        Ok(if passes { ReturnCode::Include } else { ReturnCode::NextRow })
    }
}

impl Filter for QualifierFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        Ok(if self.comparison.passes(cell.qualifier())? { ReturnCode::Include } else { ReturnCode::Skip })
    }
}

impl Filter for ColumnPrefixFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let qualifier = cell.qualifier();
        Ok(match qualifier[..qualifier.len().min(self.prefix.len())].cmp(&self.prefix) {
            Ordering::Less => ReturnCode::SeekUsingHint,
            Ordering::Equal => ReturnCode::Include,
            Ordering::Greater => ReturnCode::NextRow,
        })
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        first_on_column(cell, &self.prefix)
    }

    fn is_hinting(&self) -> bool {
        true
    }
}

impl Filter for MultipleColumnPrefixFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if self.prefixes.is_empty() {
            return Ok(ReturnCode::Include);
        }
        let qualifier = Bytes::copy_from_slice(cell.qualifier());
        let at_or_before = self.prefixes.range(..=qualifier.clone()).next_back();
        if at_or_before.is_some_and(|prefix| qualifier.starts_with(prefix)) {
            return Ok(ReturnCode::Include);
        }
        match self.prefixes.range(qualifier..).next() {
            Some(next) => {
                self.hint = next.clone();
                Ok(ReturnCode::SeekUsingHint)
            }
            None => Ok(ReturnCode::NextRow),
        }
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        first_on_column(cell, &self.hint)
    }

    fn is_hinting(&self) -> bool {
        true
    }
}

impl Filter for ColumnRangeFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let qualifier = cell.qualifier();
        match self.min.as_ref().map(|min| qualifier.cmp(min)) {
            Some(Ordering::Less) => return Ok(ReturnCode::SeekUsingHint),
            Some(Ordering::Equal) if !self.min_inclusive => return Ok(ReturnCode::NextColumn),
            _ => {}
        }
        let after = match self.max.as_ref().map(|max| qualifier.cmp(max)) {
            None | Some(Ordering::Less) => false,
            Some(Ordering::Equal) => !self.max_inclusive,
            Some(Ordering::Greater) => true,
        };
        Ok(if after { ReturnCode::NextRow } else { ReturnCode::Include })
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        first_on_column(cell, self.min.as_deref().unwrap_or_default())
    }

    fn is_hinting(&self) -> bool {
        true
    }
}

impl Filter for FirstKeyOnlyFilter {
    fn reset(&mut self) {
        self.found = false;
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if self.found {
            return Ok(ReturnCode::NextRow);
        }
        self.found = match &self.qualifiers {
            None => true,
            Some(qualifiers) => qualifiers.iter().any(|qualifier| **qualifier == *cell.qualifier()),
        };
        Ok(ReturnCode::Include)
    }
}

impl Filter for TimestampsFilter {
    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        let timestamp = cell.timestamp();
        Ok(match self.timestamps.first() {
            _ if self.timestamps.contains(&timestamp) => ReturnCode::Include,
            Some(min) if timestamp >= *min && self.can_hint => ReturnCode::SeekUsingHint,
            Some(min) if timestamp >= *min => ReturnCode::Skip,
            _ => ReturnCode::NextColumn,
        })
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        if !self.can_hint {
            return None;
        }
        match self.timestamps.range(..cell.timestamp()).next_back() {
            Some(older) => first_at_timestamp(cell, *older),
            None => last_on_column(cell),
        }
    }

    fn is_hinting(&self) -> bool {
        true
    }
}
