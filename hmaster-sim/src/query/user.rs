//! What a get or a scan sees of a store. Counterpart of `UserScanQueryMatcher`, `NormalUserScanQueryMatcher` and
//! `RawScanQueryMatcher`.

use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_types::Cell;

use super::columns::Versions;
use super::{MatchCode, TimeRange, Tracker};
use crate::cell_tags;
use crate::filter::{Filter, FilterError, ReturnCode};
use crate::schema::{FamilySchema, KeepDeletedCells};

/// What is asked of a store.
#[derive(Debug, Clone)]
pub(crate) struct UserQuery<'a> {
    /// The store's family.
    pub(crate) family: &'a FamilySchema,
    /// Columns; all of them when there are none.
    pub(crate) qualifiers: &'a BTreeSet<Bytes>,
    /// Versions at most.
    pub(crate) max_versions: u32,
    /// Timestamps.
    pub(crate) time_range: TimeRange,
    /// Also what is deleted or expired, and the deletes.
    pub(crate) raw: bool,
    /// A filter will see each cell.
    pub(crate) filtered: bool,
    /// Wall-clock time in milliseconds.
    pub(crate) now_ms: i64,
}

/// Decides about each cell of a store.
#[derive(Debug)]
pub(crate) struct UserMatcher {
    tracker: Tracker,
    time_range: TimeRange,
    raw: bool,
    sees_past_deletes: bool,
    now_ms: i64,
    versions_after_filter: u32,
    /// The column whose cells the filter has let pass, and how many.
    filtered_column: Option<Cell>,
    filtered_count: u32,
}

impl UserMatcher {
    /// A matcher for one read of one store.
    pub(crate) fn new(query: &UserQuery<'_>) -> Self {
        let UserQuery { family, qualifiers, max_versions, time_range, raw, filtered, now_ms } = *query;
        let result_max = if raw { max_versions } else { max_versions.min(family.max_versions) };
        let to_check = match (filtered, raw) {
            (false, _) => result_max,
            (true, false) => family.max_versions,
            (true, true) => u32::MAX,
        };
        let oldest_unexpired = if raw { 0 } else { family.oldest_unexpired(now_ms) };
        let versions = |max| Versions { min: family.min_versions, max, oldest_unexpired };
        let tracker = if family.new_version_behavior && !raw {
            Tracker::new_version(qualifiers, versions(family.max_versions), result_max)
        } else {
            Tracker::classic(qualifiers, versions(to_check))
        };
        Self {
            tracker,
            time_range,
            raw,
            sees_past_deletes: family.keep_deleted_cells != KeepDeletedCells::False,
            now_ms,
            versions_after_filter: result_max,
            filtered_column: None,
            filtered_count: 0,
        }
    }

    /// Begins a row.
    pub(crate) fn begin_row(&mut self) {
        self.tracker.reset();
    }

    /// The column to look for next, if it is known.
    pub(crate) fn column_hint(&self) -> Option<&Bytes> {
        self.tracker.hint()
    }

    /// Decides about the next cell of the row.
    ///
    /// # Errors
    /// When the filter can't.
    pub(crate) fn decide(
        &mut self,
        cell: &Cell,
        filter: Option<&mut (dyn Filter + 'static)>,
    ) -> Result<MatchCode, FilterError> {
        if filter.as_ref().is_some_and(|filter| filter.filter_all_remaining()) {
            return Ok(MatchCode::DoneScan);
        }
        if let Some(code) = check_age(&mut self.tracker, cell, self.now_ms) {
            return Ok(code);
        }
        if !self.raw {
            if cell.cell_type().is_delete() {
                self.meet_delete(cell);
                return Ok(MatchCode::Skip);
            }
            if let Some(code) = self.tracker.check_deleted(cell) {
                return Ok(code);
            }
        }
        self.decide_column(cell, filter)
    }

    /// A delete beyond the time range hides cells within it, unless deleted cells are kept.
    fn meet_delete(&mut self, delete: &Cell) {
        let timestamp = delete.timestamp();
        let counts = if self.sees_past_deletes {
            self.time_range.contains(timestamp)
        } else {
            self.time_range.contains_or_precedes(timestamp)
        };
        if counts {
            self.tracker.add_delete(delete);
        }
    }

    fn decide_column(
        &mut self,
        cell: &Cell,
        filter: Option<&mut (dyn Filter + 'static)>,
    ) -> Result<MatchCode, FilterError> {
        let timestamp = cell.timestamp();
        if !self.time_range.contains(timestamp) {
            return Ok(if self.time_range.contains_or_precedes(timestamp) {
                MatchCode::Skip // older ones follow
            } else {
                self.tracker.next_row_or_column(cell)
            });
        }
        let wanted = self.tracker.check_column(cell);
        if wanted != MatchCode::Include {
            return Ok(wanted);
        }
        let code = self.tracker.check_versions(cell, false);
        match filter {
            Some(filter) if code.includes() => {
                let answer = filter.filter_cell(cell)?;
                Ok(self.merge(cell, code, answer))
            }
            _ => Ok(code),
        }
    }

    /// Of what versions and filter say, the farther step counts.
    fn merge(&mut self, cell: &Cell, code: MatchCode, answer: ReturnCode) -> MatchCode {
        use MatchCode as M;
        let included = match (answer, code) {
            (ReturnCode::IncludeAndNextColumn, M::Include) => M::IncludeAndSeekNextColumn,
            (ReturnCode::Include | ReturnCode::IncludeAndNextColumn, code) => code,
            (ReturnCode::IncludeAndNextRow, _) => M::IncludeAndSeekNextRow,
            (ReturnCode::Skip, M::Include) => return M::Skip,
            (ReturnCode::Skip, M::IncludeAndSeekNextColumn) => return M::SeekNextColumn,
            (ReturnCode::NextColumn, M::Include | M::IncludeAndSeekNextColumn) => {
                return self.tracker.next_row_or_column(cell);
            }
            (ReturnCode::Skip | ReturnCode::NextColumn | ReturnCode::NextRow, _) => return M::SeekNextRow,
            (ReturnCode::SeekUsingHint, _) => return M::SeekUsingHint,
        };
        let code = self.count_filtered(cell, included);
        if matches!(code, M::IncludeAndSeekNextColumn | M::SeekNextColumn) {
            self.tracker.done_with_column(cell); // the next column is sought by the tracker's hint
        }
        code
    }

    /// Before the filter, more versions were let pass than are wanted after it.
    fn count_filtered(&mut self, cell: &Cell, included: MatchCode) -> MatchCode {
        let same = self
            .filtered_column
            .as_ref()
            .is_some_and(|known| known.row() == cell.row() && known.qualifier() == cell.qualifier());
        if !same {
            (self.filtered_column, self.filtered_count) = (Some(cell.clone()), 0);
        }
        self.filtered_count += 1;
        match included {
            code if self.filtered_count <= self.versions_after_filter => code,
            MatchCode::IncludeAndSeekNextRow => MatchCode::SeekNextRow,
            _ => MatchCode::SeekNextColumn,
        }
    }
}

/// What doesn't matter by its age alone, or because the row has given all that is wanted.
pub(super) fn check_age(tracker: &mut Tracker, cell: &Cell, now_ms: i64) -> Option<MatchCode> {
    if tracker.done() {
        return Some(MatchCode::SeekNextRow);
    }
    let timestamp = cell.timestamp();
    if tracker.is_too_old(timestamp) {
        return Some(tracker.next_row_or_column(cell));
    }
    let expires = cell_tags::ttl_ms(cell.tags()).map(|ttl| timestamp.saturating_add(ttl));
    expires.is_some_and(|at| at < now_ms).then_some(MatchCode::Skip)
}
