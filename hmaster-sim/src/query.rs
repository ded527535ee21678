//! Which cells of a store a read sees: versions, deletes, time to live, columns. Counterpart of the package
//! `regionserver.querymatcher`.
//!
//! A matcher is fed the cells of one store in order, row by row, and answers for each what to do with it and where to
//! go next ([`MatchCode`]). It reads nothing and writes nothing. [`UserMatcher`] serves gets and scans,
//! [`CompactionMatcher`] flushes and compactions; both lean on a [`Tracker`] of columns, versions and deletes.
//!
//! Differs from Java in that cells of another row never get here: whoever feeds the matcher knows the row.

mod columns;
mod compaction;
mod deletes;
mod new_version;
mod time_range;
mod tracker;
mod user;

#[cfg(test)]
mod tests;

pub(crate) use compaction::{CompactionKind, CompactionMatcher, CompactionTerms};
pub(crate) use time_range::TimeRange;
pub(crate) use tracker::Tracker;
pub(crate) use user::{UserMatcher, UserQuery};

/// What to do with a cell, and where to go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchCode {
    /// It is part of the result.
    Include,
    /// It isn't.
    Skip,
    /// The row is over.
    SeekNextRow,
    /// The column is over.
    SeekNextColumn,
    /// The scan is over, says the filter.
    DoneScan,
    /// It isn't part of the result, and the filter knows where to go on.
    SeekUsingHint,
    /// It is the last of its column.
    IncludeAndSeekNextColumn,
    /// It is the last of its row.
    IncludeAndSeekNextRow,
}

impl MatchCode {
    /// Whether the cell is part of the result.
    pub(crate) fn includes(self) -> bool {
        matches!(self, Self::Include | Self::IncludeAndSeekNextColumn | Self::IncludeAndSeekNextRow)
    }
}
