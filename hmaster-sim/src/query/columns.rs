//! Which columns are read, and how many versions of each. Counterpart of `ExplicitColumnTracker` and
//! `ScanWildcardColumnTracker`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_types::{Cell, CellType};

use super::MatchCode;

/// How many versions of a column count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versions {
    /// Kept even when they are older than the time to live.
    pub(crate) min: u32,
    /// Read at most.
    pub(crate) max: u32,
    /// The oldest timestamp within the time to live.
    pub(crate) oldest_unexpired: i64,
}

/// Certain columns, or all of them.
#[derive(Debug)]
pub(crate) enum Columns {
    Explicit(ExplicitColumns),
    All(AllColumns),
}

/// Certain columns in their order.
#[derive(Debug)]
pub(crate) struct ExplicitColumns {
    versions: Versions,
    columns: Vec<Bytes>,
    /// The column looked for; beyond the last one when all were found.
    at: usize,
    count: u32,
    last_timestamp: Option<i64>,
}

/// All columns.
#[derive(Debug)]
pub(crate) struct AllColumns {
    versions: Versions,
    /// The column counted.
    qualifier: Option<Cell>,
    count: u32,
    last: Option<(i64, CellType)>,
}

impl Columns {
    /// The columns of `qualifiers`; all of them when there are none.
    pub(super) fn new(qualifiers: &BTreeSet<Bytes>, versions: Versions) -> Self {
        if qualifiers.is_empty() {
            Self::All(AllColumns { versions, qualifier: None, count: 0, last: None })
        } else {
            let columns = qualifiers.iter().cloned().collect();
            Self::Explicit(ExplicitColumns { versions, columns, at: 0, count: 0, last_timestamp: None })
        }
    }

    /// Begins a row.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Explicit(columns) => columns.go_to(0),
            Self::All(columns) => (columns.qualifier, columns.last) = (None, None),
        }
    }

    /// True when no cell of this row matters any more.
    pub(super) fn done(&self) -> bool {
        matches!(self, Self::Explicit(columns) if columns.done())
    }

    /// True when nothing of this age or older matters in this column.
    pub(super) fn is_too_old(&self, timestamp: i64) -> bool {
        let (Self::Explicit(ExplicitColumns { versions, .. }) | Self::All(AllColumns { versions, .. })) =
            self;
        versions.min == 0 && timestamp < versions.oldest_unexpired
    }

    /// Where to go when the rest of this column doesn't matter.
    pub(super) fn next_row_or_column(&mut self, cell: &Cell) -> MatchCode {
        self.done_with_column(cell);
        if self.done() { MatchCode::SeekNextRow } else { MatchCode::SeekNextColumn }
    }

    /// No more versions of the cell's column are wanted.
    pub(super) fn done_with_column(&mut self, cell: &Cell) {
        if let Self::Explicit(columns) = self {
            columns.skip_to_after(cell.qualifier());
        }
    }

    /// The column that is looked for next, if it is known.
    pub(super) fn hint(&self) -> Option<&Bytes> {
        match self {
            Self::Explicit(columns) => columns.columns.get(columns.at),
            Self::All(_) => None,
        }
    }

    /// Whether the cell's column is wanted.
    pub(super) fn check_column(&mut self, cell: &Cell) -> MatchCode {
        match self {
            Self::Explicit(columns) => columns.check_column(cell.qualifier()),
            Self::All(_) => MatchCode::Include,
        }
    }

    /// Whether this version of a wanted column is. With `uncounted` it is, and doesn't count: a cell that a reader
    /// doesn't see yet.
    pub(super) fn check_versions(&mut self, cell: &Cell, uncounted: bool) -> MatchCode {
        match self {
            Self::Explicit(_) if uncounted => MatchCode::Include,
            Self::Explicit(columns) => columns.check_versions(cell.timestamp()),
            Self::All(columns) => columns.check_versions(cell, uncounted),
        }
    }
}

impl Versions {
    fn is_expired(self, timestamp: i64) -> bool {
        timestamp < self.oldest_unexpired
    }
}

impl ExplicitColumns {
    fn done(&self) -> bool {
        self.at >= self.columns.len()
    }

    fn go_to(&mut self, at: usize) {
        (self.at, self.count, self.last_timestamp) = (at, 0, None);
    }

    fn skip_to_after(&mut self, qualifier: &[u8]) {
        let passed = self.columns[self.at..].partition_point(|column| **column <= *qualifier);
        if passed > 0 {
            self.go_to(self.at + passed);
        }
        self.last_timestamp = None;
    }

    fn check_column(&mut self, qualifier: &[u8]) -> MatchCode {
        while let Some(column) = self.columns.get(self.at) {
            match qualifier.cmp(column) {
                Ordering::Equal => return MatchCode::Include,
                Ordering::Less => return MatchCode::SeekNextColumn,
                Ordering::Greater => self.go_to(self.at + 1),
            }
        }
        MatchCode::SeekNextRow
    }

    fn check_versions(&mut self, timestamp: i64) -> MatchCode {
        if self.last_timestamp == Some(timestamp) {
            return MatchCode::Skip; // an edit that this one's newer sibling hides
        }
        self.count += 1;
        let Versions { min, max, .. } = self.versions;
        if self.count >= max || (self.count >= min && self.versions.is_expired(timestamp)) {
            self.go_to(self.at + 1);
            let more = !self.done();
            return if more { MatchCode::IncludeAndSeekNextColumn } else { MatchCode::IncludeAndSeekNextRow };
        }
        self.last_timestamp = Some(timestamp);
        MatchCode::Include
    }
}

impl AllColumns {
    fn check_versions(&mut self, cell: &Cell, uncounted: bool) -> MatchCode {
        let same = self.qualifier.as_ref().is_some_and(|counted| counted.qualifier() == cell.qualifier());
        if !same {
            (self.qualifier, self.count, self.last) = (Some(cell.clone()), 0, None);
        }
        let (timestamp, cell_type) = (cell.timestamp(), cell.cell_type());
        if uncounted {
            return MatchCode::Include;
        }
        if self.last == Some((timestamp, cell_type)) {
            return MatchCode::Skip;
        }
        // A delete takes the number of the put before it.
        self.count += u32::from(!cell_type.is_delete());
        let Versions { min, max, .. } = self.versions;
        if self.count > max || (self.count > min && self.versions.is_expired(timestamp)) {
            return MatchCode::SeekNextColumn;
        }
        self.last = Some((timestamp, cell_type));
        MatchCode::Include
    }
}
