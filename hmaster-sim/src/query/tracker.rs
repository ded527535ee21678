//! Columns, versions and deletes of a row together, by either of two rules. Counterpart of
//! `ScanQueryMatcher.getTrackers`.

use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_types::Cell;

use super::MatchCode;
use super::columns::{Columns, Versions};
use super::deletes::{Deleted, Deletes};
use super::new_version::NewVersionTracker;

/// Columns, versions and deletes of a row.
#[derive(Debug)]
pub(crate) enum Tracker {
    /// A delete hides all older timestamps, whenever they were written.
    Classic {
        /// Columns and versions.
        columns: Columns,
        /// Deletes met so far.
        deletes: Deletes,
    },
    /// A delete hides only what was written before it (`NEW_VERSION_BEHAVIOR`).
    NewVersion(Box<NewVersionTracker>),
}

impl Tracker {
    /// The usual rule. `versions.max` counts before filters.
    pub(crate) fn classic(qualifiers: &BTreeSet<Bytes>, versions: Versions) -> Self {
        Self::Classic { columns: Columns::new(qualifiers, versions), deletes: Deletes::default() }
    }

    /// The rule of `NEW_VERSION_BEHAVIOR`. `versions` are the family's; of them, `result_max` are read.
    pub(crate) fn new_version(qualifiers: &BTreeSet<Bytes>, versions: Versions, result_max: u32) -> Self {
        Self::NewVersion(Box::new(NewVersionTracker::new(qualifiers, versions, result_max)))
    }

    pub(super) fn reset(&mut self) {
        match self {
            Self::Classic { columns, deletes } => {
                columns.reset();
                deletes.reset();
            }
            Self::NewVersion(tracker) => tracker.reset(),
        }
    }

    pub(super) fn done(&self) -> bool {
        match self {
            Self::Classic { columns, .. } => columns.done(),
            Self::NewVersion(tracker) => tracker.done(),
        }
    }

    pub(super) fn is_too_old(&self, timestamp: i64) -> bool {
        match self {
            Self::Classic { columns, .. } => columns.is_too_old(timestamp),
            Self::NewVersion(_) => false, // an older timestamp may be a later edit
        }
    }

    pub(super) fn next_row_or_column(&mut self, cell: &Cell) -> MatchCode {
        match self {
            Self::Classic { columns, .. } => columns.next_row_or_column(cell),
            Self::NewVersion(_) => MatchCode::SeekNextColumn,
        }
    }

    pub(super) fn done_with_column(&mut self, cell: &Cell) {
        if let Self::Classic { columns, .. } = self {
            columns.done_with_column(cell);
        }
    }

    pub(super) fn hint(&self) -> Option<&Bytes> {
        match self {
            Self::Classic { columns, .. } => columns.hint(),
            Self::NewVersion(tracker) => tracker.hint(),
        }
    }

    pub(super) fn add_delete(&mut self, delete: &Cell) {
        match self {
            Self::Classic { deletes, .. } => deletes.add(delete),
            Self::NewVersion(tracker) => tracker.add_delete(delete),
        }
    }

    /// What to do with a put that is deleted; none when it isn't.
    pub(super) fn check_deleted(&mut self, put: &Cell) -> Option<MatchCode> {
        match self {
            Self::Classic { deletes, .. } if deletes.is_empty() => None,
            Self::Classic { columns, deletes } => deletes.of(put).map(|deleted| match deleted {
                Deleted::Family | Deleted::Column => columns.next_row_or_column(put),
                Deleted::Version => MatchCode::Skip,
            }),
            Self::NewVersion(tracker) => tracker.is_hidden(put).then_some(MatchCode::Skip),
        }
    }

    pub(super) fn check_column(&mut self, cell: &Cell) -> MatchCode {
        match self {
            Self::Classic { columns, .. } => columns.check_column(cell),
            Self::NewVersion(tracker) => tracker.check_column(cell),
        }
    }

    pub(super) fn check_versions(&mut self, cell: &Cell, uncounted: bool) -> MatchCode {
        match self {
            Self::Classic { columns, .. } => columns.check_versions(cell, uncounted),
            Self::NewVersion(_) if uncounted => MatchCode::Include,
            Self::NewVersion(tracker) => tracker.check_versions(cell.timestamp()),
        }
    }
}
